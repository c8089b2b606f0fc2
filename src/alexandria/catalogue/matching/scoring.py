"""Scores whether two records name the same work, and which edition of it was meant, with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from alexandria.catalogue import languages
from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching import editions as edition
from alexandria.catalogue.matching import titles
from alexandria.catalogue.matching.authors import FAMILY_ONLY, INITIALS, MISSPELT, OTHER, SAME, UNKNOWN, agreement
from alexandria.catalogue.matching.names import people
from alexandria.catalogue.matching.titles import Title, fold
from alexandria.catalogue.models import Candidate, EditionRecord, ScoredRecord

ACCEPT, DOUBT, REFUSE = "accept", "doubt", "refuse"
ACCEPT_SCORE, DOUBT_SCORE, CONFIRMABLE_SCORE = (
    85.0,
    60.0,
    75.0,
)  # least scores: accepted, kept in doubt, raised by a second source
LEAD_MARGIN = 5.0  # by which the best work must lead the second best
VETO_POINTS = 100.0  # points that refuse
UNDECIDED_POINTS = (
    30.0  # points that leave a doubt however many sources agree: which work or edition it is, not how it is recorded
)


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Whether two records are one work: score 0-100, verdict accept, doubt or refuse, reasons in words."""

    score: float
    verdict: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Finding:
    """One reason and the points it costs; negative points are in favour. `partial` titles need a sure author."""

    points: float
    reason: str
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    """What the comparison needs of a candidate or a hit."""

    title: Title
    authors: tuple[str, ...]
    series: tuple[tuple[str, str], ...] = ()
    series_text: str = ""

    @property
    def kinds(self) -> frozenset[str]:
        halved = titles.kinds_of(fold(self.series_text)) & {titles.HALF} if self.series_text else frozenset()
        return self.title.kinds | halved

    @property
    def all_series(self) -> tuple[tuple[str, str], ...]:
        return self.title.series + self.series


def score(candidate: Candidate, hit: EditionRecord) -> ScoredRecord:
    """How likely `hit` is an edition of the book that `candidate` names."""
    findings = _compare(_of_candidate(candidate), _of_hit(hit))
    if all(finding.points < VETO_POINTS for finding in findings):
        findings += _year_findings(candidate.year, hit, partial=findings[0].partial)
        findings += _edition_findings(candidate, hit, exact=findings[0].points <= 1)
    judgement = _judge(findings)
    return ScoredRecord(hit, judgement.score, judgement.verdict, judgement.reasons)


def same_work(one: EditionRecord, other: EditionRecord) -> MatchResult:
    """Whether two records describe editions of one work, whatever their language, format and date. Symmetric."""
    if one.isbn13 is not None and one.isbn13 == other.isbn13:
        return MatchResult(100.0, ACCEPT, ("same ISBN",))
    return _judge(_compare(_of_hit(one), _of_hit(other)))


def choose(candidate: Candidate, hits: Iterable[EditionRecord]) -> tuple[EditionRecord | None, list[ScoredRecord], str]:
    """The edition to keep, every scored hit (best first), and the reason in words; None if no hit is sure enough."""
    scored = _raise_agreed(sorted((score(candidate, hit) for hit in hits), key=lambda found: -found.score))
    works = _works([found for found in scored if found.verdict != REFUSE])
    if not works:
        return None, scored, "no source knows it" if not scored else f"nothing fits: {_why(scored[0])}"
    best = next((work for work in works if any(found.verdict == ACCEPT for found in work)), None)
    if best is None:
        return None, scored, f"not sure enough: {_why(works[0][0])}"
    rival = next((work for work in works if work is not best), None)
    if rival and best[0].score - rival[0].score < LEAD_MARGIN:
        return None, scored, f"two works fit equally well: {best[0].hit.title!r} and {rival[0].hit.title!r}"
    editions = [found for found in _sure_editions(best) if found.hit.isbn13]
    if not editions:
        return None, scored, "the work is known, but no edition with an ISBN"
    chosen = min(editions, key=lambda found: edition.rank(candidate, found.hit, found.score))
    return chosen.hit, scored, "; ".join(chosen.reasons)


