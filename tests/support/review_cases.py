"""Books that a person should look at, one for each reason, and any number of further ones near the bar."""

import psycopg
from psycopg.types.json import Jsonb

from tests.support.shelf import RECORD

REASONS = ("disputed", "undecided", "doubtful", "unsure", "sample", "contradicted", "repeated", "other_title")
FIRST_WORK = 21_000  # the numbers of works are fixed, as they draw the samples
DRAWN = 1035  # of the books, the only one that is a sample
MONTHS = "INSERT INTO backfill_log (year, month) SELECT 2019, generate_series(1, 12) ON CONFLICT DO NOTHING"


def isbn_of(number):
    """An ISBN for each number."""
    first = f"978{number:09}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first))
    return f"{first}{-total % 10}"


def add_book(
    connection,
    number,
    title,
    *,
    score=99.0,
    accepted=True,
    verdicts=("accept",),
    months=(7,),
    in_month="unknown",
    titles=(),
):
    """A work with its ISBN, named by months, with a record a verdict; returns its number."""
    isbn13, work = isbn_of(number), FIRST_WORK + number
    connection.execute(
        "INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, 'Ann Author')",
        (work, title, title),
    )
    if accepted:
        connection.execute("INSERT INTO edition (isbn13, work_id, title) VALUES (%s, %s, %s)", (isbn13, work, title))
    evidence = [
        RECORD
        | {"isbn13": isbn13, "title": title, "score": score, "verdict": verdict, "source_id": f"/books/OL{place}M"}
        for place, verdict in enumerate(verdicts)
    ]
    for place, month in enumerate(months):
        connection.execute(
            "INSERT INTO candidate (year, month, position, title, author, named_by, work_id, isbn13, source, score,"
            " score_version, reason, evidence, in_month)"
            " VALUES (2019, %s, %s, %s, 'Ann Author', '{gemini}', %s, %s, %s, %s, 2, 'why', %s, %s)",
            (month, number, titles[place] if titles else title, work, isbn13 if accepted else None,
             "open_library" if accepted else "", score if accepted else 0, Jsonb(evidence), in_month),
        )  # fmt: skip
    return work


def fill_cases(url):
    """One book for each reason, and one that nobody needs to look at; returns the number of each by its title."""
    with psycopg.connect(url) as connection:
        connection.execute(MONTHS)
        return {
            "sample": add_book(connection, DRAWN, "Drawn"),
            "fine": add_book(connection, 1, "Fine", in_month="confirmed"),
            "disputed": add_book(connection, 2, "Disputed", verdicts=("accept", "refuse")),
            "undecided": add_book(connection, 3, "Undecided", accepted=False, verdicts=("accept",), score=48),
            "doubtful": add_book(connection, 4, "Doubtful", accepted=False, verdicts=("doubt", "refuse"), score=70),
            "unsure": add_book(connection, 5, "Unsure", score=91),
            "contradicted": add_book(connection, 6, "Contradicted", in_month="contradicted"),
            "repeated": add_book(connection, 7, "Repeated", months=(3, 4)),
            "other_title": add_book(connection, 8, "Retold", months=(5, 6), titles=("Retold", "Told Again")),
        }


def fill_queue(url, count):
    """`count` accepted books near the bar, of which the first is the least sure."""
    with psycopg.connect(url) as connection:
        connection.execute(MONTHS)
        for number in range(count):
            add_book(connection, 100 + number, f"Book {number + 1} of many", score=60 + number)
