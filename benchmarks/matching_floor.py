"""Write the data of tests/unit/test_matching_floor.py, and prove that it finds rules turned into refusals.

--write makes pairs and queries from the sample catalogue: spellings of one book made by fixed rules, real editions of
one work, and books that only resemble each other. No verdict of the matcher is used. --field copies the facts of
cases from the field. --prove turns each rule that accepts into a refusal, singly and eight at once, and counts the
tests that fail.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import fuzz

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "src" / "alexandria" / "sandbox" / "sample_books.csv"
DATA = ROOT / "tests" / "unit" / "data"
MODULES = ("catalogue/matching/scoring.py", "catalogue/matching/comparison.py", "catalogue/matching/findings.py")
FINDING, VETO = "Finding", "VETO_POINTS"  # as the scorer calls a reason with its points, and the points that refuse
TESTS = "tests/unit/test_matching_floor.py"
DRAWS = 5  # times eight rules are drawn
EXAMPLES = 8  # books an example of each rule is made from
SHELF = 6  # records that a query is answered with
PROVIDERS = ("google_books", "open_library")

Row = dict[str, str]
Facts = dict[str, Any]

# Records that the sample keeps under one work although they are different books.
SEVERAL_BOOKS = {
    "ol:OL463563W": "two collections of different novels",
    "ol:OL15081481W": "a book of prophecy and a novel",
    "ol:OL1731117W": "a novel, and the novel with a book of stories",
    "ol:OL27448W": "a book, and a boxed set of its volumes",
    "ol:OL71037W": "a novel, and a picture book of it",
    "ol:OL261794W": "a novel, and its stage play",
    "ol:OL15526W": "two comics of one hero",
}
# A translated title resembles nothing; the matcher leaves such records apart on purpose.
TRANSLATED = {"ol:OL76833W": "Angeles & Demonios", "ol:OL6670948W": "JLA: Tierra 2"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make the data from the sample catalogue")
    parser.add_argument("--field", type=Path, metavar="FILE", help="JSON lines of cases from the field to copy")
    parser.add_argument("--prove", nargs="*", metavar="TESTS", help=f"count the tests that fail, of {TESTS} by default")
    options = parser.parse_args()
    if options.write:
        write(DATA / "matching_floor.jsonl", cases())
    if options.field:
        lines = options.field.read_text(encoding="utf-8").splitlines()
        write(DATA / "matching_field.jsonl", (field_case(json.loads(line)) for line in lines))
    if options.prove is not None:
        sys.exit(0 if prove(options.prove or [TESTS]) else 1)


def write(path: Path, found: Iterable[Facts]) -> None:
    lines = [json.dumps(case, ensure_ascii=False) for case in found]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(lines)} cases")


def cases() -> Iterator[Facts]:
    """Every pair and query, in a fixed order."""
    rows = sample()
    yield from spellings(rows)
    yield from editions(rows)
    yield from lookalikes(rows)
    yield from queries(rows)


def sample() -> list[Row]:
    """The sample's books, in an order that has nothing to do with their content."""
    with SAMPLE.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["authors"]]
    return sorted(rows, key=lambda row: hashlib.sha256(f"{row['work_id']}{row['isbn13']}".encode()).digest())


def record(row: Row, **changed: Any) -> Facts:
    """The facts of a book; empty ones are left out."""
    facts = {
        "title": row["title"],
        "subtitle": row["subtitle"],
        "authors": row["authors"].split("|"),
        "isbn13": row["isbn13"],
        "published": row["published"],
        "language": row["language"],
        "series": row["series"],
    }
    return {name: value for name, value in (facts | changed).items() if value}


def pair(rule: str, expected: str, row: Row, one: Facts, other: Facts) -> Facts:
    """Two records. ISBNs are left out, as an equal one would decide alone."""
    facts = [{name: value for name, value in found.items() if name != "isbn13"} for found in (one, other)]
    return {"rule": rule, "mode": "pair", "id": row["isbn13"], "expected": expected, "a": facts[0], "b": facts[1]}


# Spellings of one book


def first(row: Row) -> str:
    return row["authors"].split("|")[0]


def alone(row: Row) -> bool:
    """A title without marks or numbers, by one person of two plain names: the change is then the only difference."""
    return bool(re.fullmatch(r"[A-Za-z' ]+", row["title"])) and bool(
        re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", row["authors"])
    )


