"""Finds the list of books in the text of a language model, whatever stands around it and whatever is wrong within it.

The cost grows with the length of the text alone: a bracket is tried only if what follows it can be JSON, and the number
of reads is bounded.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from alexandria.core.month import Month
from alexandria.providers import named_lists
from alexandria.providers.named_lists import is_book

MAX_FAILED_READS = 50  # brackets, and items of a list, that may turn out not to be JSON
MAX_NESTED_READS = 5  # of the failed ones, of nesting without end: each takes as long as many others
MAX_READS = 1000  # brackets that are tried in all
MAX_ITEMS = 500  # of a list; a month has some dozens
MAX_NODES = 2000  # values within one JSON value that are searched for a list
SNIPPET_LENGTH = 80  # characters of an item that cannot be read

THOUGHTS_END = re.compile(
    r"</(?:think|thinking|thought|thoughts|reasoning)>|\[/THINK\]|◁/think▷|<\|channel\|>final\b", re.IGNORECASE
)
THOUGHTS_BEGIN = re.compile(
    r"<(?:think|thinking|thought|thoughts|reasoning)>|\[THINK\]|◁think▷|<\|channel\|>analysis", re.IGNORECASE
)
VALUE = re.compile(r'\{\s*+"|\[(?=\s*+[{"\]])')  # what can open an object, or a list of objects or texts
BOOKS = re.compile(r'"books"\s*+:\s*+\[')
COMMENT = r'(?://|\#)(?:(?!\{\s*+")[^\n])*+|/\*[^*]{0,300}+\*/'
BETWEEN_ITEMS = re.compile(rf"(?:[\s,，;…]++|\.\.\.|{COMMENT})*+")
# Between objects that stand in lines of their own, or behind a list that was closed too early.
BETWEEN_LINES = re.compile(r"(?:[\s,，;\]}\-*•]++|```(?:json\w{0,5})?|\d{1,3}[.)])*+")
NEXT_ITEM = re.compile(r'(?:\}[\s,]*+|,\s*+)(?=\{\s*+")')
# A text, an escape outside one, or what is no JSON but has one meaning. A text without an end is none.
REPAIRABLE = re.compile(
    r""""(?:[^"\\]++|\\.)*+"|\\.|,(?=\s*+[}\]])|，"""
    r"""|(?P<before>[\[{:,]\s*+)'(?P<single>(?:[^'\\\n]++|\\.)*+)'(?=\s*+[:,\]}])"""
    r"|(?P<opening>[{,]\s*+)(?P<key>[A-Za-z_]\w{0,40}+)(?=\s*+:)"
    r"|\b(?P<word>None|True|False|undefined)\b(?=\s*+[,\]}])"
    rf"|(?<=[\s,\[{{}}])(?P<comment>{COMMENT})"
    r"|(?P<colon>:\s*+)[+0]++(?=[1-9])",
    re.DOTALL,
)
WORDS = {"True": "true", "False": "false"}
ESCAPE = re.compile(r"""\\(?:["\\/bfnrt']|u[0-9a-fA-F]{4})|\\""")

CURLY_QUOTES = str.maketrans("“”„‟", '""""')  # of a list without any straight one

_decoder = json.JSONDecoder(strict=False)  # a line break within a text does no harm


class NoList(ValueError):
    """The text holds no list of books; the message gives the reason."""


@dataclass(slots=True)
class _Found:
    """The lists of one pass over a text, and the numbers of reads and of those that failed."""

    listed: list[list[Any]] = field(default_factory=list)
    others: list[list[Any]] = field(
        default_factory=list
    )  # under other names than "books"; they count if no other list does
    end: int = 0  # of the last list, or of the last book that stands alone
    alone: bool = True  # whether all are books that stand alone
    reads: int = 0
    failed: int = 0
    month: Month | None = None  # that the books are of

    @property
    def exhausted(self) -> bool:
        return self.failed >= MAX_FAILED_READS or self.reads >= MAX_READS

    @property
    def best(self) -> list[Any] | None:
        """The list with the most books, of several the first; else the first with objects, else the first."""
        best = max(self.listed, key=_weight, default=None)
        return best if best and _weight(best)[0] else max(self.others, key=_weight, default=best)

    @property
    def objects(self) -> int:
        return sum(isinstance(item, dict) for item in self.best or ())

    @property
    def weight(self) -> tuple[int, int]:
        """The number of books of the best list, and of its other objects."""
        return _weight(self.best or [])[0], self.objects


