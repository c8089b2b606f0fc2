"""Scores whether two records name the same work, and which edition of it was meant, with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching import editions as edition
from alexandria.catalogue.matching import kinds, titles
from alexandria.catalogue.matching.aliases import ALSO_KNOWN, author_level, known_title_finding
from alexandria.catalogue.matching.author_findings import author_finding, leads
from alexandria.catalogue.matching.authors import FAMILY_ONLY, INITIALS, UNKNOWN, agreement
from alexandria.catalogue.matching.comparison import MAY_BE_ANOTHER, title_finding
from alexandria.catalogue.matching.edition_findings import format_findings, language_findings, year_findings
from alexandria.catalogue.matching.findings import (
    UNDECIDED_POINTS,
    VETO_POINTS,
    Comparable,
    Finding,
    is_confirmed,
    kind_findings,
    series_numbers,
)
from alexandria.catalogue.matching.folding import CACHE_SIZE
from alexandria.catalogue.matching.names import people
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.matching.titles import Title
from alexandria.catalogue.models import Candidate, EditionRecord, ScoredRecord

ACCEPT, DOUBT, REFUSE = "accept", "doubt", "refuse"
MAX_POINTS = 100.0  # points before anything is found
ACCEPT_POINTS, DOUBT_POINTS, CONFIRMABLE_POINTS = (
    85.0,
    60.0,
    75.0,
)  # least: accepted, kept in doubt, raised by a second source
LEAD_MARGIN = 5.0  # points by which the best work must lead the second best
SAME_ISBN = Finding(0, "same ISBN")
COUNTED_OTHERWISE = "one counts books, the other volumes"


@dataclass(frozen=True, slots=True)
class MatchResult:
    """Whether two records are one work: the verdict accept, doubt or refuse, and the reasons in words.

    `score` is the probability that they are, in per cent. `fit` is what the findings leave of 100 points; it decides the
    verdict, since a doubt that most often is unfounded is still a doubt.
    """

    score: float
    verdict: str
    reasons: tuple[str, ...]
    fit: float


@dataclass(frozen=True, slots=True)
class _Compared:
    """A scored hit. `whole`: the titles agree in full, so that no date or subtitle of another record can outweigh it.

    `known`: only by another title, which its source gives for the work. `longer`: with more behind the colon than was named,
    which may be another book.
    """

    record: ScoredRecord
    whole: bool
    known: bool
    longer: bool = False

    @property
    def hit(self) -> EditionRecord:
        return self.record.hit

    @property
    def fit(self) -> float:
        return self.record.fit

    @property
    def verdict(self) -> str:
        return self.record.verdict


def score(candidate: Candidate, hit: EditionRecord) -> ScoredRecord:
    """How likely `hit` is an edition of the book that `candidate` names."""
    return _score(candidate, hit).record


def _score(candidate: Candidate, hit: EditionRecord) -> _Compared:
    findings = findings_of(candidate, hit)
    known = findings[0].words == ALSO_KNOWN
    whole = not findings[0].partial and findings[0].points < UNDECIDED_POINTS and not known
    whole = whole and all(finding.words != COUNTED_OTHERWISE for finding in findings)
    judgement = _judge(tuple(findings))
    record = ScoredRecord(hit, judgement.score, judgement.verdict, judgement.reasons, judgement.fit)
    return _Compared(record, whole, known, findings[0].words == MAY_BE_ANOTHER)


def findings_of(candidate: Candidate, hit: EditionRecord) -> list[Finding]:
    """What a comparison of a record with the book that a candidate names finds; that of the titles comes first."""
    findings = _compare(_of_candidate(candidate), _of_hit(hit))
    if all(finding.points < VETO_POINTS for finding in findings):
        known = findings[0].words == ALSO_KNOWN  # the title of another language says all about it
        foreign = [] if known else language_findings(candidate, hit, exact=findings[0].points <= 1)
        years = year_findings(candidate.year, hit, partial=findings[0].partial)
        # The year of a translation is no evidence that it was meant.
        findings += [year for year in years if year.points > 0 or not foreign]
        findings += [*format_findings(candidate, hit), *foreign]
    return findings


def is_known_otherwise(candidate: Candidate, hit: EditionRecord) -> bool:
    """Whether the record has another title, and only its source knows the work by the one that was named."""
    return findings_of(candidate, hit)[0].words == ALSO_KNOWN


def same_work(one: EditionRecord, other: EditionRecord) -> MatchResult:
    """Whether two records describe editions of one work, whatever their language, format and date. Symmetric."""
    return _judge(tuple(findings_between(one, other)))


def is_titled_otherwise(one: EditionRecord, other: EditionRecord) -> bool:
    """Whether the titles of two records agree only by another one that a source gives for the work."""
    return findings_between(one, other)[0].words == ALSO_KNOWN


def findings_between(one: EditionRecord, other: EditionRecord) -> list[Finding]:
    """What a comparison of two records finds.

    An equal ISBN proves one work, unless the titles are unlike: publishers reuse numbers, and print a set's in each volume.
    """
    compared = _compare(_of_hit(one), _of_hit(other))
    if one.isbn13 is not None and one.isbn13 == other.isbn13:
        unlike = compared[0].points >= VETO_POINTS and titles.read(one.title).latin == titles.read(other.title).latin
        numbered = any(found.points >= VETO_POINTS and "numbers differ" in found.reason for found in compared)
        if not unlike and not numbered:
            return [SAME_ISBN]
    return compared


def choose(candidate: Candidate, hits: Iterable[EditionRecord]) -> tuple[EditionRecord | None, list[ScoredRecord], str]:
    """The edition to keep, every scored hit (best first), and the reason in words; None if no hit is sure enough."""
    compared = _raise_agreed(_doubt_shortened(sorted((_score(candidate, hit) for hit in hits), key=_order)))
    scored = sorted((found.record for found in compared), key=_shown_order)
    works = _works(candidate, [found for found in compared if found.verdict != REFUSE])
    if not works:
        return None, scored, "no source knows it" if not scored else f"nothing fits: {_why(compared[0].record)}"
    rivals = _rivals(works)
    best = next((work for work in rivals if any(found.verdict == ACCEPT for found in work)), None)
    if best is None:
        return None, scored, f"not sure enough: {_why(rivals[0][0].record)}"
    rival = next((work for work in rivals if work is not best), None)
    if rival and best[0].fit - rival[0].fit < LEAD_MARGIN:
        return None, scored, f"two works fit equally well: {best[0].hit.title!r} and {rival[0].hit.title!r}"
    editions = [found for found in _sure_editions(best) if found.hit.isbn13]
    if not editions:
        return None, scored, "the work is known, but no edition with an ISBN"
    naming = _listing(compared)
    chosen = min(
        editions,
        key=lambda found: (
            edition.rank(candidate, found.hit, found.fit, agreed=len(naming.get(found.hit.isbn13 or "", ())) > 1),
            found.hit.isbn13 or "",
        ),
    )
    return chosen.hit, scored, "; ".join(chosen.record.reasons)


def _order(found: _Compared) -> tuple[float, str, str, str]:
    """The best first, whatever the order in which the sources answered."""
    return -found.fit, found.hit.isbn13 or "", found.hit.source.provider, found.hit.source.id


def _shown_order(record: ScoredRecord) -> tuple[int, float]:
    """What is accepted before what is in doubt, and of each the most probable first."""
    return (ACCEPT, DOUBT, REFUSE).index(record.verdict), -record.score


def _rivals(works: list[list[_Compared]]) -> list[list[_Compared]]:
    """The whole title before a part of it, whatever the dates and scores, and a title of another language last."""
    whole = [work for work in works if any(found.whole and found.verdict == ACCEPT for found in work)]
    printed = [work for work in works if not all(found.known for found in work)]
    return whole or (printed if any(found.verdict == ACCEPT for work in printed for found in work) else works)


def merge(lists: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """What several generators named for one month, each book once, in the order first named.

    A spelling joins a book if it is that of one spelling of it, and not another book than any.
    """
    groups: list[list[Candidate]] = []
    for candidate in (candidate for named in lists for candidate in named):
        mine = _of_candidate(candidate)
        for group in groups:
            verdicts = {_judge(tuple(_compare(mine, _of_candidate(member)))).verdict for member in group}
            if ACCEPT in verdicts and REFUSE not in verdicts:
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


def _of_candidate(candidate: Candidate) -> Comparable:
    authors = (candidate.author,)
    return Comparable(_read(candidate.title, "", authors), authors, year=candidate.year)


def _of_hit(hit: EditionRecord) -> Comparable:
    year = hit.first_published or (hit.published.year if hit.published else None)
    read = _read(hit.title, hit.subtitle, hit.authors)
    series = titles.series_of(hit.series)
    return Comparable(read, hit.authors, series, hit.series, year, hit.isbn13 or "", hit)


def _read(title: str, subtitle: str, authors: tuple[str, ...]) -> Title:
    """The title without the statement of responsibility that libraries print behind it: "Orlando / Virginia Woolf"."""
    head, stroke, behind = title.rpartition(" / ")
    if stroke and head and behind.strip(" .") and (said := people((behind,))):
        named = {token for person in people(authors) for token in person.tokens}
        if all(token in named for person in said[:1] for token in person.tokens):
            title = head
    return titles.read(title, subtitle)


@lru_cache(CACHE_SIZE)
def _judge(findings: tuple[Finding, ...]) -> MatchResult:
    points = sum([finding.points for finding in findings])
    fit = round(max(0.0, min(MAX_POINTS, MAX_POINTS - points)), 1)
    verdict = ACCEPT if fit >= ACCEPT_POINTS else DOUBT if fit >= DOUBT_POINTS else REFUSE
    reasons = tuple([finding.reason for finding in findings])
    return MatchResult(score_model().score(findings), verdict, reasons, fit)


def _compare(one: Comparable, other: Comparable) -> list[Finding]:
    """Everything that speaks for or against one work: titles, kinds, authors, numbers; a veto ends it."""
    alike = title_finding(one, other)
    if alike.points >= UNDECIDED_POINTS:
        alike = min(known_title_finding(one, other) or alike, alike, key=lambda finding: finding.points)
    if alike.points >= VETO_POINTS:
        return [alike]
    findings = [alike, *kind_findings(one, other)]
    level = author_level(one, other)
    findings.append(author_finding(level, one, other))
    if alike.partial and FAMILY_ONLY <= level <= UNKNOWN:
        findings.append(Finding(20, "only part of the title agrees, and the author's given name does not confirm it"))
    aliased = level < agreement(one.authors, other.authors)
    is_first = level >= UNKNOWN or aliased or leads(one.authors, other.authors)
    if kinds.is_comic(one.title.raw, other.title.raw) and not (is_first and is_confirmed(one, other)):
        # By the author of the book it is the book itself; someone else adapted it.
        findings.append(Finding(6 if is_first else UNDECIDED_POINTS, "only one is called a graphic novel"))
    if not is_first:
        findings.append(Finding(16 if alike.partial else 6, "the author is not the first named"))
    findings += _number_findings(one, other, alike)
    return findings


def _number_findings(one: Comparable, other: Comparable, alike: Finding) -> list[Finding]:
    """Volume and series numbers that agree or contradict each other."""
    mine, yours = _volume_numbers(one.title), _volume_numbers(other.title)
    if mine and yours:
        if mine != yours:
            return [Finding(VETO_POINTS, "volume numbers differ: {} and {}", (", ".join(mine), ", ".join(yours)))]
        if {volume.split()[0] for volume in one.title.volumes + other.title.volumes} == {"book", "volume"}:
            return [Finding(10, COUNTED_OTHERWISE)]
        return []
    if (mine or yours) and not alike.numbered:
        return _numbered_once(mine or yours, *((one, other) if mine else (other, one)), alike)
    return _series_findings(one, other, alike)


def _numbered_once(numbers: tuple[str, ...], counted: Comparable, record: Comparable, alike: Finding) -> list[Finding]:
    """What it means that only `counted` numbers its volume."""
    stated = {number for _, number in record.all_series}
    parts = any(volume.startswith("part") for volume in counted.title.volumes)
    if stated & set(numbers) and not parts:
        return []
    if parts and all(number.startswith("1to") for number in numbers):
        return [Finding(3, "one names the parts that both are made of")]
    if any(number.isdigit() for number in stated) or alike.partial or not (counted.title.rest or record.title.rest):
        return [Finding(UNDECIDED_POINTS, "one is numbered {}, the other is not", (", ".join(numbers),))]
    return [Finding(3, "only one states its number, {}", (", ".join(numbers),))]


def _volume_numbers(read: Title) -> tuple[str, ...]:
    return tuple(sorted({volume.split(" ", 1)[1] for volume in read.volumes}))


def _series_findings(one: Comparable, other: Comparable, alike: Finding) -> list[Finding]:
    pairs = series_numbers(one, other)
    if not pairs:
        return []
    if any(number == twin for number, twin in pairs):
        return [Finding(-2, "same number in the series, {}", pairs[0][:1])]
    points = UNDECIDED_POINTS if alike.points == 0 else VETO_POINTS
    return [Finding(points, "numbers in the series differ: {} and {}", pairs[0])]


def _doubt_shortened(scored: list[_Compared]) -> list[_Compared]:
    """A whole title is in doubt where another record of the same ISBN has more behind the colon: some sources cut titles."""
    longer = {found.hit.isbn13: found.record for found in scored if found.longer and found.hit.isbn13}
    if not longer:
        return scored
    doubted = [
        _Compared(_shortened(found.record, longer[found.hit.isbn13]), whole=False, known=False)
        if found.whole and found.verdict == ACCEPT and found.hit.isbn13 in longer
        else found
        for found in scored
    ]
    return sorted(doubted, key=_order)


def _shortened(record: ScoredRecord, longer: ScoredRecord) -> ScoredRecord:
    reason = f"another record of this ISBN has the title {longer.hit.heading!r}"
    return replace(
        record,
        score=min(record.score, longer.score),
        verdict=DOUBT,
        reasons=(*record.reasons, reason),
        fit=min(record.fit, longer.fit),
    )


def _raise_agreed(scored: list[_Compared]) -> list[_Compared]:
    """A doubt about the record becomes an acceptance when another source has the same ISBN for a fitting book.

    It is one edition, so that the better of its records tells how probable it is.
    """
    sources, best = _sources(scored), _best_scores(scored)
    return [
        replace(
            found,
            record=replace(
                found.record,
                score=best[found.hit.isbn13 or ""],
                verdict=ACCEPT,
                reasons=(*found.record.reasons, "two sources agree on this ISBN"),
            ),
        )
        if found.verdict == DOUBT
        and len(sources.get(found.hit.isbn13 or "", ())) > 1
        and found.fit >= CONFIRMABLE_POINTS
        else found
        for found in scored
    ]


def _best_scores(scored: Iterable[_Compared]) -> dict[str, float]:
    """The best score that a record of each ISBN has."""
    scores: dict[str, float] = {}
    for found in scored:
        isbn13 = found.hit.isbn13 or ""
        scores[isbn13] = max(scores.get(isbn13, 0.0), found.record.score)
    return scores


def _sources(scored: Iterable[_Compared]) -> dict[str, set[str]]:
    """The sources that name each ISBN for a book that fits."""
    sources: dict[str, set[str]] = {}
    for found in scored:
        if found.hit.isbn13 and found.fit >= CONFIRMABLE_POINTS:
            sources.setdefault(found.hit.isbn13, set()).add(found.hit.source.provider)
    return sources


def _listing(scored: Iterable[_Compared]) -> dict[str, set[str]]:
    """The sources that name each ISBN for a book that fits, or list it as another edition's."""
    sources: dict[str, set[str]] = {}
    for found in scored:
        if found.fit >= CONFIRMABLE_POINTS:
            for isbn13 in (found.hit.isbn13, *found.hit.related):
                sources.setdefault(isbn13 or "", set()).add(found.hit.source.provider)
    return sources


