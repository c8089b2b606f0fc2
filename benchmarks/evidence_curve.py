"""How many calls does a right edition need? Books asked of every source once, and each rule applied to the same answers.

"Proof" ends at the first work that is sure, without Open Library's second request; "balanced" and "frugal" are the orders
of the policies. "... for near" goes on until the edition is known to be of the named time. The other rows prove the work, and
then gather more evidence in a fixed order: about every book, or only where the edition is not known to be of the named time
("if unsure"); ISBNdb's numbers are those that Open Library lists for the work, of a month in one request. An edition is right if
no other of the work, in ordinary print and the language asked for, was published nearer to the named time.

Without --gold the books are those of the sandbox's sample, with their month. The sandbox's records are dated; --undated
takes the dates from a share of all free sources' records (--undated-paid of ISBNdb's), and --reprints makes a share of Open
Library's searches answer with the work's last printing. One JSON line, a table on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import stage
from alexandria.backfill.look_up import MAX_ISBNS_CHECKED
from alexandria.backfill.source_selection import Policy
from alexandria.catalogue.matching.editions import is_later, is_near
from alexandria.catalogue.matching.scoring import ACCEPT, choose, is_known_otherwise
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate
from alexandria.core.month import Month
from alexandria.operations.system import System
from alexandria.providers import open_library
from alexandria.providers.charging import charged_to
from alexandria.sandbox import SandboxSettings
from alexandria.sandbox.chance import chance
from alexandria.sandbox.corpus import Corpus, Edition
from alexandria.sandbox.distractors import Relatives, form_of, is_meant
from alexandria.sandbox.parts import provider_names
from alexandria.sandbox.settings import SAMPLE
from labelled import candidate_of

AT_ONCE = 16  # books asked about together
PLENTY = 10**6  # calls a day
CHARGED = Month(2000, 1)  # of all calls here; what tells them apart is the attempt
BULK = 36  # books whose ISBNs go into one request of ISBNdb's bulk: those of a month

# What can be asked about a book. Of Open Library: its search, what the product asks after it, and all editions of the works.
SEARCH, OPEN_LIBRARY, EDITIONS = "open_library search", "open_library", "open_library editions"
GOOGLE, ISBNDB, ARCHIVE, WIKIDATA = "google_books", "isbndb", "internet_archive", "wikidata"
# ISBNdb's records of the numbers that Open Library lists for the work, in its search or behind it.
NUMBERS, ALL_NUMBERS = "isbndb numbers", "isbndb numbers of editions"
PARTS = (SEARCH, OPEN_LIBRARY, EDITIONS, GOOGLE, ISBNDB, ARCHIVE, WIKIDATA, NUMBERS, ALL_NUMBERS)


@dataclass(frozen=True, slots=True)
class Way:
    """Parts in the order in which they are asked until the work is proved; those in `for_near` until its edition is near."""

    order: Sequence[str]
    for_near: Sequence[str] = ()
    undated_is_near: bool = False


BALANCED = (GOOGLE, ISBNDB, ARCHIVE, WIKIDATA)  # after Open Library
PATHS = {
    "proof": Way((SEARCH, *BALANCED)),
    "balanced": Way((OPEN_LIBRARY, *BALANCED)),
    "frugal": Way((OPEN_LIBRARY, GOOGLE, ARCHIVE, WIKIDATA, ISBNDB)),
    "editions unless undated": Way((SEARCH, EDITIONS, *BALANCED), (EDITIONS,), undated_is_near=True),
    "editions for near": Way((SEARCH, EDITIONS, *BALANCED), (EDITIONS,)),
    "editions, google_books for near": Way((SEARCH, EDITIONS, *BALANCED), (EDITIONS, GOOGLE)),
    "editions, isbndb for near": Way((SEARCH, EDITIONS, ISBNDB, GOOGLE, ARCHIVE, WIKIDATA), (EDITIONS, ISBNDB)),
    "editions, google_books, isbndb for near": Way((SEARCH, EDITIONS, *BALANCED), (EDITIONS, GOOGLE, ISBNDB)),
}
REPRINT_SEARCHED = "isbndb numbers, isbndb of a reprint"  # what the product does
FURTHER: dict[str, Sequence[str]] = {
    REPRINT_SEARCHED: (NUMBERS, ISBNDB),
    "isbndb numbers": (NUMBERS,),
    "isbndb": (ISBNDB,),
    "editions": (EDITIONS,),
    "editions, isbndb numbers": (EDITIONS, ALL_NUMBERS),
    "editions, google_books, isbndb": (EDITIONS, GOOGLE, ISBNDB),
    "all sources": (EDITIONS, GOOGLE, ISBNDB, ARCHIVE, WIKIDATA),
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A book as it is asked for, and the number of the work in the sandbox that is meant."""

    candidate: Candidate
    work: int


