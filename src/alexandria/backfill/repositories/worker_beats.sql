-- Heartbeats of workers, and what each finds.

-- name: beat
-- Store a heartbeat; claim the periodic tasks that are due; find what else waits for a worker: in one statement, as it is
-- most of what a worker at rest does. A heartbeat costs more in the queue's own table: there it is stored when others would
-- soon delete the worker, and always beside workers of earlier versions, which read only that table. No row is inserted that
-- may exist: PostgreSQL would write to its log that the row is locked, and then that it is updated.
WITH beaten AS (
    UPDATE worker_beat SET beat_at = now() WHERE worker_id = %(worker)s RETURNING worker_id
), begun AS (
    INSERT INTO worker_beat (worker_id, beat_at) SELECT %(worker)s, now() WHERE NOT EXISTS (SELECT FROM beaten)
), kept AS (
    UPDATE procrastinate_workers AS own SET last_heartbeat = now()
    WHERE id = %(worker)s AND (last_heartbeat < now() - make_interval(secs => %(registered_for)s) OR EXISTS (
        SELECT FROM procrastinate_workers AS other
        WHERE last_heartbeat > now() - make_interval(secs => %(earlier_version_silence)s) AND id <> own.id
          AND NOT EXISTS (SELECT FROM worker_beat WHERE worker_id = other.id)))
), found AS (
    SELECT EXISTS (SELECT FROM lost_attempts(%(silence)s)) OR EXISTS (SELECT FROM dead_jobs(%(silence)s))
               OR EXISTS (SELECT FROM unscheduled_months(%(silence)s)) AS lost,
           EXISTS (SELECT FROM breaker
                   WHERE recovered_at IS NOT NULL
                      OR (trips > 0 AND open_until <= now() AND coalesce(probe_until <= now(), true)
                          AND coalesce(probed_at <= now() - make_interval(secs => %(probe_interval)s), true))) AS recovered
), noted AS (
    UPDATE periodic_run SET finished_at = now() FROM found
    WHERE task = %(rescue)s AND NOT lost AND coalesce(finished_at <= now() - make_interval(secs => %(noted_for)s), true)
), noted_first AS (
    INSERT INTO periodic_run (task, finished_at) SELECT %(rescue)s, now() FROM found
    WHERE NOT lost AND NOT EXISTS (SELECT FROM periodic_run WHERE task = %(rescue)s) ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM procrastinate_workers WHERE id = %(worker)s) AS registered, lost, recovered,
       ARRAY(SELECT claim_periodic(%(tasks)s::text[], %(periods)s::float8[], %(shifts)s::float8[])) AS claimed,
       (SELECT extract(epoch FROM min(coalesce(scheduled_at, now())) - now())::float8
        FROM procrastinate_jobs WHERE status = 'todo') AS next_job,
       (SELECT extract(epoch FROM min(w.last_heartbeat) - now())::float8 + %(silence)s
        FROM worker AS w JOIN procrastinate_jobs AS j ON j.worker_id = w.id
        WHERE j.status = 'doing' AND w.id <> %(worker)s
          AND w.last_heartbeat >= now() - make_interval(secs => %(silence)s)) AS next_loss
FROM found

-- name: wait_briefly
-- How long the next statement may wait for a lock of a whole table, as a migration has it.
SELECT set_config('lock_timeout', '500ms', true)

-- name: beat_only
-- Store a heartbeat, and nothing else: whatever refuses the rest must not make this worker seem dead.
WITH beaten AS (
    INSERT INTO worker_beat AS own (worker_id, beat_at) VALUES (%(worker)s, now())
    ON CONFLICT (worker_id) DO UPDATE SET beat_at = excluded.beat_at
)
UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(worker)s

-- name: forget
-- Delete the heartbeats of workers that are registered no longer.
DELETE FROM worker_beat AS gone
WHERE NOT EXISTS (SELECT FROM procrastinate_workers WHERE id = gone.worker_id)
