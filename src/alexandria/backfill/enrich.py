"""Enriches recorded editions: asks sources in bulk, and keeps the better value of each field by rule."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alexandria.backfill import retry_policy
from alexandria.backfill.repositories.enrichment import FIELDS, Enriched, Holding, Value
from alexandria.backfill.repositories.source_rests import Rest
from alexandria.backfill.source_selection import Policy
from alexandria.catalogue.matching.scoring import REFUSE, same_work
from alexandria.catalogue.models import EditionRecord, PartialDate, SourceRecord
from alexandria.core.errors import ProviderDown, ProviderError
from alexandria.core.provider_facts import trusted
from alexandria.providers.base import BulkLookup
from alexandria.providers.failures import failure_of

UNKNOWN_RETRY_DELAY = timedelta(days=30)  # after every source was asked and none knew the edition
MAX_LOOKUPS = 3  # without any answer, before an edition stays as it is
FIRST_PAUSE, MAX_PAUSE = timedelta(hours=1), timedelta(days=1)  # of a source that fails; each is twice the last
ESSENTIAL = ("publisher", "published")  # worth a paid look-up when no free source knows them
VAGUE = frozenset({"unknown binding", "unknown", "other", "book"})  # bindings that say nothing


@dataclass(frozen=True, slots=True)
class Room:
    """How many ISBNs a metered source may still be asked about, and when its quota is renewed (UTC)."""

    units: int
    until: datetime


@dataclass(slots=True)
class _Case:
    """One edition while sources are asked about it."""

    holding: Holding
    fields: dict[str, Value] = field(default_factory=dict)
    sources: dict[str, SourceRecord] = field(default_factory=dict)
    hits: list[EditionRecord] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wait: datetime | None = None

    def value(self, name: str) -> Value:
        return self.fields.get(name, self.holding.fields.get(name))

    def take(self, source: str, hit: EditionRecord | None) -> None:
        """Take the fields of a source's record that are better than the stored ones."""
        self.asked.append(source)
        if hit is None:
            return
        if _is_another(self.holding, hit):
            self.notes.append(f"{source} takes the ISBN for {hit.title!r}")
            return
        self.hits.append(hit)
        for name in FIELDS:
            offered: Value = getattr(hit, name)
            held_by = self.sources.get(name) or self.holding.sources.get(name)
            if better(name, self.value(name), held_by, offered, hit.source):
                self.fields[name], self.sources[name] = offered, hit.source

    def stop(self, until: datetime, reason: str, *, permanent: bool = False) -> None:
        """Note a source that should be asked and cannot be. Unless that is permanent, the edition waits for it."""
        self.notes.append(reason)
        self.wait = self.wait if permanent else until


@dataclass(frozen=True, slots=True)
class EnrichmentResult:
    """The result of each edition, and the sources that are paused after it."""

    enriched: tuple[Enriched, ...]
    rests: dict[str, Rest]


async def enrich(
    holdings: Sequence[Holding],
    sources: Sequence[BulkLookup],
    *,
    policy: Policy,
    rests: Mapping[str, Rest],
    rooms: Mapping[str, Room],
    now: datetime,
    rng: random.Random,
) -> EnrichmentResult:
    """Ask `sources` about all `holdings` together, free ones first, paid ones about those that `policy` pays for.

    A source that is paused, fails or has no quota left has not answered: the editions that need it wait, with the reason.
    """
    cases = [_Case(holding) for holding in holdings]
    resting = dict(rests)
    for source in sorted(sources, key=lambda source: source.paid):
        needing = [case for case in cases if case.wait is None and _needed(source, policy, case)]
        needing = _within(rooms.get(source.name), source.name, needing)
        rest = resting.get(source.name)
        if needing and (rest is None or rest.until <= now):
            rest = await _ask(source, needing, rest, now, rng)
        if rest is None:
            resting.pop(source.name, None)
            continue
        resting[source.name] = rest
        for case in needing:
            case.stop(rest.until, rest.reason, permanent=rest.permanent)
    return EnrichmentResult(tuple(_ended(case, now) for case in cases), resting)


def better(name: str, held: Value, held_by: SourceRecord | None, offered: Value, by: SourceRecord) -> bool:
    """Return whether the value `offered` by record `by` replaces the stored value of field `name`."""
    if not _has_value(offered) or offered == held:
        return False
    if not _has_value(held):
        return True
    if isinstance(held, PartialDate) and isinstance(offered, PartialDate):
        if _agree(held, offered):
            return _precision(offered) > _precision(held)
        if _precision(offered) < _precision(held):
            return False
    return _preferred(name, by, held_by)


