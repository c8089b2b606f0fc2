"""One book of November 2023 in the catalogue, on which tests decide: work 7, with an edition and its evidence."""

RIGHT, REPRINT = "9780861545896", "9780802161512"
BOOK = """
    INSERT INTO backfill_log (year, month, status, books_generated, isbns_resolved) VALUES (2023, 11, 'completed', 1, 1);
    INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE VALUES (7, 'k', 'Prophet Song', 'Paul Lynch');
    INSERT INTO edition (isbn13, work_id, title) VALUES ('9780861545896', 7, 'Prophet Song');
    INSERT INTO candidate (year, month, position, title, author, named_by, work_id, isbn13, source, score, score_version, reason,
                           evidence)
    VALUES (2023, 11, 0, 'Prophet Song', 'Paul Lynch', '{gemini}', 7, '9780861545896', 'open_library', 99, 2, 'same title',
            '[{"verdict": "accept", "source": "open_library", "source_id": "/books/OL1M", "score": 99, "title": "Prophet Song",
               "authors": [], "isbn13": "9780861545896", "published": null, "reasons": ["same title"]}]')
"""
OTHER_BOOK = (
    "INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE VALUES (8, 'l', 'The Bee Sting', 'Paul Murray')"
)
