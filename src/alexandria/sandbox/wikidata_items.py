"""Makes the items of Wikidata: one for the work, others for editions, and many rows for each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from zlib import crc32

from stdnum import isbn as stdnum_isbn

from alexandria.sandbox.corpus import Edition, Work
from alexandria.sandbox.distractors import form_of, is_recording, other_work
from alexandria.sandbox.state import SandboxState

ENTITY = "http://www.wikidata.org/entity/Q"
SCHEMA = "http://www.w3.org/2001/XMLSchema#"
WORKS_BASE, MADE_WORKS_BASE = (
    110_000_000,
    115_000_000,
)  # where the numbers of items begin: of the file, and made from it
EDITIONS_BASE, MADE_EDITIONS_BASE = 120_000_000, 130_000_000
AUTHORS_BASE = 1_000_000_000
WITHOUT_ISBN_SHARE = 0.5  # of the works whose ISBN Wikidata does not know have an item nevertheless
YEAR_PRECISION, MONTH_PRECISION, DAY_PRECISION = 9, 10, 11  # how precisely a date is known

Term = dict[str, str]
Row = dict[str, Term]


@dataclass(frozen=True, slots=True)
class WikidataItem:
    """A work. `first` is its date of publication, as precise as it is known; `editions` those with an ISBN.

    `labels` are its titles in other languages, and `names` other names of its authors.
    """

    number: int
    title: str
    authors: tuple[str, ...]
    first: str
    sitelinks: int
    editions: tuple[Edition, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Items:
    """The items of all books, made when asked for."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._corpus, self._relatives = state.corpus, state.relatives

    def of(self, edition: Edition) -> WikidataItem | None:
        """The item of the work that `edition` is of, if there is one."""
        if other_work(edition):
            form = form_of(edition)
            known = form is not None and form.notable and self._state.holds("wikidata", self._state.work_id(edition))
            number = MADE_WORKS_BASE + self._relatives.number(edition)
            return (
                WikidataItem(number, edition.title, edition.authors, edition.published, 0, (edition,))
                if known
                else None
            )
        return self._of_work(self._corpus.works[edition.work])

    def dated(self, start: str, end: str) -> Iterator[WikidataItem]:
        """The items of the works first published from `start` to before `end`, of those dated to the month at least."""
        for first, works in self._by_month.items():
            if start[:7] <= first <= end[:7]:
                items = filter(None, map(self._of_work, works))
                yield from (item for item in items if start <= _day(item.first) < end)

    def work_rows(self, item: WikidataItem) -> Iterator[Row]:
        """One row an author: what is known of the work."""
        rng = self._state.draw("wikidata", "rows", item.number)
        for author in item.authors:
            row = self._named(item, author, rng) | {"sitelinks": _number(item.sitelinks)}
            yield row | _dated("date", item.first)

    def edition_rows(self, item: WikidataItem) -> Iterator[Row]:
        """Every combination of what is known: of authors, editions, their ISBNs, and the work's dates."""
        rng = self._state.draw("wikidata", "rows", item.number)
        firsts = [_dated("first", item.first)] if item.first else [{}]
        firsts += [{"first": {"type": "bnode", "value": f"t{rng.randrange(10**9)}"}}] if rng.random() < 0.02 else []
        authors = [self._named(item, author, rng) for author in item.authors]
        on_work = len(item.editions) == 1 and rng.random() < 0.4
        for edition in item.editions:
            number = item.number if on_work else self._edition_number(edition)
            facts = {"item": _entity(number)} | _described(edition, rng)
            for author, first, isbn in product(authors, firsts, _isbns(edition, rng)):
                yield author | first | facts | {"isbn": isbn}

    def label_rows(self, item: WikidataItem) -> Iterator[Row]:
        """One row a title or name in another language."""
        row = {"work": _entity(item.number), "workLabel": _text(item.title)}
        for name, texts in (("known", item.labels), ("alias", item.names)):
            yield from (row | {name: {"type": "literal", "value": text}} for text in texts)

    def _of_work(self, work: Work) -> WikidataItem | None:
        rng = self._state.draw("wikidata", "item", work.id)
        with_isbn = self._state.holds("wikidata", work.id)
        if not (with_isbn or rng.random() < WITHOUT_ISBN_SHARE):
            return None
        printed = [edition for edition in self._all_editions(work) if not is_recording(edition)]
        known = [edition for edition in printed if rng.random() < 0.7]
        if all(edition.form for edition in known):  # nobody adds a reprint alone
            known = [*printed[:1], *known]
        fame = len(str(work.face.notability)) - 1
        face = work.face
        sitelinks = rng.randint(0, 6) + fame * rng.randint(2, 8)
        return WikidataItem(
            WORKS_BASE + work.number,
            face.title,
            face.authors,
            _first(work),
            sitelinks,
            tuple(known) if with_isbn else (),
            tuple(title for title in work.titles if title != face.title),
            work.other_names,
        )

    def _all_editions(self, work: Work) -> list[Edition]:
        return [*work.editions, *(made for made in self._relatives.of(work) if not other_work(made))]

    def _named(self, item: WikidataItem, author: str, rng: Random) -> Row:
        """Labels as the label service gives them: the item's number where nobody has named it."""
        row = {"work": _entity(item.number), "author": _entity(AUTHORS_BASE + crc32(author.encode()))}
        labels = {"workLabel": item.title, "authorLabel": author}
        for name, label in labels.items():
            unnamed = rng.random() < 0.01
            number = row[name.removesuffix("Label")]["value"].rpartition("/")[2]
            row[name] = {"type": "literal", "value": number} if unnamed else _text(label)
        return row

    def _edition_number(self, edition: Edition) -> int:
        if edition.form:
            return MADE_EDITIONS_BASE + self._relatives.number(edition)
        return EDITIONS_BASE + self._corpus.number_of[edition.isbn13]

    @cached_property
    def _by_month(self) -> dict[str, list[Work]]:
        found: dict[str, list[Work]] = defaultdict(list)
        for work in self._corpus.works:
            if len(_first(work)) >= 7:
                found[_first(work)[:7]].append(work)
        return found