def _works(candidate: Candidate, scored: Sequence[_Compared]) -> list[list[_Compared]]:
    """Hits grouped by work, best work first. A hit joins all works that it is an edition of, and none that it differs from."""
    works: list[list[_Compared]] = []
    for found in scored:
        joined = [work for work in works if _belongs(candidate, found, work)]
        if not joined:
            works.append([found])
            continue
        for work in joined[1:]:
            joined[0].extend(work)
            works.remove(work)
        joined[0].append(found)
    return works


def _belongs(candidate: Candidate, found: _Compared, work: Sequence[_Compared]) -> bool:
    accepted = False
    for member in _faces(work):
        first = member.hit
        if (
            first.work_key
            and first.work_key == found.hit.work_key
            and first.source.provider == found.hit.source.provider
        ):
            return True
        if _face(first) == _face(found.hit) or _is_named_with(candidate, found, member):
            return True
        verdict = same_work(first, found.hit).verdict
        if verdict == REFUSE:
            return False
        accepted = accepted or verdict == ACCEPT
    return accepted


def _face(hit: EditionRecord) -> tuple[object, ...]:
    return hit.title, hit.subtitle, hit.authors, hit.series


def _faces(work: Sequence[_Compared]) -> list[_Compared]:
    """The members of a work that are printed differently."""
    return list({_face(found.hit): found for found in reversed(work)}.values())[::-1]


