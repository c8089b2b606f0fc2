"""Fiction of the world: figures by language with 95 % intervals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from labelled import Row, interval

CROSS_TITLE = "cross_title"  # the title that was asked is held by no edition: only knowledge of other titles finds it


def by_language(judged: Iterable[tuple[Row, str]]) -> dict[str, Row]:
    """The figures of each language, the most frequent first."""
    outcomes: dict[str, list[str]] = defaultdict(list)
    for row, outcome in judged:
        outcomes[language_of(row)].append(outcome)
    return {code: shares(of) for code, of in sorted(outcomes.items(), key=lambda item: (-len(item[1]), item[0]))}


def language_of(row: Row) -> str:
    """The language of a query's title, or of a pair; "" where the rows do not give it."""
    return str(row.get("language") or row.get("languages") or "")


def shares(outcomes: Sequence[str]) -> Row:
    count = Counter(outcomes)
    right, wrong = count["right"], count["wrong"]
    return {
        "precision": interval(right, right + wrong + count["taken"]),
        "recall": interval(right, right + wrong + count["missed"]),
        "n": len(outcomes),
        "outcomes": dict(count),
    }
