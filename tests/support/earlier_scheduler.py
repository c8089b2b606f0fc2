"""An imitation of the database of the earlier scheduler: dump tables, enriched tables, and its 300 months in five statuses."""

SCHEMA = """
CREATE TABLE {0}authors (type text, key text PRIMARY KEY, revision integer, last_modified timestamp, data jsonb);
CREATE TABLE {0}works (type text, key text PRIMARY KEY, revision integer, last_modified timestamp, data jsonb);
CREATE TABLE {0}editions (type text, key text PRIMARY KEY, revision integer, last_modified timestamp, data jsonb, work_key text);
CREATE TABLE {0}author_works (author_key text, work_key text, PRIMARY KEY (author_key, work_key));
CREATE TABLE {0}edition_isbns (edition_key text, isbn text, PRIMARY KEY (edition_key, isbn));
CREATE TABLE {0}enriched_works (work_key text PRIMARY KEY, title text NOT NULL, metadata jsonb);
CREATE TABLE {0}enriched_authors (author_key text PRIMARY KEY, name text NOT NULL, metadata jsonb);
CREATE TABLE {0}enriched_editions (
    isbn text PRIMARY KEY, title text NOT NULL, subtitle text, publisher text, publication_date text, page_count integer,
    format text, language text, primary_provider text NOT NULL, work_key text, metadata jsonb);
CREATE TABLE {0}backfill_log (
    id serial PRIMARY KEY, year integer NOT NULL, month integer NOT NULL, status varchar(20) NOT NULL DEFAULT 'pending',
    books_generated integer DEFAULT 0, isbns_resolved integer DEFAULT 0, isbns_queued integer DEFAULT 0,
    gemini_calls integer DEFAULT 0, xai_calls integer DEFAULT 0, isbndb_calls integer DEFAULT 0,
    resolution_rate numeric(5, 2), started_at timestamp, completed_at timestamp, last_retry_at timestamp,
    error_message text, retry_count integer DEFAULT 0, prompt_variant varchar(50) DEFAULT 'baseline',
    batch_size integer DEFAULT 20);
INSERT INTO {0}editions VALUES ('/type/edition', '/books/OL1M', 3, now(), '{{"title": "Chain of Gold", "isbn_13": ["9780374600303"]}}');
INSERT INTO {0}edition_isbns VALUES ('/books/OL1M', '9780374600303');
INSERT INTO {0}enriched_editions (isbn, title, primary_provider) VALUES ('9780374600303', 'Kept as it was', 'isbndb');
"""

# 200 completed, 60 pending, 20 failed, 15 in retry, 5 stuck in processing; some without counters, times or a rate.
MONTHS = """
INSERT INTO {0}backfill_log (year, month, status, books_generated, isbns_resolved, isbns_queued, gemini_calls, isbndb_calls,
    resolution_rate, started_at, completed_at, last_retry_at, error_message, retry_count)
SELECT 2024 - n / 12, 12 - n % 12, status, CASE WHEN done THEN 20 END, CASE WHEN done THEN 18 END,
    CASE WHEN done THEN 17 END, CASE WHEN done THEN 1 END, CASE WHEN done THEN 30 END, CASE WHEN done THEN 90 END,
    CASE WHEN status <> 'pending' THEN now() - interval '3 days' END,
    CASE WHEN done AND n % 7 > 0 THEN now() - interval '2 days' WHEN status = 'retry' THEN now() - interval '1 day' END,
    CASE WHEN status IN ('failed', 'retry') THEN now() - interval '2 days' END,
    CASE WHEN status IN ('failed', 'retry') THEN 'Gemini API error: 503' END,
    CASE status WHEN 'failed' THEN 5 WHEN 'retry' THEN 2 ELSE 0 END
FROM (SELECT n, status, status = 'completed' AS done FROM (
    SELECT n, CASE WHEN n < 200 THEN 'completed' WHEN n < 220 THEN 'failed' WHEN n < 235 THEN 'retry'
                   WHEN n < 240 THEN 'processing' ELSE 'pending' END AS status
    FROM generate_series(0, 299) AS n) AS numbered) AS made;
"""

COUNTED = {"completed": 200, "failed": 20, "pending": 60, "processing": 5, "retry": 15}


def build(execute, schema=""):
    """Make the tables and their rows; `execute` runs SQL, and `schema` is written before each name, as `old.`."""
    for statements in (SCHEMA, MONTHS):
        execute(statements.format(schema))


def digest(execute, schema="public"):
    """Everything in the earlier scheduler's tables: names and definitions of columns, indexes and all rows."""
    parts = [execute(f"SELECT table_name, column_name, data_type, column_default FROM information_schema.columns"
                     f" WHERE table_schema = '{schema}' ORDER BY 1, ordinal_position")]  # fmt: skip
    parts.append(execute(f"SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = '{schema}' ORDER BY indexdef"))
    tables = sorted({row[0] for row in parts[0]})
    assert "backfill_log" in tables
    parts.extend(execute(f"SELECT t::text FROM {schema}.{table} AS t ORDER BY 1") for table in tables)
    return parts
