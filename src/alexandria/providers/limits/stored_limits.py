"""Compares the limits in the settings of this process with those in the database, which all processes share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from alexandria.core.config import ProviderSettings
from alexandria.core.secret_files import PREFIX
from alexandria.database.pool import Connection
from alexandria.providers.limits.session import SQL


@dataclass(frozen=True, slots=True)
class StoredLimits:
    """The limits of one provider in the database. `by_plan` names those that the plan it has reported replaces.

    `daily_limit` and `daily_cap` are as some process configured them; the plan is `plan_limit` units a day, answered
    by `plan_host` at `plan_rate` requests a second (None and "": not known).
    """

    name: str
    rate: float
    daily_limit: int | None
    daily_cap: int | None
    by_plan: frozenset[str]
    plan_limit: int | None
    plan_rate: float | None
    plan_host: str

    @property
    def daily_reserve(self) -> int | None:
        return None if self.daily_limit is None or self.daily_cap is None else self.daily_limit - self.daily_cap


@dataclass(frozen=True, slots=True)
class LimitDifference:
    """A setting with another value here than in the database; None: no limit."""

    setting: str
    here: float | None
    stored: float | None

    def __str__(self) -> str:
        return f"{self.setting} is {_written(self.here)} here and {_written(self.stored)} in the database"


async def read(connection: Connection, names: Sequence[str]) -> dict[str, StoredLimits]:
    """Return the stored limits of these providers by name; a provider that no process has configured is absent."""
    rows = await (await connection.execute(SQL["stored"], {"names": [*names]})).fetchall()
    return {row["name"]: StoredLimits(**row | {"by_plan": frozenset(row["by_plan"])}) for row in rows}


def differences(
    providers: Mapping[str, ProviderSettings], stored: Mapping[str, StoredLimits]
) -> tuple[LimitDifference, ...]:
    """Return the settings that differ from what is stored, in the order of the providers."""
    found = (each for name, here in providers.items() if name in stored for each in _of_one(here, stored[name]))
    return tuple(dict.fromkeys(found))  # of several servers with one setting it is one difference


def pace(settings: ProviderSettings, stored: StoredLimits | None) -> float:
    """Return the requests a second that hold: the configured rate, unless it is a default and a plan is known."""
    if stored is None or stored.plan_rate is None or "rate" not in settings.by_plan:
        return settings.rate
    return stored.plan_rate


def _of_one(here: ProviderSettings, stored: StoredLimits) -> Iterator[LimitDifference]:
    reserve = None if here.daily_limit is None or here.daily_cap is None else here.daily_limit - here.daily_cap
    pairs = {
        "rate": (pace(here, stored), stored.rate),
        "daily_limit": (here.daily_limit, stored.daily_limit),
        "daily_reserve": (reserve, stored.daily_reserve),
    }
    for field, (ours, theirs) in pairs.items():
        if ours != theirs and field not in here.by_plan & stored.by_plan:
            yield LimitDifference(f"{PREFIX}{here.name}_{field}".upper(), ours, theirs)


def _written(value: float | None) -> str:
    return "unlimited" if value is None else f"{value:g}"
