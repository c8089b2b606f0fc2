-- Responses to writing calls that named an idempotency key.

-- name: try_lock
-- Whether no other transaction is carrying out the same call; the lock ends with this transaction, however that ends.
SELECT pg_try_advisory_xact_lock(%(lock)s::bigint) AS locked

-- name: find
-- The response of the first call, unless its lifetime is over.
SELECT request, status, headers, body FROM idempotent_response
WHERE id = %(id)s AND created_at > now() - make_interval(secs => %(lifetime)s)

-- name: save
-- Keep the response, in place of one whose lifetime is over.
INSERT INTO idempotent_response (id, request, status, headers, body)
VALUES (%(id)s, %(request)s, %(status)s, %(headers)s, %(body)s)
ON CONFLICT (id) DO UPDATE SET request = excluded.request, status = excluded.status, headers = excluded.headers,
                               body = excluded.body, created_at = excluded.created_at

-- name: delete_expired
-- Delete some responses whose lifetime is over.
DELETE FROM idempotent_response WHERE id IN (
    SELECT id FROM idempotent_response WHERE created_at <= now() - make_interval(secs => %(lifetime)s) LIMIT %(limit)s
)
