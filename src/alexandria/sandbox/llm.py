"""Names books as a language model does for a month: mostly right and mostly spelt right; a few never existed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from alexandria.core.month import NAMES, Month
from alexandria.sandbox.corpus import Edition
from alexandria.sandbox.distractors import invented_name
from alexandria.sandbox.state import SandboxState

DEFAULT_COUNT, MAX_COUNT = 20, 100
STRAY_MONTHS = 5  # months on either side from which strays come
KNOWN_SHARE = 0.9  # of the month's books that a model knows, if it is asked for that many
UNUSABLE_SHARE = 0.02  # of a list's items

ADJECTIVES = ("Amber", "Borrowed", "Clockwork", "Drowned", "Eleventh", "Forgotten", "Glass", "Hollow", "Inverted",
              "Lacquered", "Moonless", "Numbered", "Ochre", "Paper", "Quiet", "Rusted", "Salt-Stained", "Unposted")  # fmt: skip
MAKERS = ("Apiarist", "Bellfounder", "Cartographer", "Dyer", "Enameller", "Ferryman", "Glazier", "Horologist",
          "Lamplighter", "Milliner", "Notary", "Organ-Builder", "Puppeteer", "Saddler", "Tide-Keeper", "Vintner")  # fmt: skip
THINGS = ("Almanac", "Bargain", "Confession", "Daughters", "Errand", "Funeral", "Inheritance", "Ledger", "Map",
          "Oath", "Parallax", "Reckoning", "Silence", "Testimony", "Widow", "Winter")  # fmt: skip

Book = dict[str, Any]  # what a prompt asks for, field by field; an unusable item of a list may be anything


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt asks for: a month if it names one, and about how many books."""

    month: Month | None
    count: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Asked:
        """Read from the texts of a prompt, the most telling first."""
        months = [month for text in texts if (month := _month(text))]
        counts = [count for text in texts if (count := _count(text))]
        return cls(next(iter(months), None), next(iter(counts), DEFAULT_COUNT))


def name_books(state: SandboxState, provider: str, texts: Sequence[str], rng: Random) -> list[Any]:
    """Return the list that a model answers, JSON-ready; [] if the prompt names no month. Records in `truth` what was meant."""
    asked = Asked.of(texts)
    if asked.month is None:
        return []
    real = asked.count - _share(asked.count, state.settings.invented, rng)
    strays = _share(real, state.settings.strays, rng)
    own = _of_month(state, asked.month, real - strays, rng)
    strays += (real - strays - len(own)) // 2  # a model that knows too few does not say so
    chosen = [*own, *_strays(state, asked.month, strays, rng)]
    invented = min(_share(len(chosen), state.settings.invented, rng), asked.count - len(chosen))
    items = [_tell(state, provider, asked.month, edition, rng) for edition in chosen]
    items += [_invent(state, provider, asked.month, rng) for _ in range(invented)]
    rng.shuffle(items)
    return [_spoil(item, rng) for item in items]


def month_of(texts: Sequence[str]) -> str:
    """The month (YYYY-MM) that a prompt names, or ""."""
    month = Asked.of(texts).month
    return str(month) if month else ""


def fenced(text: str) -> str:
    """As a model writes JSON for people."""
    return f"```json\n{text}\n```"


def in_prose(text: str) -> str:
    """As a model talks to people, with brackets of its own."""
    return f"Here are the books [as asked], the {{best}} first:\n{fenced(text)}\nNote [1]: I am not sure of the month."


def after_thoughts(text: str) -> str:
    """As servers pass on the thoughts of some models: without their beginning."""
    return f'The month has {{few}} books. Perhaps {{"books": []}}?\n</think>\n\n{text}'


def loose(text: str) -> str:
    """JSON as people write it: trailing commas, a line break in a text, and half of a surrogate pair."""
    return text.replace('"title": "', '"title": "\\ud83d\n', 1).replace("}]", "},],")


def with_bad_item(text: str) -> str:
    """JSON with one item that is not."""
    return text.replace('"books": [', '"books": [{"title": "An "Unquoted" Title", "author": Nobody}, ')


def brackets(_: str) -> str:
    """What a model repeats when it has lost its way."""
    return "[" * 40_000


# What can be wrong with a text that every model may write.
TEXT_FAULTS = {
    "fenced_json": fenced,
    "prose_around_json": in_prose,
    "closing_think": after_thoughts,
    "loose_json": loose,
    "bad_item": with_bad_item,
    "many_brackets": brackets,
}


def off_schema(text: str) -> str:
    """JSON with the right content in another form."""
    items = [{"book": _in_words(book)} for book in json.loads(text)["books"]]
    return json.dumps({"response": {"items": items}}, ensure_ascii=False)


def _in_words(book: Any) -> str:
    return " by ".join(str(book[name]) for name in ("title", "author") if isinstance(book, dict) and book.get(name))


