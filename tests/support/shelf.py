"""Five books in a catalogue: resolved, contradicted, doubtful and not found, with refused records and hostile titles."""

import psycopg
from psycopg.types.json import Jsonb

from alexandria.catalogue.matching.blocking import blocks

HOBBIT, PAPERBACK, MISERABLES, LEFT = "9780261102217", "9780261103283", "9780451419439", "9780441478125"
RECORD = {
    "score": 98.6, "verdict": "accept", "reasons": ["same title", "same author"], "source": "open_library",
    "source_id": "/books/OL1M", "fetched_at": "2026-11-01T00:00:00+00:00", "isbn13": HOBBIT, "title": "The Hobbit",
    "subtitle": "", "authors": ["J. R. R. Tolkien"], "publisher": "Unwin", "published": "1991-05", "binding": "", "language": "en",
}  # fmt: skip
LOOKALIKE = RECORD | {
    "score": 2.1, "verdict": "refuse", "reasons": ["a study guide"], "source_id": "/books/OL2M", "title": "The Hobbit: A Guide",
    "isbn13": "9780764585951", "authors": ["Gene Wolf <b>"],
}  # fmt: skip
# title, author, language, first published, ISBN, source, score, in month, evidence, month
BOOKS = [
    (
        "The Hobbit",
        "J. R. R. Tolkien",
        "en",
        "1937-09",
        HOBBIT,
        "open_library",
        98.6,
        "contradicted",
        [RECORD, LOOKALIKE],
        7,
    ),
    ("Les Misérables", "Victor Hugo", "fr", "1862", MISERABLES, "wikidata", 71.2, "unknown", [RECORD], 7),
    ("The Left Hand of Darkness", "Ursula K. Le Guin", "en", "1969", LEFT, "isbndb", 99.9, "confirmed", [RECORD], 8),
    ("A Book <i>Nobody</i> Has", "Ann Other", "", None, None, "", 0, "unknown", [], 8),
    ("Doubtful Pages", "Bob Doubt", "de", None, None, "", 0, "unknown", [RECORD | {"verdict": "doubt"}], 8),
]


def reason_of(isbn13, evidence):
    """The reason of a result, as a look-up writes it."""
    if isbn13:
        return "; ".join(evidence[0]["reasons"])
    return f"not sure enough: {evidence[0]['title']!r}: same title" if evidence else "no source knows it"


def fill(url):
    """Add the books to an empty database; returns the number of each by its title."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO backfill_log (year, month) SELECT 2019, generate_series(1, 12) ON CONFLICT DO NOTHING"
        )
        found = {}
        for place, (title, author, language, first, isbn13, source, score, in_month, evidence, month) in enumerate(
            BOOKS
        ):
            row = connection.execute(
                "INSERT INTO work (key, title, author, language, first_published) VALUES (%s, %s, %s, %s, %s) RETURNING id",
                (title, title, author, language, first),
            ).fetchone()
            assert row is not None
            found[title] = row[0]
            for key in blocks(title, [author]):
                connection.execute("INSERT INTO work_block VALUES (%s, %s)", (key, row[0]))
            if isbn13:
                connection.execute(
                    "INSERT INTO edition (isbn13, work_id, title, publisher, language) VALUES (%s, %s, %s, 'Unwin', %s)",
                    (isbn13, row[0], title, language),
                )
            connection.execute(
                "INSERT INTO candidate (year, month, position, title, author, named_by, work_id, isbn13, source, score,"
                " score_version, reason, evidence, in_month)"
                " VALUES (2019, %s, %s, %s, %s, '{gemini}', %s, %s, %s, %s, 2, %s, %s, %s)",
                (
                    month,
                    place,
                    title,
                    author,
                    row[0],
                    isbn13,
                    source,
                    score,
                    reason_of(isbn13, evidence),
                    Jsonb(evidence),
                    in_month,
                ),
            )
        connection.execute(
            "INSERT INTO edition (isbn13, work_id, title, related) VALUES (%s, %s, 'The Hobbit', true)",
            (PAPERBACK, found["The Hobbit"]),
        )
        connection.execute(
            "WITH r AS (INSERT INTO source_record (provider, provider_id, fetched_at) VALUES ('open_library', '/books/OL1M', now())"
            " ON CONFLICT (provider, provider_id) DO UPDATE SET fetched_at = now() RETURNING id) INSERT INTO provenance SELECT %s, 'publisher', id FROM r",
            (HOBBIT,),
        )
    return found
