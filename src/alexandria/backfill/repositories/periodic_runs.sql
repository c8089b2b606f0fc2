-- When periodic tasks last ran.

-- name: finish
-- A task has finished. Not more often than it has to be known, as every write costs the disk.
INSERT INTO periodic_run (task, finished_at) VALUES (%(task)s, now())
ON CONFLICT (task) DO UPDATE SET finished_at = excluded.finished_at
WHERE coalesce(periodic_run.finished_at < now() - interval '2 seconds', true)

-- name: claim
-- The run of a task that is due, if no other process has it.
SELECT claim_periodic(ARRAY[%(task)s]::text[], ARRAY[%(period)s]::float8[], ARRAY[0]::float8[])