def words(row: Row) -> list[str]:
    return row["title"].split()


def series(row: Row) -> tuple[str, str]:
    """Name and number of the series, where it has both."""
    found = re.fullmatch(r"([^;#]+) #(\d+)", row["series"])
    return (found[1], found[2]) if found else ("", "")


def plain(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def swapped(text: str) -> str:
    """Two letters in the middle of the longest word swapped, as a typist does."""
    word = max(text.split(), key=len)
    at = len(word) // 2
    return text.replace(word, word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :], 1)


def inverted(name: str) -> str:
    given, family = name.rsplit(" ", 1)
    return f"{family}, {given}"


def initial(name: str) -> str:
    return f"{name[0]}. {name.rsplit(' ', 1)[1]}"


NUMBERS = {"One": "1", "Two": "2", "Three": "3", "Four": "4", "Five": "5", "Six": "6", "Seven": "7", "Eight": "8", "Nine": "9",
           "Ten": "10", "First": "1st", "Second": "2nd", "Third": "3rd", "Fourth": "4th", "Fifth": "5th"}  # fmt: skip


def in_digits(text: str) -> str:
    return " ".join(NUMBERS.get(word, word) for word in text.split())


Rule = tuple[str, Callable[[Row], bool], Callable[[Row], Facts]]
SPELLINGS: tuple[Rule, ...] = (
    ("subtitle dropped", lambda row: len(row["subtitle"].split()) > 3, lambda _: {"subtitle": ""}),
    ("subtitle after a colon", lambda row: len(row["subtitle"].split()) > 3,
     lambda row: {"title": f"{row['title']}: {row['subtitle']}", "subtitle": ""}),
    ("subtitle after a dash", lambda row: len(row["subtitle"].split()) > 3,
     lambda row: {"title": f"{row['title']} - {row['subtitle']}", "subtitle": ""}),
    ("a novel", alone, lambda _: {"subtitle": "A Novel"}),
    ("blurb behind", alone, lambda row: {"title": f"{row['title']}: A New York Times Bestseller"}),
    ("series in parentheses", lambda row: alone(row) and all(series(row)),
     lambda row: {"title": "{} ({}, #{})".format(row["title"], *series(row)), "series": ""}),
    ("series in front", lambda row: alone(row) and all(series(row)) and " " in series(row)[0],
     lambda row: {"title": "{1} {2}: {0}".format(row["title"], *series(row)), "series": ""}),
    ("series behind", lambda row: alone(row) and all(series(row)),
     lambda row: {"title": "{}: {}, Book {}".format(row["title"], *series(row)), "series": ""}),
    ("format in parentheses", alone, lambda row: {"title": f"{row['title']} (Paperback)"}),
    ("edition behind", alone, lambda row: {"title": f"{row['title']}, 25th Anniversary Edition"}),
    ("author in front", alone, lambda row: {"title": f"{row['authors']}: {row['title']}"}),
    ("author behind", alone, lambda row: {"title": f"{row['title']} by {row['authors']}"}),
    ("heading in front", lambda row: alone(row) and len(words(row)) > 3, lambda row: {"title": f"Modern Classics: {row['title']}"}),
    ("capitals", alone, lambda row: {"title": row["title"].upper(), "authors": [row["authors"].upper()]}),
    ("article dropped", lambda row: alone(row) and row["title"].startswith("The ") and len(words(row)) > 2,
     lambda row: {"title": row["title"].removeprefix("The ")}),
    ("article moved", lambda row: alone(row) and row["title"].startswith("The "),
     lambda row: {"title": f"{row['title'].removeprefix('The ')}, The"}),
    ("article misspelt", lambda row: alone(row) and row["title"].startswith("The "),
     lambda row: {"title": f"Teh {row['title'].removeprefix('The ')}"}),
    ("article inside dropped", lambda row: alone(row) and " the " in row["title"],
     lambda row: {"title": row["title"].replace(" the ", " ")}),
    ("ampersand", lambda row: " and " in row["title"], lambda row: {"title": row["title"].replace(" and ", " & ")}),
    ("other apostrophe", lambda row: "'" in row["title"], lambda row: {"title": row["title"].replace("'", "’")}),
    ("no apostrophe", lambda row: "'" in row["title"], lambda row: {"title": row["title"].replace("'", "")}),
    ("number in digits", lambda row: in_digits(row["title"]) != row["title"] and len(words(row)) > 1,
     lambda row: {"title": in_digits(row["title"])}),
    ("title without accents", lambda row: plain(row["title"]) != row["title"], lambda row: {"title": plain(row["title"])}),
    ("author without accents", lambda row: plain(first(row)) != first(row), lambda row: {"authors": [plain(first(row))]}),
    ("letters swapped", lambda row: alone(row) and len(max(words(row), key=len)) > 6 and len(words(row)) > 1,
     lambda row: {"title": swapped(row["title"])}),
    ("two words swapped", lambda row: bool(re.fullmatch(r"[A-Z]\w+ and [A-Z]\w+", row["title"])),
     lambda row: {"title": " and ".join(reversed(row["title"].split(" and ")))}),
    ("space lost", lambda row: bool(re.fullmatch(r"[A-Z][a-z]{3,} [A-Z][a-z]{3,}", row["title"])),
     lambda row: {"title": row["title"].replace(" ", "").capitalize()}),
    ("name inverted", alone, lambda row: {"authors": [inverted(row["authors"])]}),
    ("name as initial", alone, lambda row: {"authors": [initial(row["authors"])]}),
    ("name misspelt", lambda row: alone(row) and len(row["authors"].split()[1]) > 6,
     lambda row: {"authors": [f"{row['authors'].split()[0]} {swapped(row['authors'].split()[1])}"]}),
    ("family name alone", alone, lambda row: {"authors": [row["authors"].split()[1]]}),
    ("middle initial dropped", lambda row: bool(re.fullmatch(r"\w+ [A-Z]\. \w+", first(row))),
     lambda row: {"authors": [re.sub(r" [A-Z]\. ", " ", first(row))]}),
    ("initials without marks", lambda row: bool(re.fullmatch(r"([A-Z]\.){2,} \w+", first(row))),
     lambda row: {"authors": [first(row).replace(".", "")]}),
    ("initials apart", lambda row: bool(re.fullmatch(r"([A-Z]\.){2,} \w+", first(row))),
     lambda row: {"authors": [first(row).replace(".", ". ").replace("  ", " ")]}),
    ("translator dropped", lambda row: "|" in row["authors"], lambda row: {"authors": [first(row)]}),
    ("authors in one text", lambda row: row["authors"].count("|") == 1,
     lambda row: {"authors": [row["authors"].replace("|", " & ")]}),
    ("authors in another order", lambda row: row["authors"].count("|") == 1,
     lambda row: {"authors": row["authors"].split("|")[::-1]}),
    ("illustrator in front", lambda row: alone(row) and not row["subtitle"],
     lambda row: {"authors": ["Ann Other", row["authors"]]}),
    ("role behind the name", alone, lambda row: {"authors": [f"{row['authors']} (Author)"]}),
)  # fmt: skip


