-- When periodic tasks last finished.

-- name: finish
-- A task has finished. Not more often than it has to be known, as every write costs the disk.
INSERT INTO periodic_run (task, finished_at) VALUES (%(task)s, now())
ON CONFLICT (task) DO UPDATE SET finished_at = excluded.finished_at
WHERE periodic_run.finished_at < now() - interval '2 seconds'
