"""Defines the settings of the sandbox in one frozen value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from alexandria.core.errors import BadInput
from alexandria.core.provider_facts import PROVIDERS
from alexandria.sandbox.fault_rules import read_rules
from alexandria.sandbox.parts import part

MIN_RATE = 0.001  # requests/s
SAMPLE = Path(__file__).parent / "sample_books.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """`books` is a CSV, gzipped or not. `rates` (requests/s), `daily_limits` (units a day of the provider) and `keys` go
    by provider name and fall back to the published limits and to the key sandbox-NAME; `coverage`, the share of books
    that a source knows with their ISBN, to that of its part. Shares are between 0 and 1: of searches that show a look-alike
    first, and of a model's list that is invented, misspelt or of another month. `faults` are the rules of faults.py.
    Raises BadInput."""

    books: Path = SAMPLE
    seed: int = 1
    latency_scale: float = 1.0
    rates: Mapping[str, float] = field(default_factory=dict)
    daily_limits: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    coverage: Mapping[str, float] = field(default_factory=dict)
    look_alikes: float = 0.04
    invented: float = 0.04
    misspelt: float = 0.06
    strays: float = 0.12
    faults: str = "none"

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in ("look_alikes", "invented", "misspelt", "strays")}
        for name, share in (shares | dict(self.coverage)).items():
            if not 0 <= share <= 1:
                raise BadInput(f"{name}: {share} is no share", hint="a share is between 0 and 1")
        rates = self.rates.values()
        if not 0 <= self.latency_scale < math.inf or any(not MIN_RATE <= rate < math.inf for rate in rates):
            raise BadInput(
                "a latency scale or rate is impossible",
                hint=f"the scale is 0 or more, a rate is {MIN_RATE} or more, and neither is infinite",
            )
        read_rules(self.faults)
        for name in (*self.rates, *self.daily_limits, *self.keys, *self.coverage):
            if name not in PROVIDERS:
                raise BadInput(f"the sandbox knows no provider {name!r}", hint=f"known: {', '.join(PROVIDERS)}")

    def rate(self, provider: str) -> float:
        usual = part(provider).usual_rate if PROVIDERS[provider].sandbox else None
        return self.rates.get(provider, usual or PROVIDERS[provider].limits.rate)

    def daily_limit(self, provider: str) -> int | None:
        return self.daily_limits.get(provider, PROVIDERS[provider].limits.daily_limit)

    def zone(self, provider: str) -> ZoneInfo:
        """Where the provider's day begins."""
        return ZoneInfo(PROVIDERS[provider].limits.zone)

    def known(self, source: str) -> float:
        """The share of all books that `source` knows."""
        return self.coverage.get(source, part(source).coverage)

    def key(self, provider: str) -> str:
        return self.keys.get(provider, f"sandbox-{provider}")
