"""What a rollout's requests cost: list prices of models by their tokens, and plans that are paid by the month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from alexandria.core.config import Settings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.forecast.belief import EXPECTED_MONTHS
from alexandria.forecast.billing import Prices
from alexandria.forecast.repository import Purchases, Tokens
from alexandria.providers.generator_specs import GeneratorSpec

TOKENS_PER_LIST = Tokens(600, 2500)  # thinking included


def model_prices(specs: Sequence[GeneratorSpec], tokens: Mapping[str, Tokens]) -> dict[str, float]:
    """Dollars for an answered request by model, named as in its setting. A model without a known price is left out."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 # a long list, needed for forecasts alone

    found: dict[str, float] = {}
    for spec in specs:
        price_list_name = PROVIDERS[spec.provider].price_list_name
        if not price_list_name:
            continue
        used = tokens.get(spec.label, TOKENS_PER_LIST)
        usage = Usage(input_tokens=round(used.input), output_tokens=round(used.output))
        try:
            price = calc_price(usage, model_ref=spec.model, provider_id=price_list_name)
        except LookupError:
            continue
        found[spec.label] = float(price.total_price)
    return found


def plan_prices(settings: Settings, names: Sequence[str], hosts: Mapping[str, str]) -> dict[str, float]:
    """Dollars a month for the plans of these providers: as set, or as the plan's host is listed. `hosts` were reported."""
    found = {}
    for name in names:
        configured = settings.providers[name]
        host = hosts.get(name) or urlsplit(configured.base_url).hostname or ""
        price = PROVIDERS[name].plan_prices.get(host) if configured.plan_price is None else configured.plan_price
        if price is not None:
            found[name] = price
    return found


def prices_of(specs: Sequence[GeneratorSpec], dollars: Mapping[str, float], made: Sequence[Purchases]) -> Prices:
    """Prices by provider from those by model, and what the requests that were `made` have cost.

    A request belongs to the model that its address names, and else to each model of its provider alike. One that was
    refused is not billed.
    """
    requests: Counter[str] = Counter()
    spent, per_request = 0.0, {}
    answered: Counter[str] = Counter()
    for each in made:
        requests[each.provider] += each.requests
        answered[each.provider] += each.answered
        own = [spec for spec in specs if spec.provider == each.provider]
        named = [spec for spec in own if spec.model and f"/{spec.model}:" in each.route] or own
        spent += sum(each.answered / max(len(named), 1) * dollars.get(spec.label, 0.0) for spec in named)
    for provider in dict.fromkeys(spec.provider for spec in specs):
        own = [spec for spec in specs if spec.provider == provider]
        if any(spec.label in dollars for spec in own):
            # As many expected lists as beside repeated requests: one that is refused and made again costs once.
            expected = EXPECTED_MONTHS * len(own)
            billed = (answered[provider] + expected) / (requests[provider] + expected)
            per_request[provider] = billed * sum(dollars.get(spec.label, 0.0) for spec in own) / len(own)
    unpriced = tuple(spec.label for spec in specs if spec.label not in dollars and spec.provider in per_request)
    return Prices(per_request, spent, unpriced=unpriced)
