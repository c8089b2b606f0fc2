"""What a forecast assumes until it has been measured: the settings, facts about providers, and list prices of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alexandria.backfill.source_selection import Policy
from alexandria.core.config import Settings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.forecast.repository import Tokens
from alexandria.forecast.scenario import Scenario, SimulatedProvider
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.llm import GeneratorSpec, parse_generators

TOKENS_PER_LIST = Tokens(600, 2500)  # thinking included
YEARLY_DECLINE_SHARE = 0.001  # of the share of named books that can be found, for each year back


def expected_scenario(settings: Settings, lanes: Sequence[LaneStatus], workers: int = 1) -> Scenario:
    """What to expect with these settings. The limits in force, in the database, take precedence over the settings'."""
    caps = {lane.name: lane.cap for lane in lanes}
    rates = {lane.name: lane.rate for lane in lanes}

    def provider(name: str) -> SimulatedProvider:
        configured = settings.lanes[name]
        facts = PROVIDERS[configured.name]
        return SimulatedProvider(
            name,
            rates.get(name, configured.rate),
            caps.get(name, configured.daily_cap),
            configured.zone,
            facts.response_seconds,
            paid=facts.paid,
            coverage=facts.coverage,
            timeout=configured.timeout,
        )

    specs = parse_generators(settings.generators)
    generators = dict.fromkeys(settings.lane_of(spec.provider, spec.url) for spec in specs)
    usable = [name for name in settings.sources if name not in without_key(settings)]
    return Scenario(
        tuple(map(provider, generators)),
        tuple(map(provider, usable or settings.sources)),
        policy=Policy(settings.policy),
        concurrency=settings.concurrency * workers,
        yearly_decline=YEARLY_DECLINE_SHARE,
    )


def without_key(settings: Settings) -> list[str]:
    """The sources that cannot be asked because their key is not set."""
    return [name for name in settings.sources if PROVIDERS[name].key and settings.providers[name].key is None]


def list_prices(specs: Sequence[GeneratorSpec], tokens: Mapping[str, Tokens]) -> dict[str, float]:
    """Dollars for the book lists of a month by provider. A model without a known price is left out."""
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
        found[spec.provider] = found.get(spec.provider, 0.0) + float(price.total_price)
    return found