def spellings(rows: Sequence[Row]) -> Iterator[Facts]:
    """A book of the sample beside itself, spelt as sources spell books."""
    for rule, suits, change in SPELLINGS:
        for row in itertools.islice(filter(suits, rows), EXAMPLES):
            yield pair(rule, "accept", row, record(row), record(row) | change(row))


def editions(rows: Sequence[Row]) -> Iterator[Facts]:
    """Two real records of one work that differ in title, subtitle, authors or series."""
    works = defaultdict(list)
    for row in rows:
        works[row["work_id"]].append(row)
    for work, found in works.items():
        if work in TRANSLATED:
            continue
        rule, expected = (
            ("books that one work was made of", "not accept")
            if work in SEVERAL_BOOKS
            else ("editions of one work", "accept")
        )
        for one, other in itertools.combinations(found, 2):
            if any(one[name] != other[name] for name in ("title", "subtitle", "authors", "series")):
                yield pair(rule, expected, one, record(one), record(other))
                break


# Books that resemble each other


KINDS = (
    ("summary", "Summary of {title} by {author}"),
    ("study guide", "{title}: A Study Guide"),
    ("workbook", "{title} Workbook"),
    ("companion", "The {title} Companion"),
    ("box set", "{title} Boxed Set"),
    ("colouring book", "{title}: The Official Coloring Book"),
    ("graphic novel", "{title}: The Graphic Novel"),
    ("young readers", "{title} (Young Readers Edition)"),
    ("excerpt", "{title}: An Excerpt"),
    ("trilogy", "{title}: The Complete Trilogy"),
    ("half of a book", "{title}, Part 1 of 2"),
    ("second volume", "{title}, Vol. 2"),
    ("a word more", "{title} Returns"),
    ("years later", "{title} 1984"),
)