def merge(lists: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """What several generators named for one month, each book once, in the order first named."""
    groups: list[list[Candidate]] = []
    for candidate in (candidate for named in lists for candidate in named):
        mine = _of_candidate(candidate)
        for group in groups:
            if _judge(_compare(mine, _of_candidate(group[0]))).verdict == ACCEPT:
                group.append(candidate)
                break
        else:
            groups.append([candidate])
    return [_merged(group) for group in groups]


def work_key(name: str, authors: Sequence[str], subtitle: str = "") -> str:
    """The catalogue's key of a work: equal for the usual spellings of title and first author; never empty."""
    read = titles.read(name, subtitle)
    outside = titles.outside(read.raw)
    counted = sorted({number for series, number in read.series if number != "1" and series in outside})
    parts = [" ".join(read.words), *sorted(read.volumes), *counted, *sorted(read.kinds)]
    first = next(iter(people(tuple(authors))), None)
    return bounded(
        " | ".join(filter(None, (" / ".join(filter(None, parts)) or "untitled", first.key if first else "")))
    )


def _of_candidate(candidate: Candidate) -> _Record:
    return _Record(titles.read(candidate.title), (candidate.author,))


def _of_hit(hit: EditionRecord) -> _Record:
    return _Record(titles.read(hit.title, hit.subtitle), hit.authors, titles.series_of(hit.series), hit.series)


def _judge(findings: Sequence[_Finding]) -> MatchResult:
    points = sum(finding.points for finding in findings)
    total = round(max(0.0, min(100.0, 100.0 - points)), 1)
    verdict = ACCEPT if total >= ACCEPT_SCORE else DOUBT if total >= DOUBT_SCORE else REFUSE
    return MatchResult(total, verdict, tuple(finding.reason for finding in findings if finding.reason))


def _compare(one: _Record, other: _Record) -> list[_Finding]:
    """Everything that speaks for or against one work: titles, kinds, authors, numbers; a veto ends it."""
    alike = _title_finding(one, other)
    if alike.points >= VETO_POINTS:
        return [alike]
    findings = [alike, *_kind_findings(one, other)]
    level = agreement(one.authors, other.authors)
    findings.append(_AUTHORS[level])
    if alike.partial and level in (FAMILY_ONLY, UNKNOWN):
        findings.append(_Finding(20, "only part of the title agrees, and the author's given name does not confirm it"))
    if level < UNKNOWN and not _leads(one.authors, other.authors):
        findings.append(_Finding(16 if alike.partial else 6, "the author is not the first named"))
    findings += _number_findings(one, other, alike)
    return findings


def _leads(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether each side's first author appears on the other. Who adapts a book is named before its author."""
    return max(agreement(some[:1], others), agreement(some, others[:1])) < UNKNOWN


_AUTHORS = {
    SAME: _Finding(0, "same author"),
    INITIALS: _Finding(2, "author agrees by family name and initial"),
    MISSPELT: _Finding(5, "author agrees but for the spelling"),
    FAMILY_ONLY: _Finding(10, "only the author's family name is known to agree"),
    UNKNOWN: _Finding(25, "no author to compare"),
    OTHER: _Finding(VETO_POINTS, "another author"),
}


def _title_finding(one: _Record, other: _Record) -> _Finding:
    """How the titles compare, as one finding; points at VETO and above mean different titles."""
    a, b = one.title, other.title
    if a.squash == b.squash:
        return _Finding(0, "same title")
    if a.latin != b.latin:
        return _transliterated(a, b)
    whole = _words_finding(a.words, b.words)
    if whole:
        return whole
    parts = [
        _head_finding(one, other),
        _rest_finding(one, other),
        _rest_finding(other, one),
        _extra_finding(one, other),
    ]
    return min(
        (part for part in parts if part), key=lambda part: part.points, default=_Finding(VETO_POINTS, "another title")
    )


def _transliterated(a: Title, b: Title) -> _Finding:
    one, other = titles.romanized(a.raw), titles.romanized(b.raw)
    counted = [[letter for letter in text if letter.isdigit()] for text in (one, other)]
    if one and other and counted[0] == counted[1] and fuzz.ratio(one, other) >= 85:
        return _Finding(6, "same title in another script")
    return _Finding(VETO_POINTS, "another title")


def _words_finding(a: tuple[str, ...], b: tuple[str, ...]) -> _Finding | None:
    """Same words but for articles, spacing, order or a slip of the pen; None if they differ more."""
    one, other = "".join(a), "".join(b)
    if one == other:
        return _Finding(0, "same title")
    mine = [word for word in a if word not in titles.IGNORABLE] or list(a)
    yours = [word for word in b if word not in titles.IGNORABLE] or list(b)
    if mine == yours:
        return _Finding(1, "same title but for an article")
    if len(mine) > 1 and sorted(mine) == sorted(yours):
        return _Finding(6, "same words in another order")
    if len(mine) == len(yours):
        differing = [(word, twin) for word, twin in zip(mine, yours, strict=True) if word != twin]
        if len(differing) <= 1 + len(mine) // 5 and all(titles.slip(word, twin) for word, twin in differing):
            return _Finding(7 if _sure_slips(differing, alone=len(mine) == 1) else UNDECIDED_POINTS, _SLIP)
    if min(len(one), len(other)) >= 8 and titles.slip(one, other):
        return _Finding(8, _SLIP)
    return None


_SLIP = "same title but for a slip of the pen"


def _sure_slips(differing: Sequence[tuple[str, str]], *, alone: bool) -> bool:
    """A letter exchanged in a short word, or in a title of one word, often makes another title."""
    for word, twin in differing:
        exchanged = len(word) == len(twin) and sorted(word) != sorted(twin)
        if (exchanged and (alone or len(word) < 4)) or (alone and max(len(word), len(twin)) < 5):
            return False
    return True


def _head_finding(one: _Record, other: _Record) -> _Finding | None:
    """Same main title where a subtitle is missing on one side, or differs."""
    a, b = one.title, other.title
    alike = _words_finding(a.head, b.head) if a.rest or b.rest else None
    if not alike:
        return None
    if not (a.rest and b.rest):
        longer = one if a.rest else other
        heading = "".join(longer.title.head)
        if any(name == heading and number not in ("", "1") for name, number in longer.all_series):
            return _Finding(UNDECIDED_POINTS, "one title is only the name of the series", partial=True)
        if longer.title.rest[-1] in titles.SEVERAL:
            return _Finding(UNDECIDED_POINTS, f"one may be the whole {longer.title.rest[-1]}", partial=True)
        return _Finding(6 + alike.points, "same title before the colon", partial=True)
    telling = [set(part) - titles.IGNORABLE for part in (a.head, a.rest, b.rest)]
    if len(telling[0]) > 2 and 2 * len(telling[1] & telling[2]) >= min(len(telling[1]), len(telling[2])) > 1:
        return _Finding(9 + alike.points, "same main title, subtitle put differently", partial=True)
    return _Finding(UNDECIDED_POINTS + alike.points, "same main title, but another subtitle", partial=True)


def _rest_finding(one: _Record, other: _Record) -> _Finding | None:
    """What follows the colon is the other's whole title, as when a series or an author's name stands in front."""
    if not one.title.rest:
        return None
    alike = _words_finding(one.title.rest, other.title.words) or _words_finding(one.title.rest, other.title.head)
    if not alike:
        return None
    prefix = "".join(one.title.head)
    names = _names(one) | _names(other)
    known = {name for name, _ in other.all_series if name} | {name for name, _ in one.all_series if name}
    if one.title.lead or any(prefix in name for name in known) or all(word in names for word in one.title.head):
        return _Finding(2 + alike.points, "same title after the name of a series or person")
    telling = len([word for word in one.title.rest if word not in titles.IGNORABLE]) > 1
    return _Finding(
        (12 if telling else UNDECIDED_POINTS) + alike.points, "same title after another heading", partial=True
    )


def _extra_finding(one: _Record, other: _Record) -> _Finding | None:
    """One title has all the words of the other and more."""
    less, more = sorted(
        ([word for word in read.words if word not in titles.IGNORABLE] for read in (one.title, other.title)), key=len
    )
    if not less or len(less) == len(more) or not set(less) <= set(more):
        return None
    extra = list((Counter(more) - Counter(less)).elements())
    if len(extra) == 1 and more[0] == extra[0] and titles.slip("the", extra[0]):
        return _Finding(9, "same title but for a slip of the pen in the article")
    names = _names(one) | _names(other)
    if names.intersection(extra) and names.union(("of", "by")).issuperset(extra):
        return _Finding(4, "same title but for the author's name in it")
    if len(extra) == 1 and not extra[0].isdigit():
        return _Finding(UNDECIDED_POINTS, f"one title has a word more: {extra[0]}", partial=True)
    return _Finding(55, f"one title has words more: {' '.join(extra)}", partial=True)


def _names(record: _Record) -> set[str]:
    """The words of the authors' names, also as possessives."""
    tokens = {token for one in people(record.authors) for token in one.tokens}
    return tokens | {f"{token}s" for token in tokens}


def _kind_findings(one: _Record, other: _Record) -> list[_Finding]:
    return [_Finding(VETO_POINTS, f"one is {kind}, the other is not") for kind in sorted(one.kinds ^ other.kinds)]


def _number_findings(one: _Record, other: _Record, alike: _Finding) -> list[_Finding]:
    """Volume and series numbers that agree or contradict each other."""
    mine, yours = _volume_numbers(one.title), _volume_numbers(other.title)
    if mine and yours:
        if mine != yours:
            return [_Finding(VETO_POINTS, f"volume numbers differ: {', '.join(mine)} and {', '.join(yours)}")]
        if {volume.split()[0] for volume in one.title.volumes + other.title.volumes} == {"book", "volume"}:
            return [_Finding(10, "one counts books, the other volumes")]
        return []
    if mine or yours:
        numbers, counted, record = (mine, one, other) if mine else (yours, other, one)
        stated = {number for _, number in record.all_series}
        if stated & set(numbers) and not any(volume.startswith("part") for volume in counted.title.volumes):
            return []
        if any(number.isdigit() for number in stated) or alike.partial or not (one.title.rest or other.title.rest):
            return [_Finding(UNDECIDED_POINTS, f"one is numbered {', '.join(numbers)}, the other is not")]
        return [_Finding(3, f"only one states its number, {', '.join(numbers)}")]
    return _series_findings(one, other, alike)


def _volume_numbers(read: Title) -> tuple[str, ...]:
    return tuple(sorted({volume.split(" ", 1)[1] for volume in read.volumes}))


def _series_findings(one: _Record, other: _Record, alike: _Finding) -> list[_Finding]:
    mine, yours = ([pair for pair in record.all_series if all(pair)] for record in (one, other))
    pairs = [(number, twin) for name, number in mine for named, twin in yours if name in named or named in name]
    if not pairs:
        return []
    if any(number == twin for number, twin in pairs):
        return [_Finding(-2, f"same number in the series, {pairs[0][0]}")]
    points = UNDECIDED_POINTS if alike.points == 0 else VETO_POINTS
    return [_Finding(points, f"numbers in the series differ: {pairs[0][0]} and {pairs[0][1]}")]


def _year_findings(year: int | None, hit: EditionRecord, *, partial: bool) -> list[_Finding]:
    """The named year against the work's first year, or else the edition's, which may be a reprint's."""
    known = hit.first_published or (hit.published.year if hit.published else None)
    if year is None or known is None:
        return []
    apart = known - year
    if abs(apart) <= 1:
        return [_Finding(-2, f"published {known}, as named")]
    if hit.first_published and partial:
        return [_Finding(10, f"only part of the title agrees, and it was first published {known}, not {year}")]
    if abs(apart) <= 3:
        return []
    if hit.first_published:
        return [_Finding(6, f"first published {known}, not {year}")]
    return [_Finding(2 if apart > 0 else 4, f"this edition is of {known}, {year} was named")]


def _edition_findings(candidate: Candidate, hit: EditionRecord, *, exact: bool) -> list[_Finding]:
    """Vetoes and doubts about the edition itself: audio for print, another language.

    Sources call what they do not know English: on an `exact` foreign title it means nothing.
    """
    findings = []
    if titles.AUDIO in edition.formats(hit) - edition.named_formats(candidate):
        findings.append(
            _Finding(VETO_POINTS if candidate.format else UNDECIDED_POINTS, "an audio edition, where print was meant")
        )
    wanted = titles.read(candidate.title).tongue
    named = languages.of_edition(titles.read(hit.title, hit.subtitle).raw)
    given = named or languages.language(hit.language)
    supposed = exact and given == "en"
    if wanted and given and wanted != given and given not in titles.KINDRED.get(wanted, ()) and not supposed:
        findings.append(
            _Finding(UNDECIDED_POINTS if named else 16, f"an edition in another language, {given} for {wanted}")
        )
    return findings


def _raise_agreed(scored: list[ScoredRecord]) -> list[ScoredRecord]:
    """A doubt about the record becomes an acceptance when another source has the same ISBN for a fitting book."""
    sources: dict[str, set[str]] = {}
    for found in scored:
        if found.hit.isbn13 and found.score >= CONFIRMABLE_SCORE:
            sources.setdefault(found.hit.isbn13, set()).add(found.hit.source.provider)
    return [
        replace(found, verdict=ACCEPT, reasons=(*found.reasons, "two sources agree on this ISBN"))
        if found.verdict == DOUBT
        and len(sources.get(found.hit.isbn13 or "", ())) > 1
        and found.score >= CONFIRMABLE_SCORE
        else found
        for found in scored
    ]


def _works(scored: Sequence[ScoredRecord]) -> list[list[ScoredRecord]]:
    """Hits grouped by work, best work first."""
    works: list[list[ScoredRecord]] = []
    for found in scored:
        for work in works:
            first = work[0].hit
            keyed = first.work_key and first.source.provider == found.hit.source.provider
            if (keyed and first.work_key == found.hit.work_key) or same_work(first, found.hit).verdict == ACCEPT:
                work.append(found)
                break
        else:
            works.append([found])
    return works


def _sure_editions(work: Sequence[ScoredRecord]) -> list[ScoredRecord]:
    """The accepted hits of a work; where several subtitles compete, only those that fit as well as the best."""
    accepted = [found for found in work if found.verdict == ACCEPT]
    subtitles = {titles.read(found.hit.title, found.hit.subtitle).rest for found in accepted}
    least = accepted[0].score - LEAD_MARGIN if len(subtitles - {()}) > 1 else 0.0
    return [found for found in accepted if found.score > least]


def _why(found: ScoredRecord) -> str:
    return f"{found.hit.title!r}: {'; '.join(found.reasons)}"


def _merged(group: Sequence[Candidate]) -> Candidate:
    """Return one candidate for all of `group`: the best spelt title, the fullest author, and whatever else any of them has."""
    spellings = Counter(candidate.title for candidate in group)
    best = max(group, key=lambda candidate: (spellings[candidate.title], *_care(candidate.title)))
    author = max((candidate.author for candidate in group), key=_care)
    dated = next((candidate for candidate in group if candidate.year and candidate.month), group[0])
    return Candidate(
        title=best.title,
        author=author,
        year=dated.year or next((candidate.year for candidate in group if candidate.year), None),
        month=dated.month,
        publisher=next((candidate.publisher for candidate in group if candidate.publisher), ""),
        format=next((candidate.format for candidate in group if candidate.format), ""),
        named_by=tuple(dict.fromkeys(name for candidate in group for name in candidate.named_by)),
    )


def _care(text: str) -> tuple[bool, bool, int, int]:
    """How carefully a name is spelt: not in capitals, not inverted, with its accents, in full."""
    marks = sum(not letter.isascii() for letter in text)
    return (not text.isupper(), "," not in text, marks, len(text))
