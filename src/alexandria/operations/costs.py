"""The costs of the backfill in dollars, measured and forecast, and the sentences about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from alexandria.core.grammar import counted, listed
from alexandria.core.provider_facts import label
from alexandria.forecast.forecaster import ForecastReport


@dataclass(frozen=True, slots=True)
class PlanCost:
    """A provider's plan: dollars a month, and the months that have begun since its first request."""

    price: float
    months: int

    @property
    def dollars(self) -> float:
        return self.price * self.months


@dataclass(frozen=True, slots=True)
class Costs:
    """Dollars since the first request: for `models` by their tokens at list prices, and for `plans` by the month.

    `unpriced` are models that cost money and have no known price.
    """

    models: Mapping[str, float] = field(default_factory=dict)
    plans: Mapping[str, PlanCost] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        return sum(self.parts)

    @property
    def parts(self) -> list[float]:
        return [*self.models.values(), *(plan.dollars for plan in self.plans.values())]


def describe_costs(costs: Costs) -> Iterator[str]:
    """What was measured, a sentence each."""
    parts = [f"{label(name)} {dollars(spent)}" for name, spent in costs.models.items()]
    for name, plan in costs.plans.items():
        parts.append(
            f"{label(name)} {dollars(plan.dollars)} ({counted(plan.months, 'month')} at {dollars(plan.price)})"
        )
    if parts:
        yield f"Until now: {dollars_in_all(costs.parts)}, of which {listed(parts)}."
    else:
        yield "Until now: nothing. No request to a model was answered, and no plan has a price."
    if costs.unpriced:
        yield f"Without a known price: {listed(costs.unpriced)}."


def describe_forecast(report: ForecastReport | None) -> str:
    """What the whole rollout will have cost by the forecast, or ""."""
    if report is None:
        return ""
    now, parts = report.forecast, []
    if now.money is not None:
        parts.append(f"{dollars(now.money.low)} to {dollars(now.money.high)} for models")
    for name, band in now.subscriptions.items():
        span = dict.fromkeys((dollars(band.low), dollars(band.high)))
        parts.append(f"{' to '.join(span)} for the plan of {label(name)}")
    if not parts:
        return ""
    whole = "The whole rollout" if report.started else f"A rollout by the plan '{report.name}'"
    return f"{whole}, by the forecast: {listed(parts)} ({now.likelihood}). {report.assumed}".strip()


def dollars(amount: float) -> str:
    """An amount as people write it, with enough digits to differ from nothing."""
    return f"${amount:,.{_digits(amount)}f}"


def dollars_in_all(amounts: Collection[float]) -> str:
    """The sum of what `dollars` writes of each of these amounts, which are shown beside it, with the digits that it takes."""
    total = sum(round(amount, _digits(amount)) for amount in amounts)
    return f"${total:,.{max(map(_digits, amounts), default=2)}f}"


def _digits(amount: float) -> int:
    """How many digits behind the point an amount is shown with."""
    return 2 if amount >= 0.01 or not amount else 4
