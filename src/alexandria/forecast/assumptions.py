"""What a forecast assumes until it has been measured: the settings, and facts about providers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from alexandria.backfill.repositories.bibliography_use import BibliographyState
from alexandria.backfill.source_selection import Policy
from alexandria.core.config import Settings
from alexandria.core.provider_facts import PROVIDERS
from alexandria.forecast.scenario import Scenario, SimulatedProvider
from alexandria.providers.generator_specs import parse_generators, requested
from alexandria.providers.limits.lane_status import LaneStatus

LOCAL_COVERAGE_SHARE = 0.8  # of the books that a bibliography settles
LOCAL_EXPECTED_BOOKS = 150  # how much that counts beside what was measured
YEARLY_DECLINE_SHARE = 0.001  # of the share of named books that can be found, for each year back


def expected_scenario(
    settings: Settings, lanes: Sequence[LaneStatus], workers: int = 1, bibliography: BibliographyState | None = None
) -> Scenario:
    """What to expect with these settings. The limits in force, in the database, take precedence over the settings'."""
    models = Counter(settings.lane_of(spec.provider, spec.url) for spec in requested(settings.generators))
    local = [spec.label for spec in parse_generators(settings.generators) if spec.is_local]
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
            requests_per_month=models.get(name, 1),
            timeout=configured.timeout,
        )

    usable = [name for name in settings.sources if name not in without_key(settings)]
    return Scenario(
        (*map(provider, models), *map(_local_generator, local)),
        tuple(map(provider, usable or settings.sources)),
        policy=Policy(settings.policy),
        concurrency=settings.concurrency * workers,
        yearly_decline=YEARLY_DECLINE_SHARE,
        local_coverage=local_coverage(bibliography) if bibliography and not bibliography.outdated else 0.0,
    )


def _local_generator(name: str) -> SimulatedProvider:
    return SimulatedProvider(name, rate=math.inf, response_seconds=0.0, requests_per_month=0.0)


def local_coverage(bibliography: BibliographyState) -> float:
    """The share of books that a bibliography settles: an assumption, moved by what was measured."""
    settled = LOCAL_EXPECTED_BOOKS * LOCAL_COVERAGE_SHARE + bibliography.settled
    return settled / (LOCAL_EXPECTED_BOOKS + bibliography.asked)


def without_key(settings: Settings) -> list[str]:
    """The sources that cannot be asked because their key is not set."""
    return [name for name in settings.sources if PROVIDERS[name].key and settings.providers[name].key is None]