def find_items(text: str, month: Month | None = None) -> list[Any]:
    """Return the items of the list with the most books; MAX_ITEMS at most. A list is an object's "books" at any depth,
    also as a text, or bare; or one object a line. Where none has that name, lists under other names count if they hold
    titles with authors; of lists under the names of months that of `month` alone.

    Of a list that lacks its end the complete items count. One that is not JSON stands in the list as the beginning of
    its text. Raises NoList.
    """
    thoughts = [found.end() for found in THOUGHTS_END.finditer(text)]
    answer = text[thoughts[-1] :] if thoughts else text
    if '"' not in answer:
        answer = answer.translate(CURLY_QUOTES)
    found = _search(answer, month)
    if found.failed or not found.weight[0]:
        repaired = REPAIRABLE.sub(_repair, answer)
        if repaired != answer:
            found = max(found, _search(repaired, month), key=lambda one: one.weight)
    if found.best is None and '\\"' in answer:
        found = max(found, _search(_unescaped(answer), month), key=lambda one: one.weight)
    if thoughts and (found.best is None or (found.alone and not THOUGHTS_BEGIN.search(text))):
        found = _search(text, month)  # what seemed to be the end of thoughts was part of a text
    if found.best is None:
        is_json = found.reads > found.failed
        raise NoList("the model's answer holds no list of books" if is_json else "the model's answer is not JSON")
    return list(itertools.islice(itertools.chain.from_iterable(map(_books_in, found.best)), MAX_ITEMS))


def _books_in(item: Any) -> list[Any]:
    """The books of an object that stands within a list of such objects; else the item itself."""
    books = item.get("books") if isinstance(item, dict) else None
    return books if isinstance(books, list) else [item]


def _search(text: str, month: Month | None) -> _Found:
    """Return the lists in `text`, in its order."""
    found, at = _Found(month=month), 0
    while not found.exhausted and (opening := VALUE.search(text, at)):
        at = opening.start()
        found.reads += 1
        value, end = _read(text, at)
        if end > 0:
            _add(text, at, end, value, found)
            at = end
            continue
        found.failed += _cost(end)
        at = _salvage_at(text, at, found)
    if found.exhausted and not found.objects:
        # Too much stood before the list to try all of it: the last name of one decides.
        *_, last = [None, *BOOKS.finditer(text)]
        if last is not None:
            found.failed = 0
            _salvage(text, last.end(), found)
    return found


def _add(text: str, at: int, end: int, value: Any, found: _Found) -> None:
    """Add the lists in a value of `text` from `at` to `end`, or the book that it is alone."""
    listed = _lists_in(value)
    unnamed = isinstance(value, list) and not _weight(value)[0]
    others = _other_lists(value, found.month) if unnamed or not listed else []
    if listed or others:
        found.listed += listed
        found.others += others
        found.alone = False
    elif is_book(value):
        follows = bool(found.listed) and BETWEEN_LINES.fullmatch(text, found.end, at)
        if follows:
            found.listed[-1].append(value)
        else:
            found.listed.append([value])
    else:
        return
    found.end = end