def _is_named_with(candidate: Candidate, one: _Compared, other: _Compared) -> bool:
    """Return whether two records of one whole title name one each of the authors that the candidate names together."""
    if not (one.whole and other.whole) or one.verdict != ACCEPT or other.verdict != ACCEPT:
        return False
    named = people((candidate.author,))
    if len(named) < 2 or titles.read(one.hit.title).squash != titles.read(other.hit.title).squash:
        return False
    return all(agreement((candidate.author,), found.hit.authors) <= INITIALS for found in (one, other))


def _sure_editions(work: Sequence[_Compared]) -> list[_Compared]:
    """The accepted hits of a work; where several subtitles compete, only those that fit as well as the best.

    An edition under another title is none beside one that has the title named, and a third book none beside a third volume,
    if that was named: books often bind several volumes.
    """
    accepted = sorted((found for found in work if found.verdict == ACCEPT), key=lambda found: -found.fit)
    accepted = [found for found in accepted if not found.known] or accepted
    accepted = [found for found in accepted if COUNTED_OTHERWISE not in found.record.reasons] or accepted
    subtitles = {titles.read(found.hit.title, found.hit.subtitle).rest for found in accepted}
    least = accepted[0].fit - LEAD_MARGIN if len(subtitles - {()}) > 1 else 0.0
    return [found for found in accepted if found.fit > least]


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
