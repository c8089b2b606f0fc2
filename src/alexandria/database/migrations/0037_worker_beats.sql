-- A worker that had nothing to do wrote more than a write-ahead log can be kept of: heartbeats in a table with two indexes, and
-- a job for each run of a periodic task. Heartbeats get a table of one row a worker, and a run becomes a time in a row.

-- Few rows that change all the time: a page is cleaned whenever it is a little full, and no index ever changes.
CREATE TABLE worker_beat (
    worker_id bigint PRIMARY KEY,
    beat_at   timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_enabled = false);
COMMENT ON TABLE worker_beat IS 'The last heartbeat of each worker that is registered in procrastinate_workers.';

CREATE VIEW worker AS
SELECT w.id, greatest(w.last_heartbeat, b.beat_at) AS last_heartbeat
FROM procrastinate_workers AS w LEFT JOIN worker_beat AS b ON b.worker_id = w.id;
COMMENT ON VIEW worker IS 'The workers with their last heartbeats, also those of earlier versions, which write no worker_beat.';

ALTER TABLE periodic_run ALTER finished_at DROP NOT NULL, ADD COLUMN due_at timestamptz;
ALTER TABLE periodic_run SET (fillfactor = 10, autovacuum_enabled = false);
COMMENT ON TABLE periodic_run IS 'When a periodic task last ran, on whichever worker.';
COMMENT ON COLUMN periodic_run.finished_at IS
    'within a few seconds, when the task last did all that it had to do; a worker that starts sets it as well; null: not noted';
COMMENT ON COLUMN periodic_run.due_at IS 'when the run was due that was begun last; null: the task has no times';

CREATE FUNCTION claim_periodic(tasks text[], periods double precision[], shifts double precision[])
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT w.task, to_timestamp(floor((extract(epoch FROM now()) - w.shift) / w.period) * w.period + w.shift) AS at
        FROM unnest(tasks, periods, shifts) AS w (task, period, shift) ORDER BY w.task
    LOOP
        UPDATE periodic_run AS run SET due_at = wanted.at
        WHERE run.task = wanted.task
          AND coalesce(run.due_at < wanted.at OR run.due_at > wanted.at + interval '1 day', true);
        IF FOUND THEN
            RETURN NEXT wanted.task;
        ELSIF NOT EXISTS (SELECT FROM periodic_run WHERE task = wanted.task) THEN
            INSERT INTO periodic_run (task, due_at) VALUES (wanted.task, wanted.at) ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION claim_periodic IS
    'those of the tasks whose last due time nobody has claimed, which the caller runs now; times are multiples of the period, '
    'shifted, in seconds; a task that is new is first due at its next time; a clock that was a day ahead stops none';

CREATE FUNCTION lost_attempts(silence double precision)
RETURNS TABLE (year integer, month integer, token uuid, outage boolean) LANGUAGE sql STABLE AS $$
    SELECT b.year, b.month, b.attempt_token,
           coalesce(coalesce(w.last_heartbeat, a.began_at, a.created_at) < pg_postmaster_start_time(), false)
    FROM backfill_log AS b
    LEFT JOIN attempt AS a ON a.token = b.attempt_token
    LEFT JOIN procrastinate_jobs AS j ON j.id = a.job_id
    LEFT JOIN worker AS w ON w.id = j.worker_id
    WHERE b.status = 'processing'
      AND (j.id IS NULL
           OR j.status NOT IN ('todo', 'doing')
           OR (j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => silence))))
    ORDER BY b.year DESC, b.month DESC
$$;
COMMENT ON FUNCTION lost_attempts IS 'attempts whose job is gone, or whose worker was silent for so many seconds';

CREATE FUNCTION dead_jobs(silence double precision) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status = 'doing' AND NOT EXISTS (
        SELECT FROM worker AS w
        WHERE w.id = j.worker_id AND w.last_heartbeat >= now() - make_interval(secs => silence))
$$;
COMMENT ON FUNCTION dead_jobs IS 'jobs that silent workers have left';

CREATE FUNCTION unscheduled_months(silence double precision)
RETURNS TABLE (year integer, month integer) LANGUAGE sql STABLE AS $$
    SELECT b.year, b.month FROM backfill_log AS b
    WHERE b.status = 'retry' AND b.next_attempt_at < now() - make_interval(secs => silence)
      AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS j LEFT JOIN worker AS w ON w.id = j.worker_id
        WHERE j.task_name = 'wake'
          AND (j.args ->> 'year')::integer = b.year AND (j.args ->> 'month')::integer = b.month
          AND ((j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now()))
               OR (j.status = 'doing' AND w.last_heartbeat >= now() - make_interval(secs => silence))))
$$;
COMMENT ON FUNCTION unscheduled_months IS 'months in retry that have been overdue for so many seconds, with no job to wake them now';