def _first(work: Work) -> str:
    """When the work first appeared: the earliest date of its editions, unless it is known to be older."""
    dates = sorted(edition.published for edition in work.editions if len(edition.published) >= 7)
    year = f"{work.first_year:04d}" if work.first_year else ""
    return next((date for date in dates if date.startswith(year)), year)


def _day(published: str) -> str:
    """The first day that a date can mean."""
    return "-".join([*published.split("-"), "01", "01"][:3])


def _described(edition: Edition, rng: Random) -> Row:
    """Return what the item of an edition states beside its ISBN, with gaps."""
    published = edition.published if rng.random() < 0.75 else edition.published[:4]
    row = _dated("date", published) if published and rng.random() < 0.85 else {}
    row |= {"language": {"type": "literal", "value": edition.language or "en"}} if rng.random() < 0.8 else {}
    pages = {"pages": _number(edition.pages, "decimal")} if edition.pages and rng.random() < 0.6 else {}
    return row | pages


def _isbns(edition: Edition, rng: Random) -> list[Term]:
    """In hyphens, mostly the right ones; the thirteen digits, the ten, or both."""
    numbers = [edition.isbn13, edition.isbn10] if edition.isbn10 and rng.random() < 0.5 else [edition.isbn13]
    if edition.isbn10 and rng.random() < 0.1:
        numbers = [edition.isbn10]
    return [{"type": "literal", "value": _hyphenated(number, rng)} for number in numbers]


def _hyphenated(isbn: str, rng: Random) -> str:
    right = str(stdnum_isbn.format(isbn))
    kind = rng.random()
    return right.replace("-", "") if kind < 0.05 else right.replace("-", "", 1) if kind < 0.1 else right


def _dated(name: str, published: str) -> Row:
    """A date in full and, beside it, how much of it is meant."""
    if not published:
        return {}
    known = {4: YEAR_PRECISION, 7: MONTH_PRECISION, 10: DAY_PRECISION}[len(published)]
    value = {"type": "literal", "datatype": f"{SCHEMA}dateTime", "value": f"{_day(published)}T00:00:00Z"}
    return {name: value} | ({"precision": _number(known)} if name == "date" else {})


def _entity(number: int) -> Term:
    return {"type": "uri", "value": f"{ENTITY}{number}"}


def _text(value: str) -> Term:
    return {"xml:lang": "en", "type": "literal", "value": value}


def _number(value: int, kind: str = "integer") -> Term:
    return {"datatype": f"{SCHEMA}{kind}", "type": "literal", "value": str(value)}
