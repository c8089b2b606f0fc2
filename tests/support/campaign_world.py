"""What a campaign of rollouts meets: books, faults, a quota that others use too, and plans, drawn by seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from alexandria.rollout.plan import Plan

MonthKey = tuple[int, int]  # year and month
FIRST_YEAR, LAST_YEAR = 2018, 2023  # of all plans


@dataclass(frozen=True, slots=True)
class World:
    """What a campaign meets. Shares are from 0 to 1; `others` is the share of the day's quota that they use."""

    rate: float
    deviation: float  # of the months' rates: months differ
    books: int  # of a month, on average
    calls: int  # to ISBNdb that a month takes, on average
    failing: float
    retrying: float
    stuck: float  # share of the months that stay in retry for days
    hindering: float  # share of the months with books that no source could be asked about
    confirmed: float  # of the resolved books whose month a source knows
    cap: int | None
    others: float
    midnight: int  # hour of the day, UTC, at which the provider's day begins
    known_from: int  # day on which a worker has first reported the quota
    psql: float  # statements a day

    @classmethod
    def draw(cls, rng: Random) -> World:
        return cls(
            rate=rng.uniform(0.7, 0.99),
            deviation=rng.choice([0, 0.05, 0.1, 0.2]),
            books=rng.choice([8, 20, 30]),
            calls=rng.choice([4, 20, 40, 60]),
            failing=rng.choice([0, 0.1, 0.3]),
            retrying=rng.choice([0, 0.1, 0.3]),
            stuck=rng.choice([0, 0, 0.1]),
            hindering=rng.choice([0, 0, 0.2]),
            confirmed=rng.uniform(0.5, 1),
            cap=rng.choice([None, 0, 13, 50, 150, 400, 1000, *[13000] * 6]),
            others=rng.choice([0, 0, 0.3, 0.6, 0.9]),
            midnight=rng.choice([0, 0, 8, 15]),
            known_from=rng.choice([0, 0, 0, 2]),
            psql=rng.choice([0, 0, 0.2, 0.6]),
        )


def draw_plan(rng: Random, world: World, name: str) -> Plan:
    """A plan of one to three phases whose gates are about as strict as the books allow."""
    phases = []
    for number in range(rng.choice([1, 2, 2, 3])):
        slowest = rng.choice([1, 2, 2, 3, 5, 8])
        gate: dict[str, Any] = {
            "min_resolution_rate": round(min(max(world.rate - rng.uniform(-0.03, 0.4), 0.05), 0.97), 3),
            "min_sample": rng.choice([5, 40, 100]),
            "max_failed_share": rng.choice([0, 0.1, 0.25, 1]),
            "approval": rng.random() < 0.35,
        }
        if rng.random() < 0.25:
            gate["min_confirmed_share"] = round(rng.uniform(0.3, 0.9), 2)
        if rng.random() < 0.25:
            gate["min_quota_headroom"] = rng.choice([0.05, 0.2])
        # Drawn apart, so that what else a seed draws stays as it was.
        gate["hold_if_failed_later"] = Random(f"{name} {number} {gate}").random() < 0.4
        phases.append(
            {
                "name": f"phase {'ABC'[number]}",
                "years": rng.choice(["2023", "2021..2023", "2021..2023"])
                if number == 0
                else f"{2020 - number}..{LAST_YEAR}",
                "months": rng.choice([2, 5, 8, 12, 20, 30]),
                "months_per_day": f"{slowest}..{slowest + rng.choice([0, 1, 4, 4])}",
                "hours": rng.choice(["00:00..24:00", "03:00..24:00", "02:00..14:00"]),
                "quota_share": rng.choice([0.05, 0.5, 0.8, 1]),
                "gate": gate,
            }
        )
    return Plan.model_validate({"name": name, "phase": phases})