def lookalikes(rows: Sequence[Row]) -> Iterator[Facts]:
    """Books that are not the same, though titles, authors or series are."""
    plainly = [row for row in rows if alone(row) and not row["subtitle"]]
    for rule, form in KINDS:
        for row in plainly[:EXAMPLES]:
            printed = form.format(title=row["title"], author=row["authors"])
            yield pair(rule, "not accept", row, record(row), record(row, title=printed))
    yield from _other_authors(rows)
    yield from _other_books(rows)


def _other_authors(rows: Sequence[Row]) -> Iterator[Facts]:
    titles = defaultdict(list)
    for row in rows:
        titles[row["title"].casefold()].append(row)
    found = (
        (one, other)
        for group in titles.values()
        for one, other in itertools.combinations(group, 2)
        if one["work_id"] != other["work_id"] and not set(one["authors"].split("|")) & set(other["authors"].split("|"))
    )
    for one, other in itertools.islice(found, 3 * EXAMPLES):
        yield pair("same title, another author", "not accept", one, record(one), record(other))


def _other_books(rows: Sequence[Row]) -> Iterator[Facts]:
    """Books of one author: of one series, and those whose titles are most alike."""
    authors = defaultdict(list)
    for row in rows:
        authors[first(row)].append(row)
    pairs = [
        (one, other)
        for group in authors.values()
        for one, other in itertools.combinations(group, 2)
        if one["work_id"] != other["work_id"]
    ]
    numbered = [
        (one, other)
        for one, other in pairs
        if series(one)[0] and series(one)[0] == series(other)[0] and series(one)[1] != series(other)[1]
    ]
    for one, other in numbered[: 4 * EXAMPLES]:
        yield pair("another volume of the series", "not accept", one, record(one), record(other))
    alike = sorted(pairs, key=lambda found: -fuzz.ratio(found[0]["title"], found[1]["title"]))
    for one, other in alike[: 6 * EXAMPLES]:
        yield pair("another book of the author", "not accept", one, record(one), record(other))


# Queries


def queries(rows: Sequence[Row]) -> Iterator[Facts]:
    """A candidate and the records of a search: the right one among books of its author and books of like titles."""
    works = defaultdict(list)
    for row in rows:
        works[row["work_id"]].append(row)
    for row in [row for row in rows if alone(row)][: 4 * EXAMPLES]:
        shelf = _shelf(row, rows)
        mine = works[row["work_id"]]
        expected = sorted(found["isbn13"] for found in mine)
        yield _query("the book among others", row, [*shelf, *mine], expected)
        yield _query("the book is not there", row, shelf, [])
    for row in [row for row in rows if alone(row)][:EXAMPLES]:
        unsigned = record(row, authors=[])
        yield _asked(
            "no author, in two sources", row, [unsigned | {"provider": name} for name in PROVIDERS], [row["isbn13"]]
        )
        yield _asked("no author, in one source", row, [unsigned | {"provider": PROVIDERS[0]}], [])
    months = (
        (row, found)
        for found in works.values()
        for row in found
        if len({other["published"][:7] for other in found if len(other["published"]) > 6}) == len(found) > 1
        and {other["title"].casefold() for other in found} == {row["title"].casefold()}
        and {other["language"] for other in found} == {"en"}
    )
    for row, found in itertools.islice(months, 4 * EXAMPLES):
        yield _query("the edition of the month", row, found, [row["isbn13"]])


