-- Wrong secrets, and who showed them.

-- name: count
-- One more, if that is within the allowance. A wrong secret beyond it changes nothing, so that knocking on does not prolong the wait.
INSERT INTO knock AS k (client, forgotten_at) VALUES (%(client)s, now() + make_interval(secs => %(each)s))
ON CONFLICT (client) DO UPDATE SET forgotten_at = greatest(k.forgotten_at, now()) + make_interval(secs => %(each)s)
WHERE k.forgotten_at <= now() + make_interval(secs => %(longest)s - %(each)s)
RETURNING 1 AS counted

-- name: wait
-- Seconds until one more would be within it.
SELECT extract(epoch FROM forgotten_at - now())::float - %(longest)s + %(each)s AS seconds FROM knock WHERE client = %(client)s

-- name: forget
-- Callers that are forgiven.
DELETE FROM knock WHERE forgotten_at < now()