async def _ask(
    source: BulkLookup, cases: Sequence[_Case], before: Rest | None, now: datetime, rng: random.Random
) -> Rest | None:
    """Ask a source about `cases`. Returns its pause if it fails."""
    try:
        with failure_of(source.name):
            known = await source.by_isbns([case.holding.isbn13 for case in cases])
    except ProviderError as failed:
        return _rest(failed, before.failures + 1 if before else 1, now, rng)
    for case in cases:
        case.take(source.name, known.get(case.holding.isbn13))
    return None


def _needed(source: BulkLookup, policy: Policy, case: _Case) -> bool:
    """Return whether to ask this source about an edition."""
    if not source.paid:
        return True
    if policy is not Policy.BALANCED:
        return policy is Policy.EXACT
    if case.holding.related:
        return False
    read = {record.provider for record in case.holding.sources.values()}
    just_read = source.name in read and not case.holding.asked_before
    return not just_read and not all(_has_value(case.value(name)) for name in ESSENTIAL)


def _within(room: Room | None, name: str, cases: list[_Case]) -> list[_Case]:
    """Return as many cases as the quota has room for; the others wait."""
    if room is None:
        return cases
    for case in cases[room.units :]:
        case.stop(room.until, f"{name}: what is left of the day is kept for months")
    return cases[: room.units]


def _rest(failed: ProviderError, failures: int, now: datetime, rng: random.Random) -> Rest:
    if isinstance(failed, retry_policy.PERMANENT):
        return Rest(now + MAX_PAUSE, failed.message, permanent=True, failures=failures)
    decision = retry_policy.decide(failed, 0, now, rng)
    if isinstance(decision, retry_policy.Snooze) and not isinstance(failed, ProviderDown):
        return Rest(decision.until, decision.reason, permanent=False, failures=failures)
    wait: timedelta = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), MAX_PAUSE)
    return Rest(now + wait, failed.message, permanent=False, failures=failures)


def _ended(case: _Case, now: datetime) -> Enriched:
    """Return the result of one edition: it waits, is done, is unknown to all sources, or no source could be asked."""
    looks = case.holding.looks
    done = case.wait is None and bool(case.asked)
    again_at = case.wait
    if done and not case.hits:
        looks += 1
        again_at = now + UNKNOWN_RETRY_DELAY if looks < MAX_LOOKUPS else None
        case.notes.insert(0, f"unknown to {', '.join(case.asked)}")
    elif not done and again_at is None:
        again_at = now + MAX_PAUSE
    note = "; ".join(case.notes)
    return Enriched(case.holding, case.fields, case.sources, tuple(case.hits), done, again_at, looks, note)


def _is_another(holding: Holding, hit: EditionRecord) -> bool:
    """Return whether a record describes another book. ISBNs are used twice and mistyped, so the number proves nothing."""
    subtitle = str(holding.fields["subtitle"] or "")
    held = EditionRecord(hit.source, holding.title, subtitle=subtitle, authors=holding.authors)
    return same_work(held, hit).verdict == REFUSE


def _has_value(value: Value) -> bool:
    return bool(value) and not (isinstance(value, str) and value.lower() in VAGUE)


def _precision(date: PartialDate) -> int:
    """Return 1 for a year, 2 for a month, 3 for a day. Sources print 1 January when they know only the year."""
    if date.month is None or (date.month, date.day) == (1, 1):
        return 1
    return 2 if date.day is None else 3


def _agree(one: PartialDate, other: PartialDate) -> bool:
    """Return whether two dates may be the same date with different precision."""
    least = min(_precision(one), _precision(other))
    return (one.year, one.month, one.day)[:least] == (other.year, other.month, other.day)[:least]


def _preferred(name: str, by: SourceRecord, held_by: SourceRecord | None) -> bool:
    """Return whether a record is preferred: a better source before a worse one, and the later record of one source."""
    if held_by is None:
        return True
    if by.provider == held_by.provider:
        return by.fetched_at > held_by.fetched_at
    ranks = {provider: rank for rank, provider in enumerate(trusted(name))}
    return ranks.get(by.provider, len(ranks)) < ranks.get(held_by.provider, len(ranks))