def cut_off(text: str) -> str:
    """As far as the tokens went."""
    return text[: len(text) // 2]


def _month(text: str) -> Month | None:
    named = "|".join(NAMES)
    patterns = (
        (rf"\b({named})\b(?:\s+\d{{1,2}}(?:st|nd|rd|th)?)?,?\s+(?:of\s+)?((?:19|20)\d\d)\b", (2, 1)),
        (r"\b((?:19|20)\d\d)-(0[1-9]|1[0-2])\b", (1, 2)),
        (rf"\b((?:19|20)\d\d)\b.*?\b({named})\b", (1, 2)),
        (rf"\b({named})\b.*?\b((?:19|20)\d\d)\b", (2, 1)),
    )
    for pattern, (year, month) in patterns:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            name = found[month]
            return Month(int(found[year]), int(name) if name.isdigit() else NAMES.index(name) + 1)
    return None


def _count(text: str) -> int | None:
    found = re.search(r"\b(\d{1,3})(?:\s+[^\W\d][\w'-]*){0,5}?\s+(?:books|titles|works)\b", text)
    return min(max(int(found[1]), 1), MAX_COUNT) if found else None


def _share(count: int, share: float, rng: Random) -> int:
    """`share` of `count`, rounded up or down by chance so that small lists are right on average."""
    return int(count * share + rng.random())


def _of_month(state: SandboxState, month: Month, wanted: int, rng: Random) -> list[Edition]:
    """Books of the month, the noted ones first, though every model has its own idea of fame and gaps of its own."""
    famous = state.corpus.of_month.get(month, ())
    by_taste = sorted(enumerate(famous), key=lambda ranked: ranked[0] * rng.uniform(0.5, 1.5))
    known = [edition for _, edition in by_taste if rng.random() < KNOWN_SHARE]
    return known[:wanted]


def _strays(state: SandboxState, month: Month, wanted: int, rng: Random) -> list[Edition]:
    """Return noted books of the months around, which the model places in this month."""
    of_month = state.corpus.of_month
    here = {edition.work for edition in of_month.get(month, ())}
    near = [
        edition for other in _around(month) for edition in of_month.get(other, ())[:3] if edition.work not in here
    ]  # fmt: skip
    distinct = list({edition.work: edition for edition in near}.values())
    return rng.sample(distinct, min(wanted, len(distinct)))


def _around(month: Month) -> Iterator[Month]:
    ordinal = month.year * 12 + month.month - 1
    for other in range(ordinal - STRAY_MONTHS, ordinal + STRAY_MONTHS + 1):
        if other != ordinal and 1900 <= other // 12 <= 2100:
            yield Month(other // 12, other % 12 + 1)


def _tell(state: SandboxState, provider: str, month: Month, edition: Edition, rng: Random) -> Book:
    title, author = _title(edition, rng), _author(edition, rng)
    if rng.random() < state.settings.misspelt:
        title, author = (_misspell(title, rng), author) if rng.random() < 0.6 else (title, _misspell(author, rng))
    state.truth.note(provider, month, title, author, state.corpus.works[edition.work])
    publisher = edition.publisher or "Unknown"
    return {"title": title, "author": author, "publisher": publisher, "format": edition.binding, "year": month.year}


def _title(edition: Edition, rng: Random) -> str:
    kind = rng.random()
    if kind < 0.12 and edition.subtitle:
        return f"{edition.title}: {edition.subtitle}"
    if kind < 0.18 and edition.series:
        return f"{edition.title} ({edition.series})"
    return edition.title.upper() if kind > 0.98 else edition.title


def _author(edition: Edition, rng: Random) -> str:
    if not edition.authors:
        return "Various"
    first, *more = edition.authors
    kind = rng.random()
    if kind < 0.2 and more:
        return f"{first}{' & ' if kind < 0.1 else ', '}{more[0]}"
    names = first.split()
    if kind > 0.97 and len(names) > 1:
        return f"{names[-1]}, {' '.join(names[:-1])}"
    return first


def _misspell(text: str, rng: Random) -> str:
    """One slip in one word: two letters swapped, one lost, or one doubled."""
    long_words = list(re.finditer(r"[^\W\d_]{4,}", text))
    if not long_words:
        return text
    word = rng.choice(long_words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    slip = rng.choice((text[at + 1] + text[at], text[at], text[at] + text[at] + text[at + 1]))
    return text[:at] + slip + text[at + 2 :]


def _invent(state: SandboxState, provider: str, month: Month, rng: Random) -> Book:
    """A book that never existed; sometimes by an author who does."""
    title = f"The {rng.choice(ADJECTIVES)} {rng.choice(MAKERS)}'s {rng.choice(THINGS)}"
    author = invented_name(rng)
    real = state.corpus.of_month.get(month, ())
    if real and rng.random() < 0.25 and (authors := rng.choice(real).authors):
        author = authors[0]
    state.truth.note(provider, month, title, author, None)
    return {"title": title, "author": author, "publisher": "Harrow & Vane", "format": "Hardcover", "year": month.year}


def _spoil(item: Book, rng: Random) -> Any:
    """Fields missing or of another type, as models do; rarely an item of which nothing can be made."""
    kind = rng.random()
    if kind < UNUSABLE_SHARE:
        return rng.choice(({"author": item["author"], "year": item["year"]}, item | {"title": ""}, item["title"]))
    if kind < 0.08:
        return item | {"year": str(item["year"])}
    if kind < 0.16:
        missing = rng.choice(("publisher", "format", "year"))
        return {name: value for name, value in item.items() if name != missing}
    return item | {"publisher": ""} if kind < 0.2 or item["publisher"] == "Unknown" else item