@dataclass(slots=True)
class Answers:
    """What each part answers about one book, and the requests that it takes."""

    hits: dict[str, Sequence[EditionRecord]] = field(default_factory=dict)
    calls: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    choices: dict[frozenset[str], EditionRecord | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the sandbox knows of its editions."""

    corpus: Corpus
    relatives: Relatives

    def edition(self, isbn: str) -> Edition | None:
        return self.corpus.edition(isbn) or self.relatives.edition(isbn)

    def meant(self, work: int) -> list[Edition]:
        """Editions of the work that a reader of it may be given, in ordinary print."""
        of = self.corpus.works[work]
        made = (each for each in self.relatives.of(of) if is_meant(each) and not each.form.startswith("large print"))
        return [*of.editions, *made]

    def verdict(self, question: Question, isbn: str | None) -> str:
        """missing, wrong (another work), right (the edition) or edition (another one of the work)."""
        taken = self.edition(isbn) if isbn else None
        if taken is None:
            return "missing"
        form = form_of(taken)
        if taken.work != question.work or (form is not None and not form.same_work):
            return "wrong"
        nearest = min(apart(each.published, question.candidate) for each in self.meant(question.work))
        meant = {each.isbn13 for each in self.meant(question.work)}
        return "right" if isbn in meant and apart(taken.published, question.candidate) <= nearest else "edition"

    def last_printing(self, isbn: str) -> Edition | None:
        """The latest edition of the work, if it is of another year."""
        own = self.edition(isbn)
        if own is None or not own.published or (own.form and not is_meant(own)):
            return None
        latest = max(self.meant(own.work), key=lambda each: (each.published, each.isbn13))
        return latest if latest.published[:4] > own.published[:4] else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, help="JSON lines of labelled queries")
    parser.add_argument("--catalogue", type=Path, default=SAMPLE, help="CSV (.gz) that they are answered from")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th book")
    parser.add_argument("--months", type=int, default=24, help="of the sample, the last ones")
    parser.add_argument("--undated", type=float, default=0.0, help="share of the free sources' records without date")
    parser.add_argument("--undated-paid", type=float, default=0.0, help="share of ISBNdb's records without date")
    parser.add_argument(
        "--reprints", type=float, default=0.0, help="share of Open Library's searches that show a reprint"
    )
    parser.add_argument(
        "--numbers", type=int, default=MAX_ISBNS_CHECKED, metavar="N", help="ISBNs of a work that ISBNdb is asked about"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    corpus = Corpus.load(options.catalogue)
    truth = Truth(corpus, Relatives(corpus, options.seed))
    questions = (of_gold(options.gold, corpus) if options.gold else of_sample(corpus, options.months))[:: options.every]
    answers = ask(questions, truth, options)
    rows = [*judge(questions, answers, truth)]
    print_table(rows)
    facts = {name: getattr(options, name) for name in ("undated", "undated_paid", "reprints", "seed")}
    print(json.dumps({"books": len(questions), **facts, "rows": rows}))


def of_gold(path: Path, corpus: Corpus) -> list[Question]:
    """The labelled queries that name a year and have an answer."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    dated = [row for row in rows if row["expect"] == "match" and row["query"].get("year")]
    found = ((row, corpus.edition(row["base_isbn13"] or row["acceptable_isbn13"][0])) for row in dated)
    return [Question(candidate_of(row["query"]), edition.work) for row, edition in found if edition]


def of_sample(corpus: Corpus, months: int) -> list[Question]:
    """The books of the last months, as a model names them: title, first author, year and month."""
    last = sorted(corpus.of_month)[-months:]
    return [
        Question(Candidate(book.title, book.authors[0], month.year, month.month, named_by=("benchmark",)), book.work)
        for month in last
        for book in corpus.of_month[month]
        if book.authors
    ]


def apart(published: str, candidate: Candidate) -> int:
    """Months between an edition and the named time; none if the vaguer of the two allows it."""
    assert candidate.year is not None
    if not published:
        return PLENTY
    year, month = int(published[:4]), int(published[5:7] or 0)
    if not (month and candidate.month):
        return 12 * abs(year - candidate.year)
    return abs(12 * (year - candidate.year) + month - candidate.month)


# The asking


def ask(questions: Sequence[Question], truth: Truth, options: argparse.Namespace) -> list[Answers]:
    settings = SandboxSettings(
        books=options.catalogue.resolve(),
        seed=options.seed,
        latency_scale=0,
        rates=dict.fromkeys(provider_names(), 1000.0),
        daily_limits={"isbndb": PLENTY, "google_books": PLENTY},
    )
    with stage.sandbox(settings) as url, stage.database() as server:

        async def asked() -> list[Answers]:
            async with stage.system(settings, url, server, Policy.BALANCED.value) as system:
                return await ask_all(system, questions, truth, options)

        return asyncio.run(asked())


async def ask_all(
    system: System, questions: Sequence[Question], truth: Truth, options: argparse.Namespace
) -> list[Answers]:
    sources: dict[str, Any] = {source.name: source for source in system.backfill.runner.sources.sources}
    answers, charges = [Answers() for _ in questions], dict[UUID, tuple[Answers, str]]()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(question: Question, answer: Answers, part: str) -> None:
        token = uuid4()
        charges[token] = answer, part
        async with turn:
            with charged_to(CHARGED, token):
                if part in (NUMBERS, ALL_NUMBERS):
                    listed = answer.hits[OPEN_LIBRARY if part == NUMBERS else EDITIONS]
                    asked = numbers(question.candidate, listed, options.numbers)
                    answer.units[part] = len(asked)
                    hits = (await sources[ISBNDB].by_isbns(asked)).values() if asked else []
                else:
                    hits = await sources[part.partition(" ")[0]].find(question.candidate)
        share = options.undated_paid if part.startswith(ISBNDB) else options.undated
        answer.hits[part] = [aged(hit, share) for hit in hits]

    for part in PARTS:
        with as_careless(part, truth, options):
            await asyncio.gather(*(one(*pair, part) for pair in zip(questions, answers, strict=True)))
        print(f"asked {part}", file=sys.stderr)
    async with system.database.transaction() as connection:
        found = await connection.execute("SELECT attempt_token, units FROM call WHERE attempt_token IS NOT NULL")
        for row in await found.fetchall():
            answer, part = charges[row["attempt_token"]]
            answer.calls[part] += 1 / BULK if part in (NUMBERS, ALL_NUMBERS) else 1
            answer.units[part] += row["units"] if part == ISBNDB else 0
    return answers


def numbers(candidate: Candidate, hits: Sequence[EditionRecord], most: int) -> list[Isbn13]:
    """The numbers that the accepted ones of `hits` list."""
    sure = [each.hit for each in choose(candidate, hits)[1] if each.verdict == ACCEPT]
    return list(dict.fromkeys(isbn for hit in sure for isbn in (hit.isbn13, *hit.related) if isbn))[:most]


@contextlib.contextmanager
def as_careless(part: str, truth: Truth, options: argparse.Namespace) -> Iterator[None]:
    """Open Library's records undated or of reprints, and its second request sent never, as the product does, or always."""
    real_editions, real_tells = (getattr(open_library, name) for name in ("_editions_of", "_tells"))

    def editions_of(*work: Any) -> Iterator[Any]:
        for hit in real_editions(*work):
            known = isinstance(hit, EditionRecord)
            yield reprinted(hit, truth, options.reprints) if known else hit

    def tells(hit: EditionRecord, candidate: Candidate) -> bool:
        return part == SEARCH or (part != EDITIONS and real_tells(aged(hit, options.undated), candidate))

    with patch.object(open_library, "_editions_of", editions_of), patch.object(open_library, "_tells", tells):
        yield


def aged(hit: EditionRecord, share: float) -> EditionRecord:
    """The record, of a share without its date: the same ones wherever they are met."""
    undated = chance("undated", hit.source.provider, hit.source.id).random() < share
    return replace(hit, published=None) if undated else hit


def reprinted(hit: EditionRecord, truth: Truth, share: float) -> EditionRecord:
    if hit.isbn13 is None or chance("reprint", hit.work_key).random() >= share:
        return hit
    latest = truth.last_printing(hit.isbn13)
    if latest is None:
        return hit
    source = replace(hit.source, id=f"/books/{latest.isbn13}")
    date = PartialDate.parse(latest.published)
    return replace(hit, source=source, isbn13=Isbn13.read(latest.isbn13), published=date, publisher=latest.publisher)


# The rules


@dataclass(slots=True)
class Walk:
    """One book by one rule: the records so far, what they choose, and the requests that took."""

    question: Question
    answers: Answers
    asked: list[str] = field(default_factory=list)
    calls: float = 0.0
    taken: EditionRecord | None = None
    undecided: bool = False  # whether more evidence found nothing sure, so that the edition stays

    def take(self, part: str) -> None:
        if part in self.asked:
            return
        self.calls += self.cost(part)
        self.asked.append(part)
        proved = self.taken
        self.taken = self.chosen()
        if self.taken is None and proved is not None:
            self.undecided, self.taken = True, proved

    def chosen(self) -> EditionRecord | None:
        """What the records so far choose; of two of one edition the later one counts, as in a look-up."""
        known = self.answers.choices
        if (asked := frozenset(self.asked)) not in known:
            hits = {
                (hit.source.provider, hit.source.id): hit
                for part in PARTS
                if part in asked
                for hit in self.answers.hits[part]
            }
            known[asked] = choose(self.question.candidate, hits.values())[0]
        return known[asked]

    def cost(self, part: str) -> float:
        """The requests of a part; one that has been sent before, for another part, is answered from the cache."""
        calls = self.answers.calls
        if part == OPEN_LIBRARY:
            return calls[SEARCH] + calls[OPEN_LIBRARY]
        if part == EDITIONS:
            return calls[EDITIONS] if OPEN_LIBRARY in self.asked else max(calls[OPEN_LIBRARY], calls[EDITIONS])
        return calls[part]

    def along(self, path: Way) -> Walk:
        for part in path.order:
            proved = self.taken is not None and not is_known_otherwise(self.question.candidate, self.taken)
            if not proved or (part in path.for_near and not self.is_near(undated=path.undated_is_near)):
                self.take(part)
        return self

    def is_near(self, *, undated: bool = False) -> bool:
        """Whether the edition is known to be of the named time; one without a date is as `undated` says."""
        if self.taken is None:
            return False
        return is_near(self.question.candidate, self.taken) or (undated and self.taken.published is None)

    def further(self, order: Sequence[str], *, always: bool) -> Walk:
        if self.taken is not None:
            for part in order:
                reprint = self.taken is not None and is_later(self.question.candidate, self.taken)
                if always or (not self.is_near() and (part != ISBNDB or NUMBERS not in order or reprint)):
                    self.take(part)
        return self


Rule = tuple[Way, Sequence[str], bool]  # how a book is proved, what is asked then, and whether about each book


def rules() -> Iterator[tuple[str, Rule]]:
    for name, path in PATHS.items():
        yield name, (path, (), True)
    yield f"balanced, then {REPRINT_SEARCHED} if unsure", (PATHS["balanced"], FURTHER[REPRINT_SEARCHED], False)
    for always in (False, True):
        for name, more in FURTHER.items():
            yield f"proof, then {name}{'' if always else ' if unsure'}", (PATHS["proof"], more, always)


def judge(questions: Sequence[Question], answers: Sequence[Answers], truth: Truth) -> Iterator[Row]:
    for name, (path, more, always) in rules():
        complete = settled = units = 0.0
        counts: dict[str, int] = defaultdict(int)
        for question, answer in zip(questions, answers, strict=True):
            walk = Walk(question, answer).along(path)
            complete += walk.calls
            settled += walk.further(more, always=always).calls
            units += sum(answer.units[part] for part in walk.asked)
            counts[truth.verdict(question, walk.taken.isbn13 if walk.taken else None)] += 1
        books, found = len(questions), len(questions) - counts["missing"]
        yield {
            "rule": name,
            "calls_to_complete": round(complete / books, 3),
            "calls_to_settled": round(settled / books, 3),
            "isbndb_units": round(units / books, 2),
            "resolved": round(100 * found / books, 2),
            "work_right": round(100 * (found - counts["wrong"]) / max(found, 1), 2),
            "edition_right": round(100 * counts["right"] / max(found, 1), 2),
            "wrong": counts["wrong"],
        }


def print_table(rows: Sequence[Row]) -> None:
    columns = list(rows[0])
    print("\n| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), sep="\n", file=sys.stderr)
    for row in rows:
        print("| " + " | ".join(str(row[column]) for column in columns) + " |", file=sys.stderr)


if __name__ == "__main__":
    main()