def _shelf(row: Row, rows: Sequence[Row]) -> list[Row]:
    others = [other for other in rows if other["work_id"] != row["work_id"]]
    by = [other for other in others if first(other) == first(row)][: SHELF // 2]
    like = sorted(others, key=lambda other: -fuzz.token_set_ratio(other["title"], row["title"]))
    return list({other["isbn13"]: other for other in (*by, *like[: SHELF - len(by)])}.values())


def _query(rule: str, row: Row, shelf: Sequence[Row], expected: Sequence[str]) -> Facts:
    return _asked(rule, row, [record(other) for other in sorted(shelf, key=lambda other: other["isbn13"])], expected)


def _asked(rule: str, row: Row, hits: Sequence[Facts], expected: Sequence[str]) -> Facts:
    date = [int(part) for part in row["published"].split("-") if part]
    named = dict(zip(("title", "author", "year", "month"), (row["title"], first(row), *date[:2]), strict=False))
    return {"rule": rule, "mode": "choose", "id": row["isbn13"], "expected": expected, "candidate": named, "hits": hits}


# Cases from the field


def field_case(case: Facts) -> Facts:
    """Identity, kind, facts and expected outcome; sentences are not copied."""
    kept = ("id", "mode", "kind", "candidate", "hits", "a", "b", "expected")
    return {name: _facts(case[name]) for name in kept if case.get(name) or name == "expected"}


def _facts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _facts(fact) for name, fact in value.items() if fact not in (None, "", [])}
    return [_facts(fact) for fact in value] if isinstance(value, list) else value


# The proof


class Refusal(NamedTuple):
    """A rule of the scorer: where it stands, what it costs, the reason it gives, and where the cost stands."""

    module: str
    line: int
    cost: str
    reason: str
    begin: int
    end: int


def refusals(module: str, source: str) -> list[Refusal]:
    """Every finding of a module that costs something, but does not refuse already."""
    starts = [0, *itertools.accumulate(len(line.encode()) for line in source.splitlines(keepends=True))]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == FINDING and ast.unparse(node.args[0]) != VETO:
            cost = node.args[0]
            assert cost.end_lineno is not None
            assert cost.end_col_offset is not None
            begin, end = starts[cost.lineno - 1] + cost.col_offset, starts[cost.end_lineno - 1] + cost.end_col_offset
            found.append(Refusal(module, cost.lineno, ast.unparse(cost), ast.unparse(node.args[1]), begin, end))
    return sorted(found, key=lambda rule: rule.begin)


def turned(source: str, rules: Iterable[Refusal]) -> str:
    """The scorer's text with each of `rules` refusing."""
    text = source.encode()
    for rule in sorted(rules, key=lambda rule: -rule.begin):
        text = text[: rule.begin] + VETO.encode() + text[rule.end :]
    return text.decode()


def prove(tests: Sequence[str]) -> bool:
    """Whether `tests` fail for every eight rules that are drawn. Prints the failures of each, and of each rule alone."""
    with tempfile.TemporaryDirectory(prefix="matching-floor-") as place:
        package = Path(place) / "alexandria"
        shutil.copytree(ROOT / "src" / "alexandria", package, ignore=shutil.ignore_patterns("__pycache__"))
        sources = {module: (package / module).read_text(encoding="utf-8") for module in MODULES}

        def failures(rules: Sequence[Refusal]) -> int:
            for module, source in sources.items():
                text = turned(source, [rule for rule in rules if rule.module == module])
                (package / module).write_text(text, encoding="utf-8")
            return count_failures(Path(place), tests)

        if failures([]):
            raise SystemExit("the tests fail without a change")
        rules = [rule for module, source in sources.items() for rule in refusals(module, source)]
        for rule in rules:
            place_of = f"{Path(rule.module).name}:{rule.line}"
            print(f"{failures([rule]):4} fail: {place_of}, {rule.cost} points, {rule.reason}", flush=True)
        worst = None
        for seed in range(DRAWS):
            drawn = random.Random(seed).sample(rules, 8)
            failed = failures(drawn)
            print(
                f"{failed:4} fail: {', '.join(f'{Path(rule.module).name}:{rule.line}' for rule in drawn)} at once",
                flush=True,
            )
            worst = failed if worst is None else min(worst, failed)
        return bool(worst)


def count_failures(package: Path, tests: Sequence[str]) -> int:
    """Failed tests, and expected failures that pass, with the package in `package`."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(package)}, capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+) failed", run.stdout)
    if not found and run.returncode:
        raise SystemExit(run.stdout + run.stderr)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
