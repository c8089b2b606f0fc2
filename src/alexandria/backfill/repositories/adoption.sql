-- The table of an earlier scheduler, which is only ever read, and our months that take its rows over.

-- name: source
-- The table or view of this name: whether it is our own, in another database that of an installation there, and what the
-- role may do with it.
SELECT CASE WHEN %(elsewhere)s::boolean
            THEN (SELECT count(*) FROM pg_attribute AS a
                  WHERE a.attrelid = c.oid AND a.attname IN ('attempt_token', 'adopted_at') AND NOT a.attisdropped) = 2
            ELSE c.oid = to_regclass('backfill_log') END AS is_ours, row_security_active(c.oid) AS hides_rows,
       has_schema_privilege(n.oid, 'USAGE') AS may_use, current_user::text AS role,
       current_database()::text AS database, pg_get_userbyid(c.relowner)::text AS owner, format('%%I.%%I', n.nspname, c.relname) AS name,
       format('GRANT USAGE ON SCHEMA %%I TO %%I;', n.nspname, current_user) AS grant_schema,
       format('GRANT SELECT ON %%I.%%I TO %%I;', n.nspname, c.relname, current_user) AS grant_table
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')

-- name: alike
-- Tables and views of others that are named as an earlier scheduler names its own.
SELECT format('%%I.%%I', n.nspname, c.relname) AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'backfill_log' AND (%(elsewhere)s::boolean OR c.oid IS DISTINCT FROM to_regclass('backfill_log')) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 1

-- name: columns
-- Its columns of these names, with their types.
SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AS may_read
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = ANY(%(names)s::text[])

-- name: reading
-- The statement that reads these columns as text, of any type. A time without zone is one of the zone that the role or the
-- database has by itself, as its writer wrote it in that.
SELECT format('SELECT %%s FROM %%I.%%I LIMIT %%s', string_agg(format(
           CASE WHEN type = 'timestamp without time zone' THEN 'left((%%1$I AT TIME ZONE %%3$L)::text, %%2$s) AS %%1$I'
                ELSE 'left(%%1$I::text, %%2$s) AS %%1$I' END,
           name, %(longest)s::integer, (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')), ', '),
       %(schema)s::text, %(table)s::text, %(most)s::integer) AS statement
FROM unnest(%(names)s::text[], %(types)s::text[]) AS asked (name, type)

-- name: read_only
-- Nothing is written until this transaction ends.
SELECT set_config('transaction_read_only', 'on', true)

-- name: add
-- Months that are not there yet.
INSERT INTO backfill_log (year, month) SELECT * FROM unnest(%(years)s::integer[], %(months)s::integer[])
ON CONFLICT (year, month) DO NOTHING

-- name: present_locked
-- Our months, locked, without those that another transaction has locked, and whether something was done to them here.
SELECT b.*, CASE WHEN b.adopted_at IS NOT NULL THEN b.updated_at <> b.adopted_at
                 ELSE b.status <> 'pending' OR b.started_at IS NOT NULL OR b.retry_count > 0 OR b.books_generated > 0
                      OR b.error_message IS NOT NULL OR b.prompt_variant IS NOT NULL OR b.batch_size <> 20 END
            OR EXISTS (SELECT FROM attempt AS a WHERE a.year = b.year AND a.month = b.month) AS is_changed
FROM backfill_log AS b
JOIN unnest(%(years)s::integer[], %(months)s::integer[]) AS asked (year, month) USING (year, month)
ORDER BY b.year DESC, b.month DESC
FOR UPDATE OF b SKIP LOCKED

-- name: adopt
-- Give our months the outcome and the counters of the earlier scheduler.
UPDATE backfill_log AS b
SET status = a.status, books_generated = a.books_generated, isbns_resolved = a.isbns_resolved,
    isbns_queued = a.isbns_queued, resolution_rate = a.resolution_rate, gemini_calls = a.gemini_calls,
    xai_calls = a.xai_calls, isbndb_calls = a.isbndb_calls, started_at = a.started_at, completed_at = a.completed_at,
    retry_count = a.retry_count, last_retry_at = a.last_retry_at, next_attempt_at = a.next_attempt_at,
    error_message = a.error_message, error_code = NULL, prompt_variant = a.prompt_variant, batch_size = a.batch_size,
    adopted_at = now()
FROM jsonb_to_recordset(%(rows)s::jsonb) AS a (
    year integer, month integer, status text, books_generated integer, isbns_resolved integer, isbns_queued integer,
    resolution_rate numeric, gemini_calls integer, xai_calls integer, isbndb_calls integer, started_at timestamptz,
    completed_at timestamptz, retry_count integer, last_retry_at timestamptz, next_attempt_at timestamptz,
    error_message text, prompt_variant text, batch_size integer)
WHERE b.year = a.year AND b.month = a.month
