"""Adds to search hits what real ones hold beside the book: other editions, and books made from it.

The file has few of either, so they are made from its works: valid ISBNs, the same for the same seed, and computed
both ways (work -> ISBN, ISBN -> work), so that nothing needs to be stored.
"""

from __future__ import annotations

import html
from dataclasses import replace
from random import Random

from anyascii import anyascii

from alexandria.sandbox.chance import chance
from alexandria.sandbox.corpus import Corpus, Edition, Work
from alexandria.sandbox.distractor_forms import FORMS, SILENT, Form, near_title
from alexandria.sandbox.search import Query

RECORDED = "Audio CD"  # the binding of what is heard
EARLY_FORMS = ("reprint", "undated record")
EARLY_SHARE = 0.15  # of searches in which such a record stands first

FIRST_NAMES = ("Alda", "Bram", "Cosima", "Dov", "Eluned", "Fenna", "Gorm", "Hedda", "Ivo", "Jorun", "Kestrel", "Ludo",
               "Maeve", "Nils", "Odile", "Piet", "Runa", "Sorcha", "Teodor", "Ulla")  # fmt: skip
LAST_NAMES = ("Aldenham", "Brackwater", "Corvane", "Dunmallow", "Eskerby", "Farrowick", "Gildersleeve", "Hathermoor",
              "Inglethorn", "Jessamyn-Roe", "Kettlewick", "Lorimond", "Marchbank-Oyo", "Nettlefold", "Ostergard",
              "Pellingrove", "Quillfeather", "Ravensworth", "Stellingwerf", "Thornquist")  # fmt: skip


_FORM_OF_NAME = {form.name: form for form in FORMS}
PREFIXES = tuple(sorted({form.prefix for form in FORMS}))
ISBNS_PER_PREFIX = 10**8  # numbers behind one prefix
ISBN_STEP = 38_196_601  # coprime to SPACE, so every number gets an ISBN of its own, and neighbours stay apart
BACK = pow(ISBN_STEP, -1, ISBNS_PER_PREFIX)


class Relatives:
    """The relatives of every work of the corpus, made when asked for."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self._corpus, self._seed = corpus, seed
        self._shift = chance(seed, "relatives").randrange(ISBNS_PER_PREFIX)
        self._made: dict[int, tuple[Edition, ...]] = {}

    def of(self, work: Work) -> tuple[Edition, ...]:
        if work.number not in self._made:
            self._made[work.number] = tuple(self._make(work))
        return self._made[work.number]

    def edition(self, isbn13: str) -> Edition | None:
        """The relative with this ISBN."""
        if not isbn13.startswith(PREFIXES):
            return None
        edition = self.numbered((int(isbn13[4:12]) - self._shift) * BACK % ISBNS_PER_PREFIX)
        return edition if edition and edition.isbn13 == isbn13 else None

    def number(self, edition: Edition) -> int:
        """A number that no other relative has."""
        return (int(edition.isbn13[4:12]) - self._shift) * BACK % ISBNS_PER_PREFIX

    def numbered(self, number: int) -> Edition | None:
        """The relative with this number."""
        work, form = divmod(number, len(FORMS))
        if not 0 <= work < len(self._corpus.works):
            return None
        kin = self.of(self._corpus.works[work])
        return next((edition for edition in kin if edition.form == FORMS[form].name), None)

    def shelve(self, hits: list[Edition], query: Query, share: float, rng: Random) -> list[Edition]:
        """Hits as a service lists them: relatives among them, and in `share` of all searches a look-alike first.

        With a share of 0 there are no look-alikes at all.
        """
        if not hits:
            return []
        page = list(hits)
        kin = [edition for edition in self.of(self._corpus.works[hits[0].work]) if share or not other_work(edition)]
        for edition in kin:
            if not query.every or query.finds(edition):
                page.insert(rng.randint(1, 8), edition)
        early = [edition for edition in page if edition.form in EARLY_FORMS]
        if early and rng.random() < EARLY_SHARE:
            page = [early[0], *(edition for edition in page if edition is not early[0])]
        if rng.random() < share:
            rivals = [edition for edition in kin if other_work(edition)]
            rivals += [edition for edition in page[1:6] if edition.work != hits[0].work]
            if rivals:
                rival = rng.choice(rivals[:4])
                page = [rival, *(edition for edition in page if edition is not rival)]
        return page

    def _make(self, work: Work) -> list[Edition]:
        rng = chance(self._seed, "relatives", work.id)
        stranger = invented_name(rng)
        forms = [form for form in FORMS if rng.random() < form.share]
        if all(form.same_work for form in forms):
            forms.append(FORMS[-1])  # every book has something that can be taken for it
        isbns = {form: self._isbn(form, work.number * len(FORMS) + FORMS.index(form)) for form in forms}
        return [
            _printed(form, work.face, isbn13, stranger)
            for form, isbn13 in isbns.items()
            if isbn13 not in self._corpus.number_of
        ]

    def _isbn(self, form: Form, number: int) -> str:
        body = f"{form.prefix}{(number * ISBN_STEP + self._shift) % ISBNS_PER_PREFIX:08d}"
        return body + str(-sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(body)) % 10)


def form_of(edition: Edition) -> Form | None:
    return _FORM_OF_NAME.get(edition.form)


def other_work(edition: Edition) -> bool:
    """A relative that is not the work it is made from."""
    form = form_of(edition)
    return form is not None and not form.same_work


def is_meant(edition: Edition) -> bool:
    """Whether a relative is an edition that a reader of the book may be given: not a recording and not a translation."""
    form = form_of(edition)
    return form is not None and form.same_work and not form.other_edition


def is_recording(edition: Edition) -> bool:
    """Whether an edition is heard, which sources of printed books do not have."""
    form = form_of(edition)
    return edition.binding == RECORDED or (form is not None and form.recording)


def work_id(edition: Edition, work: Work) -> str:
    """Of which work `edition` is: `work`, or one of its own if it was only made from that."""
    return f"{edition.form} of {work.id}" if other_work(edition) else work.id


def name_by(form: Form, author: str, stranger: str = "") -> str:
    """How a relative that does not keep the author's name prints it."""
    return form.author.format(
        author=author, stranger=stranger, unmarked_author=anyascii(author), initial=_with_initial(author)
    )


def invented_name(rng: Random) -> str:
    """A person who has written nothing."""
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def _printed(form: Form, original: Edition, isbn13: str, stranger: str) -> Edition:
    author = original.authors[0] if original.authors else "Anonymous"
    names = {
        "title": original.title,
        "author": author,
        "near": near_title(original.title),
        "unmarked": anyascii(original.title),
        "entities": html.escape(original.title),
    }
    year = min((original.year or 2000) + form.years_later, 2024)
    published = f"{year}" if form.years_later else original.published
    return replace(
        original,
        isbn13=isbn13,
        title=form.title.format(**names),
        subtitle=original.subtitle if form.same_work else "",
        authors=(name_by(form, author, stranger),) if form.author else original.authors,
        publisher=form.publisher,
        published="" if form.undated else published,
        language="" if form.language == SILENT else form.language or original.language,
        binding=form.binding,
        pages=None if form.recording else original.pages,
        series=original.series if form.same_work else "",
        notability=0,
        form=form.name,
    )


def _with_initial(name: str) -> str:
    """The first given name as an initial: "S. Harvey"; a name of one word, or in letters without case, stays."""
    given, _, rest = name.partition(" ")
    return f"{given[0]}. {rest}" if rest and given[0].isupper() else name
