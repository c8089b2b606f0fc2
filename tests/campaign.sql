-- A backfill of 25 years in the middle of its way: every state, failures of three reasons, attempts, books that try to
-- break out of the page.
INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(2000, 2024) AS y, generate_series(1, 12) AS m;

UPDATE backfill_log
SET status = 'completed', started_at = now() - interval '3 hours', completed_at = now() - make_interval(mins => (2024 - year) * 12 + 13 - month),
    books_generated = 31, isbns_resolved = 24 + (year + month) % 8, isbns_queued = 20, prompt_variant = 'baseline',
    resolution_rate = round(100.0 * (24 + (year + month) % 8) / 31, 2), isbndb_calls = 40
WHERE year >= 2014;

UPDATE backfill_log SET status = 'failed', started_at = now() - interval '2 hours', completed_at = now() - interval '25 minutes',
    retry_count = 5, error_code = 'timeout', error_message = 'isbndb did not answer within 15 s (attempt 5 of 5)'
WHERE (year, month) IN ((2009, 2), (2009, 3), (2011, 7), (2012, 10));
UPDATE backfill_log SET status = 'failed', started_at = now() - interval '3 hours', completed_at = now() - interval '2 hours',
    retry_count = 5, error_code = 'bad_answer', error_message = 'gemini named no book: <b>"0 of 20"</b>'
WHERE (year, month) IN ((2013, 6), (2020, 5));
UPDATE backfill_log SET status = 'failed', started_at = now() - interval '4 hours', completed_at = now() - interval '3 hours',
    error_code = 'key_refused', error_message = 'xai refuses the key'
WHERE (year, month) = (2018, 5);

UPDATE backfill_log SET status = 'processing', attempt_token = gen_random_uuid() WHERE year = 2013 AND month >= 10;
UPDATE backfill_log SET status = 'retry', retry_count = 1, next_attempt_at = now() + interval '10 minutes',
    error_code = 'timeout', error_message = 'isbndb did not answer within 15 s'
WHERE (year, month) IN ((2013, 9), (2013, 8));
UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + interval '9 hours', error_code = 'quota_spent',
    blocked_reason = 'isbndb: the day''s quota is spent'
WHERE year = 2004;

INSERT INTO attempt (token, year, month, created_at, began_at, ended_at, worker, outcome, code, reason)
SELECT gen_random_uuid(), year, month, started_at, started_at, completed_at, 'machine:4711', status, error_code, error_message
FROM backfill_log WHERE status IN ('completed', 'failed');

INSERT INTO attempt (token, year, month, created_at, began_at, worker)
SELECT attempt_token, year, month, started_at, started_at, 'machine:4711' FROM backfill_log WHERE status = 'processing';

INSERT INTO work (key, title, author) VALUES ('a', 'A work', 'Ann Author');
INSERT INTO edition (isbn13, work_id, title, publisher, published) SELECT '9780306406157', id, title, 'Plenum', '2024-11' FROM work;
INSERT INTO candidate (year, month, position, title, author, named_by, work_id, isbn13, source, score, reason, evidence, unavailable, in_month)
SELECT 2024, 11, n, 'Book ' || n || ' <script>document.title = "broken"</script><img src=x onerror="document.title=1">',
       'Ann "O''Author" &amp; <b>Co</b>', ARRAY['gemini:gemini-3.5-flash', 'xai:grok-4.3'], (SELECT id FROM work),
       CASE WHEN n % 2 = 0 THEN '9780306406157' END, CASE WHEN n % 2 = 0 THEN 'open_library' ELSE '' END, 88.5, 'title and author agree',
       '[{"verdict": "accepted", "source": "open_library", "source_id": "/books/OL1M", "score": 97.25, "title": "Book </details><script>document.title=2</script>", "subtitle": "", "authors": ["Ann O''Author"], "isbn13": "9780306406157", "published": "2024-11-05", "reasons": ["title equal", "author equal"]}]',
       '{"isbndb": "the day''s quota is spent"}', CASE WHEN n % 2 = 0 THEN 'confirmed' ELSE 'unknown' END
FROM generate_series(1, 31) AS n;

INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month)
SELECT 'isbndb', '/books', now() - interval '1 hour', 200, 1, 200, '', 2024, 11 FROM generate_series(1, 40);
INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap) VALUES ('isbndb', 3, 3, 1, 0.3, 15000, 13000), ('open_library', 3, 3, 1, 0.3, NULL, NULL);
INSERT INTO quota (name, day, used) VALUES ('isbndb', (now() AT TIME ZONE 'UTC')::date, 11240), ('open_library', (now() AT TIME ZONE 'UTC')::date, 4021);

-- All of this was some time ago.
ALTER TABLE backfill_log DISABLE TRIGGER keep_true;
UPDATE backfill_log SET updated_at = now() - interval '10 minutes';
ALTER TABLE backfill_log ENABLE TRIGGER keep_true;
