-- Wrong secrets by client.

-- name: count
-- Count one more if the allowance permits it. One beyond it changes nothing, so that repeated tries do not prolong the wait.
INSERT INTO knock AS k (client, forgotten_at) VALUES (%(client)s, now() + make_interval(secs => %(each)s))
ON CONFLICT (client) DO UPDATE SET forgotten_at = greatest(k.forgotten_at, now()) + make_interval(secs => %(each)s)
WHERE k.forgotten_at <= now() + make_interval(secs => %(longest)s - %(each)s)
RETURNING 1 AS counted

-- name: wait
-- Seconds until the allowance permits one more.
SELECT extract(epoch FROM forgotten_at - now())::float - %(longest)s + %(each)s AS seconds FROM knock WHERE client = %(client)s

-- name: delete_forgiven
-- Delete clients whose failures are all forgiven.
DELETE FROM knock WHERE forgotten_at < now()