def _lists_in(value: Any) -> list[list[Any]]:
    """The list that a value is, and those that stand under "books" within it."""
    listed = [value] if isinstance(value, list) and (_has_objects(value) or not value) else []
    queue = [value]
    for visited, one in enumerate(queue):
        if visited >= MAX_NODES:
            break
        inner = _parsed(one)
        if isinstance(inner, list):
            queue += inner[:MAX_NODES]
        elif isinstance(inner, dict):
            books = _parsed(next((books for key, books in inner.items() if key.lower() == "books"), None))
            if isinstance(books, dict) and books and all(map(is_book, books.values())):
                books = list(books.values())
            if isinstance(books, list):
                listed.append(books)
            else:
                queue += itertools.islice(inner.values(), MAX_NODES)
    return listed


def _parsed(value: Any) -> Any:
    """The value, or the one that it is the text of."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        inner, end = _read(value.strip(), 0)
        return inner if end > 0 else None
    return value


def _other_lists(value: Any, month: Month | None) -> list[list[Any]]:
    """The lists of books in a value that has none under "books"; a book by itself may hold a list of its own."""
    listed = named_lists.in_value(value, month, _parsed)
    return [] if is_book(value) and all(len(items) < 2 for items in listed) else listed


def _weight(listed: list[Any]) -> tuple[int, bool]:
    return sum(is_book(book) for item in listed[:MAX_ITEMS] for book in _books_in(item)), _has_objects(listed)


def _unescaped(text: str) -> str:
    """The text of JSON that was written as the text of another."""
    inner, _ = _read(f'"{text.strip().strip(chr(34))}"', 0)
    return inner if isinstance(inner, str) else ""


def _salvage_at(text: str, at: int, found: _Found) -> int:
    """Add the items of the list in a value at `at` that is not JSON as a whole; return where to go on."""
    first = at + 1 if text[at] == "[" else 0
    if not first and (books := BOOKS.search(text, at)):
        first = books.end()
    return (first and _salvage(text, first, found)) or at + 1


def _salvage(text: str, at: int, found: _Found) -> int:
    """Add the items of a list that begins at `at`; return where it ends, or 0 if it holds no object."""
    items: list[Any] = []
    while found.failed < MAX_FAILED_READS and len(items) < MAX_ITEMS:
        at = _end_of(BETWEEN_ITEMS, text, at)
        if at >= len(text) or text[at] in "]}":
            break
        item, end = _read(text, at)
        if end > 0:
            items.append(item)
            at = end
            continue
        found.failed += _cost(end)
        if text.find("}", at) < 0:
            break  # the list breaks off within this item
        items.append(text[at : at + SNIPPET_LENGTH])
        following = NEXT_ITEM.search(text, at)
        if following is None:
            break
        at = following.end()
    if not _has_objects(items):
        return 0
    found.listed.append(items)
    found.end, found.alone = at, False
    return at


def _read(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at `at` and where it ends; 0 if there is none, -1 if it is nested without end."""
    try:
        return _decoder.raw_decode(text, at)
    except ValueError:
        return None, 0
    except RecursionError:
        return None, -1


def _cost(end: int) -> int:
    """The failed reads that one counts for."""
    return MAX_FAILED_READS // MAX_NESTED_READS if end < 0 else 1


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    matched = pattern.match(text, at)
    return matched.end() if matched else at


def _repair(found: re.Match[str]) -> str:
    """Write as JSON what has one meaning, without the comma before a closing bracket; double a backslash before nothing."""
    match found.lastgroup:
        case "single":
            single = found["single"]
            return found["before"] + json.dumps(re.sub(r"\\(['\"])", r"\1", single) if "\\" in single else single)
        case "key":
            return f'{found["opening"]}"{found["key"]}"'
        case "word":
            return WORDS.get(found["word"], "null")
        case "comment":
            return ""
        case "colon":
            return found["colon"]
    part = found[0]
    if part in {",", "，"}:
        return "" if part == "," else ","
    return ESCAPE.sub(_double, part) if "\\" in part and part[0] == '"' else part


def _double(escape: re.Match[str]) -> str:
    """An apostrophe needs no backslash in JSON, and must have none."""
    return {"\\": "\\\\", "\\'": "'"}.get(escape[0], escape[0])


def _has_objects(listed: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in listed)
