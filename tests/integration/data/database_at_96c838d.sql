SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE TYPE public.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);
CREATE TYPE public.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);
CREATE TYPE public.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);
CREATE FUNCTION public.backfill_log_end_attempt() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE attempt SET ended_at = now(), outcome = 'superseded', reason = 'the month was reset or taken over'
    WHERE token = OLD.attempt_token AND ended_at IS NULL;
    RETURN NULL;
END
$$;
CREATE FUNCTION public.backfill_log_keep_true() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at := now();
    IF NEW.status = 'processing' THEN
        NEW.attempt_token := coalesce(NEW.attempt_token, gen_random_uuid());
        NEW.started_at := coalesce(NEW.started_at, now());
    ELSE
        NEW.attempt_token := NULL;
    END IF;
    IF NEW.status IN ('completed', 'failed') THEN
        NEW.completed_at := coalesce(NEW.completed_at, greatest(now(), NEW.started_at));
    ELSE
        NEW.completed_at := NULL;
    END IF;
    IF NEW.status = 'retry' THEN
        NEW.next_attempt_at := coalesce(NEW.next_attempt_at, now());
    ELSE
        NEW.next_attempt_at := NULL;
        NEW.blocked_reason := NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.status = 'processing' AND NEW.status = 'pending' THEN
        NEW.retry_count := least(NEW.retry_count, 5); -- a reset adds one even to a month on its last attempt
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION public.calls_sent(of_year integer, of_month integer, to_provider text) RETURNS integer
    LANGUAGE sql STABLE
    AS $$
    SELECT count(*)::integer FROM call WHERE year = of_year AND month = of_month AND provider = to_provider
$$;
CREATE FUNCTION public.isbn13_valid(isbn text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
    SELECT isbn ~ '^97[89][0-9]{10}$' AND (
        SELECT sum(substr(isbn, place, 1)::int * CASE place % 2 WHEN 1 THEN 1 ELSE 3 END) % 10 = 0
        FROM generate_series(1, 13) AS place)
$_$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.lane (
    name text NOT NULL,
    id integer NOT NULL,
    rate double precision NOT NULL,
    sends integer NOT NULL,
    win double precision NOT NULL,
    gap double precision NOT NULL,
    daily_limit integer,
    daily_cap integer,
    ring double precision[] DEFAULT '{}'::double precision[] NOT NULL,
    held_until double precision DEFAULT 0 NOT NULL,
    held_units integer DEFAULT 0 NOT NULL,
    paused_until timestamp with time zone,
    pause_reason text DEFAULT ''::text NOT NULL,
    plan_limit integer,
    plan_seen_at timestamp with time zone,
    plan_note text DEFAULT ''::text NOT NULL,
    paused_since timestamp with time zone,
    CONSTRAINT lane_check CHECK (((daily_cap >= 0) AND (daily_cap <= daily_limit))),
    CONSTRAINT lane_daily_limit_check CHECK ((daily_limit >= 0)),
    CONSTRAINT lane_gap_check CHECK ((gap >= (0)::double precision)),
    CONSTRAINT lane_held_units_check CHECK ((held_units >= 0)),
    CONSTRAINT lane_plan_limit_check CHECK ((plan_limit >= 0)),
    CONSTRAINT lane_rate_check CHECK ((rate > (0)::double precision)),
    CONSTRAINT lane_sends_check CHECK ((sends > 0)),
    CONSTRAINT lane_win_check CHECK ((win > (0)::double precision))
)
WITH (fillfactor='50');
COMMENT ON TABLE public.lane IS 'The paced way to one provider. Who holds the advisory lock (lane''s oid, id) has the turn.';
COMMENT ON COLUMN public.lane.sends IS 'at most so many requests in any stretch of win seconds';
COMMENT ON COLUMN public.lane.gap IS 'seconds between two requests';
COMMENT ON COLUMN public.lane.daily_limit IS 'units a day; null if it is unknown';
COMMENT ON COLUMN public.lane.daily_cap IS 'of these, what months may spend';
COMMENT ON COLUMN public.lane.ring IS 'instants of the last sends, oldest first';
COMMENT ON COLUMN public.lane.held_until IS 'when the holder''s lease ends; 0 after it left';
COMMENT ON COLUMN public.lane.held_units IS 'what the holder may still have to spend';
COMMENT ON COLUMN public.lane.plan_limit IS 'units a day by the provider''s word; null if it gave none. The smaller limit holds';
COMMENT ON COLUMN public.lane.plan_seen_at IS 'when the provider last said so';
COMMENT ON COLUMN public.lane.plan_note IS 'what is odd about that, or why it could not be had';
COMMENT ON COLUMN public.lane.paused_since IS 'when the present pause began, however often it was prolonged';
CREATE FUNCTION public.lane_cap(way public.lane) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN way.plan_limit IS NULL THEN way.daily_cap
                ELSE least(way.daily_cap, greatest(way.plan_limit - coalesce(way.daily_limit - way.daily_cap, 0), 0)) END
$$;
CREATE FUNCTION public.lane_enter(lane_name text, on_day date, opens double precision, closes double precision, max_sends integer, max_units integer, people boolean, grace double precision, OUT clock double precision, OUT rest double precision, OUT reason text, OUT first double precision, OUT granted integer, OUT lease_ends double precision, OUT win double precision, OUT gap double precision, OUT ring double precision[]) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    l lane;
BEGIN
    PERFORM pg_advisory_lock('lane'::regclass::oid::integer, id) FROM lane WHERE name = lane_name;
    -- A statement of its own, to see what the last holder wrote; FOR UPDATE, because it unlocks before it commits.
    SELECT * INTO STRICT l FROM lane WHERE name = lane_name FOR UPDATE;
    win := l.win;
    gap := l.gap;
    IF l.held_until > 0 THEN -- the last holder was lost: it sent whatever it could, as late as it could
        ring := array_fill(l.held_until, ARRAY[l.sends]);
    ELSE
        ring := (array_fill(0::double precision, ARRAY[l.sends]) || l.ring)[cardinality(l.ring) + 1 : ];
    END IF;
    clock := extract(epoch FROM clock_timestamp());
    rest := greatest(extract(epoch FROM l.paused_until) - clock, 0);
    reason := l.pause_reason;
    first := greatest(clock, opens, ring[1] + win, ring[l.sends] + gap);
    granted := 0;
    IF rest = 0 AND first < closes THEN
        granted := quota_reserve(l, on_day, max_units, people);
    END IF;
    IF granted = 0 AND (max_units > 0 OR rest > 0 OR first >= closes) THEN
        PERFORM pg_advisory_unlock('lane'::regclass::oid::integer, l.id);
        RETURN;
    END IF;
    lease_ends := first + (max_sends - 1) * gap + grace;
    UPDATE lane SET held_until = lease_ends, held_units = granted WHERE name = lane_name;
    -- A holder that is frozen or cut off loses its session, and so the lock, once its lease is over.
    PERFORM set_config('idle_session_timeout', ceil((lease_ends - clock + grace) * 1000)::text, false);
END
$$;
CREATE FUNCTION public.lane_leave(lane_name text, on_day date, new_ring double precision[], unspent integer, OUT clock double precision) RETURNS double precision
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- Should a crash forget this, the lease stays and the next holder assumes the worst.
    PERFORM set_config('synchronous_commit', 'off', true), set_config('idle_session_timeout', '0', false);
    UPDATE lane SET ring = new_ring, held_until = 0, held_units = 0 WHERE name = lane_name;
    UPDATE quota SET used = greatest(used - unspent, 0) WHERE name = lane_name AND day = on_day AND unspent > 0;
    PERFORM pg_advisory_unlock('lane'::regclass::oid::integer, id) FROM lane WHERE name = lane_name;
    clock := extract(epoch FROM clock_timestamp());
END
$$;
CREATE FUNCTION public.lane_limit(way public.lane) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT least(way.daily_limit, way.plan_limit)
$$;
CREATE FUNCTION public.only_ever_added() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION public.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;
CREATE FUNCTION public.procrastinate_defer_jobs_v1(jobs public.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;
CREATE FUNCTION public.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;
CREATE TABLE public.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status public.procrastinate_job_status DEFAULT 'todo'::public.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    CONSTRAINT check_not_todo_abort_requested CHECK ((NOT ((status = 'todo'::public.procrastinate_job_status) AND (abort_requested = true))))
);
CREATE FUNCTION public.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS public.procrastinate_jobs
    LANGUAGE plpgsql
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;
CREATE FUNCTION public.procrastinate_finish_job_v1(job_id bigint, end_status public.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;
CREATE FUNCTION public.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;
CREATE FUNCTION public.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;
CREATE FUNCTION public.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;
CREATE FUNCTION public.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;
CREATE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;
CREATE FUNCTION public.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;
CREATE FUNCTION public.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;
CREATE FUNCTION public.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;
CREATE FUNCTION public.quota_reserve(way public.lane, on_day date, wanted integer, people boolean) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    spent integer;
    bound integer := CASE WHEN people THEN lane_limit(way) ELSE lane_cap(way) END;
    granted integer;
BEGIN
    INSERT INTO quota (name, day, cap) VALUES (way.name, on_day, lane_limit(way)) ON CONFLICT DO NOTHING;
    SELECT used INTO STRICT spent FROM quota WHERE name = way.name AND day = on_day FOR UPDATE;
    granted := greatest(least(wanted, bound - spent), 0);
    IF granted > 0 THEN
        UPDATE quota SET used = used + granted, cap = lane_limit(way) WHERE name = way.name AND day = on_day;
    END IF;
    RETURN granted;
END
$$;
CREATE TABLE public.answer (
    provider text NOT NULL,
    key text NOT NULL,
    request jsonb NOT NULL,
    body jsonb NOT NULL,
    fetched_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone
);
COMMENT ON TABLE public.answer IS 'Answers that were paid for, by content of the request; purge by provider is allowed.';
COMMENT ON COLUMN public.answer.key IS 'digest of the request: equal requests have equal keys';
COMMENT ON COLUMN public.answer.expires_at IS 'until when it serves; null: for good';
CREATE TABLE public.attempt (
    token uuid NOT NULL,
    year integer NOT NULL,
    month integer NOT NULL,
    job_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    began_at timestamp with time zone,
    ended_at timestamp with time zone,
    worker text,
    outcome text,
    code text,
    reason text,
    CONSTRAINT attempt_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'retry'::text, 'snoozed'::text, 'failed'::text, 'lost'::text, 'superseded'::text]))),
    CONSTRAINT ended_with_outcome CHECK (((ended_at IS NULL) = (outcome IS NULL)))
);
COMMENT ON TABLE public.attempt IS 'Every attempt at a month, with how it ended and why.';
COMMENT ON COLUMN public.attempt.token IS 'equal to backfill_log.attempt_token while this attempt may write';
COMMENT ON COLUMN public.attempt.job_id IS 'the job that makes it, as a schedule call answers it';
COMMENT ON COLUMN public.attempt.created_at IS 'when the month was claimed for it';
COMMENT ON COLUMN public.attempt.began_at IS 'when a worker took it; null: it still waits in the queue';
COMMENT ON COLUMN public.attempt.worker IS 'machine and process';
COMMENT ON COLUMN public.attempt.code IS 'the reason as a stable word';
CREATE TABLE public.audit (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text NOT NULL,
    act text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON TABLE public.audit IS 'What people asked for; rows are only ever added.';
ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.backfill_log (
    id bigint NOT NULL,
    year integer NOT NULL,
    month integer NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    books_generated integer DEFAULT 0 NOT NULL,
    isbns_resolved integer DEFAULT 0 NOT NULL,
    isbns_queued integer DEFAULT 0 NOT NULL,
    resolution_rate numeric(5,2) DEFAULT 0 NOT NULL,
    gemini_calls integer DEFAULT 0 NOT NULL,
    xai_calls integer DEFAULT 0 NOT NULL,
    isbndb_calls integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    retry_count integer DEFAULT 0 NOT NULL,
    last_retry_at timestamp with time zone,
    error_message text,
    prompt_variant text,
    batch_size integer DEFAULT 20 NOT NULL,
    attempt_token uuid,
    next_attempt_at timestamp with time zone,
    blocked_reason text,
    error_code text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT backfill_log_batch_size_check CHECK (((batch_size >= 1) AND (batch_size <= 100))),
    CONSTRAINT backfill_log_books_generated_check CHECK ((books_generated >= 0)),
    CONSTRAINT backfill_log_gemini_calls_check CHECK ((gemini_calls >= 0)),
    CONSTRAINT backfill_log_isbndb_calls_check CHECK ((isbndb_calls >= 0)),
    CONSTRAINT backfill_log_isbns_queued_check CHECK ((isbns_queued >= 0)),
    CONSTRAINT backfill_log_isbns_resolved_check CHECK ((isbns_resolved >= 0)),
    CONSTRAINT backfill_log_month_check CHECK (((month >= 1) AND (month <= 12))),
    CONSTRAINT backfill_log_resolution_rate_check CHECK (((resolution_rate >= (0)::numeric) AND (resolution_rate <= (100)::numeric))),
    CONSTRAINT backfill_log_retry_count_check CHECK (((retry_count >= 0) AND (retry_count <= 5))),
    CONSTRAINT backfill_log_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'completed'::text, 'failed'::text, 'retry'::text]))),
    CONSTRAINT backfill_log_xai_calls_check CHECK ((xai_calls >= 0)),
    CONSTRAINT backfill_log_year_check CHECK (((year >= 1900) AND (year <= 2100))),
    CONSTRAINT blocked_only_in_retry CHECK (((blocked_reason IS NULL) OR (status = 'retry'::text))),
    CONSTRAINT counters_nest CHECK (((isbns_queued <= isbns_resolved) AND (isbns_resolved <= books_generated))),
    CONSTRAINT due_if_retry CHECK (((next_attempt_at IS NOT NULL) = (status = 'retry'::text))),
    CONSTRAINT ended_if_final CHECK (((completed_at IS NOT NULL) = (status = ANY (ARRAY['completed'::text, 'failed'::text])))),
    CONSTRAINT ends_after_it_starts CHECK (((completed_at IS NULL) OR (started_at IS NULL) OR (completed_at >= started_at))),
    CONSTRAINT token_if_processing CHECK (((attempt_token IS NOT NULL) = (status = 'processing'::text)))
);
COMMENT ON TABLE public.backfill_log IS 'One row per month of the backfill. People may write to it: a trigger keeps true what follows from status.';
COMMENT ON COLUMN public.backfill_log.status IS 'pending, processing, completed, failed or retry';
COMMENT ON COLUMN public.backfill_log.books_generated IS 'books that the generators named, each counted once';
COMMENT ON COLUMN public.backfill_log.isbns_resolved IS 'of these, with an accepted ISBN, from a source or from the catalogue';
COMMENT ON COLUMN public.backfill_log.isbns_queued IS 'editions that were new to the catalogue';
COMMENT ON COLUMN public.backfill_log.resolution_rate IS 'isbns_resolved in percent of books_generated';
COMMENT ON COLUMN public.backfill_log.gemini_calls IS 'requests sent to Gemini for this month, in all attempts';
COMMENT ON COLUMN public.backfill_log.xai_calls IS 'requests sent to xAI for this month, in all attempts';
COMMENT ON COLUMN public.backfill_log.isbndb_calls IS 'requests sent to ISBNdb for this month, in all attempts';
COMMENT ON COLUMN public.backfill_log.started_at IS 'when the latest attempt was claimed';
COMMENT ON COLUMN public.backfill_log.completed_at IS 'when it was completed or failed; null in every other status';
COMMENT ON COLUMN public.backfill_log.retry_count IS 'failed attempts; a wait for quota or a pause is none';
COMMENT ON COLUMN public.backfill_log.last_retry_at IS 'when an attempt last failed';
COMMENT ON COLUMN public.backfill_log.error_message IS 'why the latest attempt failed, or what a completed month had to do without';
COMMENT ON COLUMN public.backfill_log.prompt_variant IS 'how the generators are asked; null: the default of its year';
COMMENT ON COLUMN public.backfill_log.batch_size IS 'books asked of each generator';
COMMENT ON COLUMN public.backfill_log.attempt_token IS 'the attempt that may write; set while processing';
COMMENT ON COLUMN public.backfill_log.next_attempt_at IS 'when a month in retry may be taken up again';
COMMENT ON COLUMN public.backfill_log.blocked_reason IS 'why it waits, if it waits without having failed';
COMMENT ON COLUMN public.backfill_log.error_code IS 'the same as a stable word';
COMMENT ON COLUMN public.backfill_log.updated_at IS 'when this row last changed';
ALTER TABLE public.backfill_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.backfill_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.call (
    id bigint NOT NULL,
    provider text NOT NULL,
    route text NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    ms integer NOT NULL,
    units integer NOT NULL,
    status integer,
    error text NOT NULL,
    year integer,
    month integer,
    attempt_token uuid
);
COMMENT ON TABLE public.call IS 'Every request that was sent to a provider.';
COMMENT ON COLUMN public.call.ms IS 'milliseconds until the whole answer was there';
COMMENT ON COLUMN public.call.units IS 'what it cost of the daily quota';
COMMENT ON COLUMN public.call.status IS 'the HTTP status; null: no answer came, and error says why';
COMMENT ON COLUMN public.call.attempt_token IS 'the attempt it was sent for; null: a further look, or nobody''s month';
ALTER TABLE public.call ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.call_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.candidate (
    id bigint NOT NULL,
    year integer NOT NULL,
    month integer NOT NULL,
    "position" integer NOT NULL,
    title text NOT NULL,
    author text NOT NULL,
    named_by text[] NOT NULL,
    work_id bigint,
    isbn13 text,
    source text DEFAULT ''::text NOT NULL,
    score numeric(5,2) DEFAULT 0 NOT NULL,
    reason text NOT NULL,
    evidence jsonb DEFAULT '[]'::jsonb NOT NULL,
    unavailable jsonb DEFAULT '{}'::jsonb NOT NULL,
    named_year integer,
    in_month text DEFAULT 'unknown'::text NOT NULL,
    looks integer DEFAULT 1 NOT NULL,
    look_again_at timestamp with time zone,
    hindered boolean DEFAULT false NOT NULL,
    CONSTRAINT candidate_in_month_check CHECK ((in_month = ANY (ARRAY['confirmed'::text, 'contradicted'::text, 'unknown'::text]))),
    CONSTRAINT candidate_looks_check CHECK ((looks > 0)),
    CONSTRAINT explained CHECK ((reason <> ''::text)),
    CONSTRAINT hindered_only_if_unresolved CHECK (((isbn13 IS NULL) OR (NOT hindered))),
    CONSTRAINT look_again_if_unresolved CHECK (((isbn13 IS NULL) OR (look_again_at IS NULL))),
    CONSTRAINT proven_by_a_source CHECK (((isbn13 IS NULL) OR (source <> ''::text)))
);
COMMENT ON TABLE public.candidate IS 'What models named for a month and what became of it; evidence holds every hit considered.';
COMMENT ON COLUMN public.candidate."position" IS 'its place among the month''s books';
COMMENT ON COLUMN public.candidate.named_by IS 'the generators that named it';
COMMENT ON COLUMN public.candidate.isbn13 IS 'the accepted ISBN; null: unresolved, and reason says why';
COMMENT ON COLUMN public.candidate.source IS 'who had the accepted record; catalogue: it was held already';
COMMENT ON COLUMN public.candidate.score IS 'how well the accepted record fits, 0 to 100';
COMMENT ON COLUMN public.candidate.reason IS 'why the record was accepted, or why none was';
COMMENT ON COLUMN public.candidate.unavailable IS 'sources that could not be asked, with what they said';
COMMENT ON COLUMN public.candidate.in_month IS 'first published in the month it was named for?';
COMMENT ON COLUMN public.candidate.looks IS 'how often the sources were asked';
COMMENT ON COLUMN public.candidate.look_again_at IS 'when they are asked again; null: never';
COMMENT ON COLUMN public.candidate.hindered IS 'unresolved while a quota or an outage kept a source from answering: that is no finding';
ALTER TABLE public.candidate ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.candidate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.contributor (
    id bigint NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    CONSTRAINT contributor_key_check CHECK ((key <> ''::text)),
    CONSTRAINT contributor_name_check CHECK ((name <> ''::text))
);
COMMENT ON TABLE public.contributor IS 'A person who had a part in works.';
COMMENT ON COLUMN public.contributor.key IS 'equal for all spellings of one name; made by alexandria.person';
ALTER TABLE public.contributor ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contributor_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.control (
    only_row boolean DEFAULT true NOT NULL,
    paused_since timestamp with time zone,
    paused_until timestamp with time zone,
    paused_by text DEFAULT ''::text NOT NULL,
    pause_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT control_only_row_check CHECK (only_row),
    CONSTRAINT ends_if_it_began CHECK (((paused_until IS NULL) OR (paused_since IS NOT NULL)))
);
COMMENT ON TABLE public.control IS 'What people have told the whole backfill, in its only row. No attempt begins during a pause.';
COMMENT ON COLUMN public.control.paused_since IS 'when the pause began; null: there is none';
COMMENT ON COLUMN public.control.paused_until IS 'when it ends by itself; null: when somebody resumes';
CREATE TABLE public.edition (
    isbn13 text NOT NULL,
    work_id bigint NOT NULL,
    title text NOT NULL,
    subtitle text DEFAULT ''::text NOT NULL,
    publisher text DEFAULT ''::text NOT NULL,
    published text,
    language text DEFAULT ''::text NOT NULL,
    binding text DEFAULT ''::text NOT NULL,
    pages integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    enriched_at timestamp with time zone,
    related boolean DEFAULT false NOT NULL,
    enrich_at timestamp with time zone DEFAULT now(),
    enrich_looks integer DEFAULT 0 NOT NULL,
    enrich_note text DEFAULT ''::text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT edition_enrich_looks_check CHECK ((enrich_looks >= 0)),
    CONSTRAINT edition_isbn13_check CHECK (public.isbn13_valid(isbn13)),
    CONSTRAINT edition_pages_check CHECK ((pages > 0)),
    CONSTRAINT edition_published_check CHECK ((published ~ '^\d{4}(-\d{2}){0,2}$'::text))
);
COMMENT ON TABLE public.edition IS 'One publication of a work, with an ISBN of its own.';
COMMENT ON COLUMN public.edition.published IS 'as precise as the source: YYYY, YYYY-MM or YYYY-MM-DD';
COMMENT ON COLUMN public.edition.enriched_at IS 'when sources last answered about it';
COMMENT ON COLUMN public.edition.related IS 'found beside the edition that a candidate was resolved to';
COMMENT ON COLUMN public.edition.enrich_at IS 'when sources are asked about it; null: not again';
COMMENT ON COLUMN public.edition.enrich_looks IS 'how often no source that was asked knew it';
COMMENT ON COLUMN public.edition.enrich_note IS 'why it waits, or what could not be had';
COMMENT ON COLUMN public.edition.changed_at IS 'when anything of it last changed';
CREATE TABLE public.enrichment_rest (
    provider text NOT NULL,
    until timestamp with time zone NOT NULL,
    reason text NOT NULL,
    permanent boolean NOT NULL,
    failures integer NOT NULL,
    CONSTRAINT enrichment_rest_failures_check CHECK ((failures > 0))
);
COMMENT ON TABLE public.enrichment_rest IS 'Sources that failed and are left alone by enrichment for a while, and why.';
COMMENT ON COLUMN public.enrichment_rest.permanent IS 'waiting is no cure, so that enrichment goes on without it';
CREATE TABLE public.incident (
    id bigint NOT NULL,
    kind text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    reason text NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL,
    cleared_at timestamp with time zone,
    CONSTRAINT incident_check CHECK ((cleared_at >= began_at)),
    CONSTRAINT incident_kind_check CHECK ((kind <> ''::text))
);
COMMENT ON TABLE public.incident IS 'What was wrong without anybody being told, each once however many processes see it.';
COMMENT ON COLUMN public.incident.subject IS 'the provider that it is about, if it is about one';
COMMENT ON COLUMN public.incident.reason IS 'as it was when it began';
COMMENT ON COLUMN public.incident.cleared_at IS 'null: it lasts';
ALTER TABLE public.incident ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.incident_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.journal (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    level text NOT NULL,
    event text NOT NULL,
    process text NOT NULL,
    year integer,
    month integer,
    fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT journal_fields_check CHECK ((jsonb_typeof(fields) = 'object'::text)),
    CONSTRAINT journal_level_check CHECK ((level = ANY (ARRAY['debug'::text, 'info'::text, 'warning'::text, 'error'::text, 'critical'::text]))),
    CONSTRAINT of_a_month CHECK (((year IS NULL) = (month IS NULL)))
);
COMMENT ON TABLE public.journal IS 'What all processes have logged, the newest events only. Numbers are given in the order in which events became visible.';
COMMENT ON COLUMN public.journal.at IS 'when it happened, by the clock of the process';
COMMENT ON COLUMN public.journal.event IS 'what happened, in constant words';
COMMENT ON COLUMN public.journal.process IS 'whose event it is: machine and process number';
COMMENT ON COLUMN public.journal.year IS 'with month: the month of books that it is about';
COMMENT ON COLUMN public.journal.fields IS 'what else is known of it';
ALTER TABLE public.journal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE UNLOGGED TABLE public.knock (
    client text NOT NULL,
    forgotten_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.knock IS 'Callers that showed a wrong secret lately. A crash of the server may forget them.';
COMMENT ON COLUMN public.knock.client IS 'the address, of IPv6 the network';
COMMENT ON COLUMN public.knock.forgotten_at IS 'when all of it is forgiven; each wrong secret puts that off';
ALTER TABLE public.lane ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.lane_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.notice (
    incident_id bigint NOT NULL,
    event text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    next_try_at timestamp with time zone DEFAULT now(),
    delivered_at timestamp with time zone,
    result text DEFAULT ''::text NOT NULL,
    CONSTRAINT no_try_once_delivered CHECK (((delivered_at IS NULL) OR (next_try_at IS NULL))),
    CONSTRAINT notice_event_check CHECK ((event = ANY (ARRAY['began'::text, 'cleared'::text]))),
    CONSTRAINT notice_tries_check CHECK ((tries >= 0))
);
COMMENT ON TABLE public.notice IS 'What the operator''s receiver of alarms was told of incidents.';
COMMENT ON COLUMN public.notice.next_try_at IS 'null: delivered or given up';
COMMENT ON COLUMN public.notice.result IS 'how the last try ended';
CREATE TABLE public.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type public.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);
CREATE SEQUENCE public.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_events_id_seq OWNED BY public.procrastinate_events.id;
CREATE SEQUENCE public.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_jobs_id_seq OWNED BY public.procrastinate_jobs.id;
CREATE TABLE public.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);
CREATE SEQUENCE public.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.procrastinate_periodic_defers_id_seq OWNED BY public.procrastinate_periodic_defers.id;
CREATE TABLE public.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.provenance (
    isbn13 text NOT NULL,
    field text NOT NULL,
    source_record_id bigint NOT NULL
);
COMMENT ON TABLE public.provenance IS 'The source record that each stored field of an edition rests on.';
CREATE TABLE public.quota (
    name text NOT NULL,
    day date NOT NULL,
    cap integer,
    used integer DEFAULT 0 NOT NULL,
    CONSTRAINT never_overspent CHECK (((used >= 0) AND (used <= cap)))
)
WITH (fillfactor='50');
COMMENT ON TABLE public.quota IS 'Units spent, or reserved to be spent, on one day of a provider.';
CREATE TABLE public.related_isbn (
    isbn13 text NOT NULL,
    other text NOT NULL,
    source_record_id bigint NOT NULL,
    CONSTRAINT related_isbn_other_check CHECK (public.isbn13_valid(other)),
    CONSTRAINT related_to_another CHECK ((isbn13 <> other))
);
COMMENT ON TABLE public.related_isbn IS 'Numbers that sources list beside an edition.';
CREATE TABLE public.rollout (
    id bigint NOT NULL,
    plan jsonb NOT NULL,
    started_at timestamp with time zone NOT NULL,
    started_by text NOT NULL,
    phase integer DEFAULT 0 NOT NULL,
    begins date NOT NULL,
    held text DEFAULT ''::text NOT NULL,
    overridden boolean DEFAULT false NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    CONSTRAINT ended_with_outcome CHECK (((ended_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT rollout_check CHECK ((ended_at >= started_at)),
    CONSTRAINT rollout_outcome_check CHECK ((outcome = ANY (ARRAY['finished'::text, 'replaced'::text]))),
    CONSTRAINT rollout_phase_check CHECK ((phase >= 0)),
    CONSTRAINT rollout_plan_check CHECK ((jsonb_typeof(plan) = 'object'::text)),
    CONSTRAINT rollout_started_by_check CHECK ((started_by <> ''::text))
);
COMMENT ON TABLE public.rollout IS 'Rollouts in phases. At most one of them runs.';
COMMENT ON COLUMN public.rollout.plan IS 'what its rollout.toml said';
COMMENT ON COLUMN public.rollout.phase IS 'the present phase; the first is 0';
COMMENT ON COLUMN public.rollout.begins IS 'the day, UTC, from which on this phase schedules months';
COMMENT ON COLUMN public.rollout.held IS 'who holds it and why; empty: nobody';
COMMENT ON COLUMN public.rollout.overridden IS 'whether a person has overridden the gate of the present phase';
COMMENT ON COLUMN public.rollout.ended_at IS 'null: it runs';
ALTER TABLE public.rollout ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rollout_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rollout_log (
    id bigint NOT NULL,
    rollout_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    act text NOT NULL,
    why text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT rollout_log_act_check CHECK ((act = ANY (ARRAY['start'::text, 'hold'::text, 'release'::text, 'approve'::text, 'override'::text, 'schedule'::text, 'advance'::text, 'finish'::text, 'replace'::text]))),
    CONSTRAINT rollout_log_detail_check CHECK ((jsonb_typeof(detail) = 'object'::text)),
    CONSTRAINT rollout_log_who_check CHECK ((who <> ''::text))
);
COMMENT ON TABLE public.rollout_log IS 'Who did what to a rollout and why; "rollout" is itself. Rows are only ever added.';
ALTER TABLE public.rollout_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rollout_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.rollout_month (
    rollout_id bigint NOT NULL,
    year integer NOT NULL,
    month integer NOT NULL,
    day date NOT NULL
);
COMMENT ON TABLE public.rollout_month IS 'Months that a rollout has scheduled.';
COMMENT ON COLUMN public.rollout_month.day IS 'on which day, UTC; the last one, if a month was asked for again';
CREATE TABLE public.rollout_verdict (
    id bigint NOT NULL,
    rollout_id bigint NOT NULL,
    phase integer NOT NULL,
    at timestamp with time zone NOT NULL,
    verdict text NOT NULL,
    reasons text[] NOT NULL,
    inputs jsonb NOT NULL,
    CONSTRAINT rollout_verdict_inputs_check CHECK ((jsonb_typeof(inputs) = 'object'::text)),
    CONSTRAINT rollout_verdict_phase_check CHECK ((phase >= 0)),
    CONSTRAINT rollout_verdict_reasons_check CHECK ((cardinality(reasons) > 0)),
    CONSTRAINT rollout_verdict_verdict_check CHECK ((verdict = ANY (ARRAY['open'::text, 'wait'::text, 'shut'::text])))
);
COMMENT ON TABLE public.rollout_verdict IS 'How the gates of a rollout were judged, each time that anything changed; rows are only ever added.';
COMMENT ON COLUMN public.rollout_verdict.reasons IS 'what it waits for or is shut by, or what has opened it';
COMMENT ON COLUMN public.rollout_verdict.inputs IS 'the gate''s thresholds and the counts that they were held against';
ALTER TABLE public.rollout_verdict ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rollout_verdict_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.source_record (
    id bigint NOT NULL,
    provider text NOT NULL,
    provider_id text NOT NULL,
    fetched_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.source_record IS 'A record of a source that something in the catalogue rests on.';
COMMENT ON COLUMN public.source_record.provider_id IS 'the source''s own name for the record';
ALTER TABLE public.source_record ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.source_record_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.subject (
    work_id bigint NOT NULL,
    name text NOT NULL,
    source_record_id bigint NOT NULL,
    CONSTRAINT subject_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);
COMMENT ON TABLE public.subject IS 'What works are about, in the words of the sources, each once whatever its capitals.';
CREATE TABLE public.work (
    id bigint NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    author text NOT NULL,
    first_published text,
    language text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT work_first_published_check CHECK ((first_published ~ '^\d{4}(-\d{2}){0,2}$'::text)),
    CONSTRAINT work_key_check CHECK ((key <> ''::text)),
    CONSTRAINT work_title_check CHECK ((title <> ''::text))
);
COMMENT ON TABLE public.work IS 'A book in the abstract: what all its editions have in common.';
COMMENT ON COLUMN public.work.key IS 'equal for all spellings of one work; made by alexandria.match';
COMMENT ON COLUMN public.work.author IS 'the first contributor as shown';
COMMENT ON COLUMN public.work.first_published IS 'as precise as it is known: YYYY, YYYY-MM or YYYY-MM-DD';
CREATE TABLE public.work_alias (
    key text NOT NULL,
    work_id bigint NOT NULL,
    CONSTRAINT work_alias_key_check CHECK ((key <> ''::text))
);
COMMENT ON TABLE public.work_alias IS 'Keys of titles and authors as models named them, and the work they proved to be.';
CREATE TABLE public.work_block (
    key text NOT NULL,
    work_id bigint NOT NULL,
    CONSTRAINT work_block_key_check CHECK ((key <> ''::text))
);
COMMENT ON TABLE public.work_block IS 'Keys that spellings of a work share; made by alexandria.block.';
CREATE TABLE public.work_contributor (
    work_id bigint NOT NULL,
    contributor_id bigint NOT NULL,
    role text DEFAULT 'author'::text NOT NULL,
    "position" integer NOT NULL
);
COMMENT ON TABLE public.work_contributor IS 'Who had which part in a work, in the order of the title page.';
ALTER TABLE public.work ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.work_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_events_id_seq'::regclass);
ALTER TABLE ONLY public.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_jobs_id_seq'::regclass);
ALTER TABLE ONLY public.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('public.procrastinate_periodic_defers_id_seq'::regclass);
COPY public.answer (provider, key, request, body, fetched_at, expires_at) FROM stdin;
xai	7157cbdc9590f0ebc26a64ad91db7a608519620d887e83507d43f822a6b68b13	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in November 2024: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in November 2024, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to November 2024.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2024, "title": "The Frozen River: A GMA Book Club Pick", "author": "Ariel Lawhon", "format": "Hardcover", "publisher": "Random House"}, {"year": 2024, "title": "Dog Man 13: Big Jim Begins", "author": "Dav Pilkey", "format": "Hardcover", "publisher": "Graphix"}], "tokens": {"input": 450, "output": 152}, "cut_off": false}	2026-11-29 07:40:29.172297+00	\N
gemini	7cd7c9eb9f43db65a0dac4a3705fc0b6db5ed670760fe056f1a2d68eedf3e9c6	{"base": "http://127.0.0.1:41579/gemini", "prompt": "Name the notable books first published in December 2024: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in December 2024, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to December 2024.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "gemini:gemini-3.5-flash"}	{"books": [{"year": 2024, "title": "The Best American Short Stories 2024", "author": "Groff, Lauren", "format": "Hardcover", "publisher": "HarperCollins"}, {"year": 2024, "title": "Wind and Truth", "author": "Brandon Sanderson", "format": "Mass Market Paperback", "publisher": "Tor"}], "tokens": {"input": 450, "output": 945}, "cut_off": false}	2026-11-29 07:40:29.211089+00	\N
gemini	0250e389178306e207441254a67ae42aa669a14ad3feec5c6afabbe686b66f9c	{"base": "http://127.0.0.1:41579/gemini", "prompt": "Name the notable books first published in November 2024: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in November 2024, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to November 2024.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "gemini:gemini-3.5-flash"}	{"books": [{"year": 2024, "title": "The Frozen River: A GMA Book Club Pick", "author": "Ariel Lawhon", "format": "Hardcover", "publisher": "Random House"}, {"year": 2024, "title": "Half Baked Harvest Quick & Cozy: A Cookbook", "author": "Tieghan Gerard", "format": "Hardcover", "publisher": "Random House"}], "tokens": {"input": 450, "output": 769}, "cut_off": false}	2026-11-29 07:40:29.22152+00	\N
xai	79f1dcaa143f6c18399dac3dd0f69b5c43be2725e4b649d103661449b31dfbfa	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in December 2024: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in December 2024, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to December 2024.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2024, "title": "Wind and Truth", "author": "Brandon Sanderson", "format": "Mass Market Paperback", "publisher": "Tor"}, {"title": "The Let Them Theory", "author": "Mel Robbins", "format": "Paperback", "publisher": "Hay House Inc"}], "tokens": {"input": 450, "output": 286}, "cut_off": false}	2026-11-29 07:40:29.218142+00	\N
open_library	0d5e35b8496a2dadc11201716984f9b3e2e43a01a05727e43f0d0d6961c875e0	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "the frozen river a gma book club pick", "author": "lawhon", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL35750093W", "isbn": ["1794621377", "9781794621374", "0593312074", "9781412655361", "1412655366", "9798558553390", "9780593312070"], "title": "The Frozen River: A GMA Book Club Pick", "editions": {"docs": [{"key": "/books/OL70028398M", "isbn": ["9798558553390"], "title": "The Frozen River: A GMA Book Club Pick (Spanish Edition)", "format": ["Paperback"], "subtitle": "A Novel", "publisher": ["Ediciones Farola"], "publish_date": ["2024"]}], "start": 0, "numFound": 4, "numFoundExact": true}, "subtitle": "A Novel", "author_name": ["Ariel Lawhon"], "first_publish_year": 2024}, {"key": "/works/OL95028400W", "isbn": ["9798322485414"], "title": "Workbook for The Frozen River: A GMA Book Club Pick: A Companion in Exercises", "editions": {"docs": [{"key": "/books/OL70028400M", "isbn": ["9798322485414"], "title": "Workbook for The Frozen River: A GMA Book Club Pick: A Companion in Exercises", "format": ["Spiral-bound"], "publisher": ["Margin Companions"], "publish_date": ["2024"]}], "start": 0, "numFound": 1, "numFoundExact": true}, "author_name": ["Ariel Lawhon"], "first_publish_year": 2024}]	2026-11-29 07:40:29.348348+00	2026-12-29 07:40:29.348348+00
internet_archive	4abf0d5e4f11970d60ffea49ec29f01721fc9cdf33fe3495ac5fc01c38f091ae	{"base": "http://127.0.0.1:41579/internet_archive", "body": null, "path": "/advancedsearch.php", "method": "GET", "params": {"q": "title:(\\"the let them theory\\") AND creator:(robbins) AND mediatype:texts", "fl[]": ["identifier", "mediatype", "title", "creator", "isbn", "external-identifier", "date", "publisher", "language"], "page": "1", "rows": "20", "output": "json"}}	[{"date": "2024-01-01T00:00:00Z", "isbn": ["9781296174095", "1296174093"], "title": "The Let Them Theory (Large Print)", "creator": "Mel Robbins", "language": "English", "mediatype": "texts", "publisher": ["Broadtype Editions"], "identifier": "theletthemtheory0000robb_3qg5wxt", "external-identifier": ["urn:isbn:9781296174095", "urn:isbn:1296174093", "urn:oclc:144203544"]}]	2026-11-29 07:40:29.460635+00	2026-12-29 07:40:29.460635+00
open_library	373b2c51e6387026e82e0d129fd786eaa51592660d96b0ea64a13ef76f45dcd0	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "wind and truth", "author": "sanderson", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL90003161W", "isbn": ["1250319188", "9781250319180", "9781802751925", "9781038819901", "1802751920", "1038819903"], "title": "Wind and Truth", "editions": {"docs": [{"key": "/books/OL60003567M", "isbn": ["9781250319180", "1250319188"], "title": "Wind and Truth", "language": ["eng"], "publisher": ["Tor"], "publish_date": ["December 2024"]}], "start": 0, "numFound": 3, "numFoundExact": true}, "author_name": ["Brandon Sanderson"], "first_publish_year": 2024}]	2026-11-29 07:40:29.35777+00	2026-12-29 07:40:29.35777+00
internet_archive	87c5627e1113c79bb54c38df0d816a024340bc269afb03edc3847c397bb04989	{"base": "http://127.0.0.1:41579/internet_archive", "body": null, "path": "/advancedsearch.php", "method": "GET", "params": {"q": "title:(\\"dog man 13\\") AND creator:(pilkey) AND mediatype:texts", "fl[]": ["identifier", "mediatype", "title", "creator", "isbn", "external-identifier", "date", "publisher", "language"], "page": "1", "rows": "20", "output": "json"}}	[{"date": "2024-12-01T00:00:00Z", "isbn": "1338896458", "title": "Dog man 13: big jim begins : a graphic novel: from the creator of captain underpants", "creator": ["Pilkey, Dav, 1976-"], "language": "eng", "mediatype": "texts", "publisher": "Graphix", "identifier": "isbn_9781338896459", "external-identifier": ["urn:isbn:1338896458", "urn:oclc:873910551"]}, {"date": "2024-01-01T00:00:00Z", "isbn": "1476513996", "title": "Dog Man 13: Big Jim Begins", "creator": "Dav Pilkey", "language": "English", "mediatype": "texts", "publisher": "London : Wayside Reprints", "identifier": "isbn_9781476513997", "external-identifier": ["urn:isbn:1476513996"]}, {"date": "2024-01-01T00:00:00Z", "isbn": "979-8-6224-1202-8", "title": "Dog man 13: big jim begins (spanish edition) : a graphic novel: from the creator of captain underpants", "creator": ["Pilkey, Dav, 1940-"], "language": "spa", "mediatype": "texts", "publisher": ["Toronto ; New York : Ediciones Farola"], "identifier": "dogman13bigjimbe0000pilk_4j3q20i", "external-identifier": ["urn:isbn:979-8-6224-1202-8"]}]	2026-11-29 07:40:29.382851+00	2026-12-29 07:40:29.382851+00
google_books	e2342fc55267e73faef59858c6df0be74cbf11673b54d0c754fde2ef37c326f7	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"the frozen river\\" inauthor:\\"lawhon\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[{"id": "2mBxEnROQBAJ", "volumeInfo": {"title": "The Frozen River: A GMA Book Club Pick", "authors": ["Ariel Lawhon"], "language": "en", "subtitle": "A Novel", "pageCount": 465, "publisher": "Random House", "publishedDate": "2024-11", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9780593312070"}, {"type": "ISBN_10", "identifier": "0593312074"}]}}, {"id": "2mCqgg3lQBAJ", "volumeInfo": {"title": "The Frozen River: A GMA Book Club Pick", "authors": ["Ariel Lawhon"], "language": "en", "subtitle": "A Novel", "pageCount": 465, "publisher": "Wayside Reprints", "publishedDate": "2024", "industryIdentifiers": [{"type": "ISBN_10", "identifier": "1412655366"}, {"type": "ISBN_13", "identifier": "9781412655361"}]}}, {"id": "2mVZ37OAQBAJ", "volumeInfo": {"title": "The Frozen River: A GMA Book Club Pick (Spanish Edition)", "authors": ["Ariel Lawhon"], "language": "es", "subtitle": "A Novel", "pageCount": 465, "publisher": "Ediciones Farola", "publishedDate": "2024", "industryIdentifiers": [{"type": "OTHER", "identifier": "UOM:542420364"}]}}, {"id": "2mDGXMruQBAJ", "volumeInfo": {"title": "The Frozen River: A GMA Book Club Pick (Large Print)", "authors": ["Ariel Lawhon"], "language": "en", "publisher": "Broadtype Editions", "publishedDate": "2024-11", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9781794621374"}, {"type": "ISBN_10", "identifier": "1794621377"}]}}]	2026-11-29 07:40:29.409831+00	2026-11-30 07:40:29.409831+00
google_books	bb20d5ea259e3b0bb24a705f848988f26c219e9395783f0d655f8ed8b6eccd05	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"half baked harvest quick cozy\\" inauthor:\\"gerard\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[{"id": "2mBxESlEQBAJ", "volumeInfo": {"title": "Half Baked Harvest Quick & Cozy: A Cookbook", "authors": ["Tieghan Gerard"], "language": "en", "pageCount": 289, "publisher": "Random House", "publishedDate": "2024", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9780593232576"}, {"type": "ISBN_10", "identifier": "0593232577"}]}}, {"id": "2mV5QbA5QBAJ", "volumeInfo": {"title": "Half Baked Harvest Quick & Cozy: A Cookbook (Spanish Edition)", "authors": ["Tieghan Gerard"], "language": "es", "publisher": "Ediciones Farola", "publishedDate": "2024", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9798120859301"}]}}, {"id": "2mVv7ymPQBAJ", "volumeInfo": {"title": "Workbook for Half Baked Harvest Quick & Cozy: A Cookbook: A Companion in Exercises", "authors": ["Tieghan Gerard"], "language": "en", "pageCount": 289, "publisher": "Margin Companions", "publishedDate": "2024", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9798884791329"}]}}]	2026-11-29 07:40:29.367875+00	2026-11-30 07:40:29.367875+00
google_books	2e3d3a0bf1753b730c471fcda66dae8d9bd2d286e1d3195801c4575aa600ad68	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"the let them theory\\" inauthor:\\"robbins\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[{"id": "2mW0tEqCQBAJ", "volumeInfo": {"title": "Summary of The Let Them Theory by Mel Robbins", "authors": ["Quickleaf Notes"], "language": "en", "publisher": "Quickleaf Notes", "publishedDate": "2024", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9798969936164"}]}}, {"id": "2mCpxqfGQBAJ", "volumeInfo": {"title": "The Let Them Theory", "language": "en", "subtitle": "A Life-Changing Tool That Millions of People Can't Stop Talking About", "pageCount": 337, "publisher": "Hay House Inc", "publishedDate": "2024-12", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9781401971366"}]}}, {"id": "2mCinvxfQBAJ", "volumeInfo": {"title": "The Let Them Theory (Large Print)", "authors": [" Robbins, Mel"], "language": "en", "pageCount": 337, "publisher": "Broadtype Editions", "publishedDate": "2024-12", "industryIdentifiers": [{"type": "ISBN_13", "identifier": "9781296174095"}, {"type": "ISBN_10", "identifier": "1296174093"}]}}]	2026-11-29 07:40:29.388138+00	2026-11-30 07:40:29.388138+00
internet_archive	637245f056d77dfadddd65ce82d9968741252ae0293c6c17fcab0bde2f0426d1	{"base": "http://127.0.0.1:41579/internet_archive", "body": null, "path": "/advancedsearch.php", "method": "GET", "params": {"q": "title:(\\"the best american short stories 2024\\") AND creator:(groff) AND mediatype:texts", "fl[]": ["identifier", "mediatype", "title", "creator", "isbn", "external-identifier", "date", "publisher", "language"], "page": "1", "rows": "20", "output": "json"}}	[{"date": "2024-10-22T00:00:00Z", "isbn": ["9781481539104", "1481539108"], "title": "The best american short stories 2024 (large print)", "creator": ["Lauren, Groff,", "Pitlor, Heidi"], "language": ["English"], "mediatype": "texts", "publisher": ["Boston, Mass. : Broadtype Editions"], "identifier": "thebestamericans0000laur_3qr77sm", "external-identifier": ["urn:isbn:9781481539104", "urn:isbn:1481539108"]}]	2026-11-29 07:40:29.408231+00	2026-12-29 07:40:29.408231+00
open_library	da5f1cb58bb45ae8621a5be1a2bb25a0adae07d1c9f71bbc0db45a622cb13015	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "the best american short stories 2024", "author": "groff", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL90003152W", "isbn": ["9781481539104", "006327597X", "9780063275973", "1481539108"], "title": "The Best American Short Stories 2024", "editions": {"docs": [{"key": "/books/OL60003558M", "isbn": ["9780063275973", "006327597X"], "title": "The Best American Short Stories 2024", "language": ["eng"], "publisher": ["HarperCollins"], "publish_date": ["October 2024"]}], "start": 0, "numFound": 2, "numFoundExact": true}, "author_name": ["Groff, Lauren", "Heidi Pitlor"], "first_publish_year": 2024}]	2026-11-29 07:40:29.441324+00	2026-12-29 07:40:29.441324+00
open_library	f7953434e75659e14ae627359e018f0294a479e2f3e9385f07fa382424c42b95	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "the let them theory", "author": "robbins", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL90003163W", "isbn": ["9781401971366", "9781296174095", "9781678140106", "1678140104", "1401971369", "1296174093"], "title": "The Let Them Theory", "editions": {"docs": [{"key": "/books/OL60003569M", "isbn": ["9781401971366", "1401971369"], "title": "The Let Them Theory", "format": ["Paperback"], "language": ["eng"], "subtitle": "A Life-Changing Tool That Millions of People Can't Stop Talking About", "publisher": ["Hay House Inc"], "publish_date": ["December 2024"]}], "start": 0, "numFound": 3, "numFoundExact": true}, "author_name": ["Mel Robbins"], "first_publish_year": 2024}]	2026-11-29 07:40:29.508589+00	2026-12-29 07:40:29.508589+00
xai	27402daec1c1428e0e39ef346152dae3a8fe5be8f45d0eb2eaf804e9e624e3ae	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in October 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in October 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to October 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2023, "title": "Heartless Hunter", "author": "Kristen Ciccarelli", "format": "Hardcover", "publisher": ""}, {"year": 2023, "title": "King of Greed", "author": "Ana Huang", "format": "Hardcover", "publisher": ""}], "tokens": {"input": 449, "output": 554}, "cut_off": false}	2026-11-29 07:40:56.181209+00	\N
google_books	6ade30024bd784318742118ae14fe4383665f6d1bfa2a6b45df0df72b6dbd4da	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"madame\\" inauthor:\\"cate\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:41:00.754397+00	2026-11-30 03:41:00.754397+00
gemini	94aac5738462aa039bcb40d8f69064e3219d1c11a9c47f955e95c8bf0022430d	{"base": "http://127.0.0.1:41579/gemini", "prompt": "Name the notable books first published in October 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in October 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to October 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "gemini:gemini-3.5-flash"}	{"books": [{"year": 2023, "title": "Dirty Thirty", "author": "Janet Evanovich", "format": "Paperback", "publisher": ""}, {"year": 2023, "title": "Madame", "author": "Sara Cate", "format": "Paperback"}], "tokens": {"input": 449, "output": 905}, "cut_off": false}	2026-11-29 07:40:56.321544+00	\N
google_books	7c438e608ae18925da57ab53ecb34cdb6a0b203192871a862952fb0a66865c2d	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"heartless hunter\\" inauthor:\\"ciccarelli\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:56.493871+00	2026-11-30 03:40:56.493871+00
google_books	becd8623c7fbf2143b8e37d30958a0d3a83e917c9c837e2b51a2e584299c00d6	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "heartless hunter kristen ciccarelli", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:56.538111+00	2026-11-30 03:40:56.538111+00
google_books	104d3e138d96a31ae4cca372f21c35640b90727114800aa3fd54284cb2fbe464	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"king of greed\\" inauthor:\\"huang\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:57.660097+00	2026-11-30 03:40:57.660097+00
google_books	af264063c214afccd7d3877446c237ad409e85ca866c1964d7a654371b046ab8	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "king of greed ana huang", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:57.701113+00	2026-11-30 03:40:57.701113+00
google_books	aab4d9cf339133d1e5e90f40462186a51a6cbb3f3fc2cd4d621a1433ebc82f24	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "intitle:\\"dirty thirty\\" inauthor:\\"evanovich\\"", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:57.937162+00	2026-11-30 03:40:57.937162+00
google_books	70b2de29f288cc2be2f6597dc166f0cc0483859629acf4fd32865cf99d48889d	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "dirty thirty janet evanovich", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:40:57.993055+00	2026-11-30 03:40:57.993055+00
google_books	c815f121edcc1a177f735d7febfbfcdcb51979c27134c5a4539cf343d6a76f09	{"base": "http://127.0.0.1:41579/google_books", "body": null, "path": "/books/v1/volumes", "method": "GET", "params": {"q": "madame sara cate", "fields": "totalItems,items(id,volumeInfo(title,subtitle,authors,publisher,publishedDate,industryIdentifiers,pageCount,language))", "country": "US", "printType": "books", "maxResults": "20"}}	[]	2026-11-29 07:41:00.785081+00	2026-11-30 03:41:00.785081+00
gemini	77d166d632939616d6780bba9bdc88ee30fd3e2c70f7e2ac37821005bfc29d6c	{"base": "http://127.0.0.1:41579/gemini", "prompt": "Name the notable books first published in April 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in April 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to April 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "gemini:gemini-3.5-flash"}	{"books": [{"year": 2023, "title": "Lady Tan's Circle of Women", "author": "Lisa See", "format": "Hardcover", "publisher": ""}, {"year": 2023, "title": "Red Team Blues", "author": "Cory Doctorow", "format": "Paperback", "publisher": ""}], "tokens": {"input": 448, "output": 860}, "cut_off": false}	2026-11-29 07:42:05.307249+00	\N
xai	079ce8ee454530fc6eecdec1496888343f50660fcea45d1105acd7b4f6c84bf5	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in April 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in April 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to April 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2023, "title": "Pomegranate", "author": "Helen Elaine Lee", "format": "Hardcover", "publisher": ""}, {"year": 2023, "title": "Red Team Blues", "author": "Cory Doctorow", "format": "Paperback", "publisher": ""}], "tokens": {"input": 448, "output": 681}, "cut_off": false}	2026-11-29 07:42:05.373885+00	\N
xai	a483f100b70ca4a7c859751f610fc7e4f432e974770043eebbd676f9eec553e7	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in July 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in July 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to July 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2023, "title": "Madame", "author": "Sara Cate", "publisher": "Cate Books LLC, Sara"}, {"year": 2023, "title": "One of Us Is Back", "author": "Karen M. McManus", "format": "Hardcover", "publisher": ""}], "tokens": {"input": 447, "output": 719}, "cut_off": false}	2026-11-29 07:42:55.856491+00	\N
open_library	50a566be5cca5c005228c219873b752be9f3ff09d9c55680b2b397d146b6923c	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "madame", "author": "cate", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL36735576W", "isbn": ["9781956830262", "195683026X", "9781518634543", "1518634540"], "title": "Madame", "editions": {"docs": [{"key": "/books/OL60003456M", "isbn": ["195683026X", "9781956830262"], "title": "Madame", "format": ["Paperback"], "language": ["eng"], "publisher": ["Cate Books LLC, Sara"], "publish_date": ["October 12, 2023"]}], "start": 0, "numFound": 2, "numFoundExact": true}, "author_name": ["Sara Cate"], "first_publish_year": 2023}, {"key": "/works/OL95027518W", "isbn": ["9798428464597"], "title": "Workbook for Madame: A Companion in Exercises", "editions": {"docs": [{"key": "/books/OL70027518M", "isbn": ["9798428464597"], "title": "Workbook for Madame: A Companion in Exercises", "format": ["Spiral-bound"], "publisher": ["Margin Companions"], "publish_date": ["2024"]}], "start": 0, "numFound": 1, "numFoundExact": true}, "author_name": ["Sara Cate"], "first_publish_year": 2024}]	2026-11-29 07:42:56.005961+00	2026-12-29 07:42:56.005961+00
xai	d5ba08a1a2f00ac0ab8df97c4584c6284e4658dd9e6c2dbb74de1a90bd25df51	{"base": "http://127.0.0.1:41579/xai", "prompt": "Name the notable books first published in August 2023: prize winners and finalists, bestsellers, widely reviewed novels, important non-fiction, and the young adult and children's books that readers talked about. Prefer books that are in libraries today over books that were merely advertised.\\n\\nYou compile bibliographies for a library. List up to 2 books: 2 books if you are sure of that many, fewer if you are not. A short list of real books is worth more than a full one with guesses in it, so leave out every book whose title, author or month of first publication you would have to guess.\\n\\nWhich books count\\n- The book was first published in August 2023, anywhere in the world, in any language. Reprints, paperback releases of an older book, new translations and anniversary editions belong to the month of the first edition, not to August 2023.\\n- It appeared as a book with a publisher. Announced books that never appeared, articles, films, games and journals do not count.\\n- No study guides, summaries, workbooks, companions, box sets, calendars or omnibus editions. An anthology or a collection counts only if it was noted in its own right.\\n\\nHow to write each book\\n- title: the original title in its original language and script, without series name, edition or marketing line.\\n- author: the full name as on the title page, given name first; several authors separated by commas; no \\"various\\".\\n- publisher: the first publisher, or an empty text if you do not know it.\\n- format: Hardcover, Paperback or Ebook, as it first appeared, or an empty text.\\n- year: the year of first publication as a number.\\n\\nAnswer with one JSON object and nothing else: {\\"books\\": [{\\"title\\": \\"\\", \\"author\\": \\"\\", \\"publisher\\": \\"\\", \\"format\\": \\"\\", \\"year\\": 0}]}. List every book once, the one you are surest of first.\\n", "generator": "xai:grok-4.3"}	{"books": [{"year": 2023, "title": "The Coworker", "author": "Freida McFadden", "format": "Hardcover", "publisher": ""}, {"year": 2023, "title": "Start Without Me", "author": "Joshua Max Feldman", "format": "Paperback", "publisher": "HarperCollins"}], "tokens": {"input": 448, "output": 729}, "cut_off": false}	2026-11-29 07:43:00.255772+00	\N
open_library	38a801a01b07460f2e0a4a609759c71e0fc701e261ec1e65fd56289298776a08	{"base": "http://127.0.0.1:41579/open_library", "body": null, "path": "/search.json", "method": "GET", "params": {"limit": "5", "title": "start without me", "author": "feldman", "fields": "key,title,subtitle,author_name,first_publish_year,isbn,editions,editions.key,editions.title,editions.subtitle,editions.isbn,editions.publish_date,editions.publisher,editions.format,editions.language"}}	[{"key": "/works/OL95027737W", "isbn": ["675093686", "9798079020784"], "title": "Summary of Start Without Me by Joshua Max Feldman", "editions": {"docs": [{"key": "/books/OL70027737M", "isbn": ["9798079020784"], "title": "Summary of Start Without Me by Joshua Max Feldman", "format": ["Paperback"], "language": ["eng"], "publisher": ["Quickleaf Notes"], "publish_date": ["2024"]}], "start": 0, "numFound": 1, "numFoundExact": true}, "author_name": ["Quickleaf Notes"], "first_publish_year": 2024}, {"key": "/works/OL90003081W", "isbn": ["0062668749", "9780062668745"], "title": "Start Without Me", "editions": {"docs": [{"key": "/books/OL60003487M", "isbn": ["0062668749", "9780062668745"], "title": "Start Without Me", "format": ["Paperback"], "language": ["eng"], "publisher": ["HarperCollins"], "publish_date": ["2024-01-17"]}], "start": 0, "numFound": 1, "numFoundExact": true}, "author_name": ["Joshua Max Feldman"], "first_publish_year": 2024}]	2026-11-29 07:43:00.382033+00	2026-12-29 07:43:00.382033+00
\.
COPY public.attempt (token, year, month, job_id, created_at, began_at, ended_at, worker, outcome, code, reason) FROM stdin;
21f31290-5f85-452d-9f1b-ab992d1d6530	2023	11	168	2026-11-29 07:44:02.921893+00	\N	2026-11-29 07:44:02.995062+00	\N	superseded	\N	the month was reset or taken over
7953dc79-0637-4806-8872-0cdae2c57a58	2024	11	2	2026-11-29 07:40:24.1035+00	2026-11-29 07:40:25.992902+00	2026-11-29 07:40:29.416895+00	machine:9613	completed	\N	\N
e72a0813-11ab-4afe-81c9-9aabc5a616a6	2024	12	1	2026-11-29 07:40:24.1035+00	2026-11-29 07:40:25.953677+00	2026-11-29 07:40:29.510547+00	machine:9613	completed	\N	\N
38533f3e-67f5-40f9-89a8-7467ec17f473	2023	10	13	2026-11-29 07:40:45.71458+00	2026-11-29 07:40:50.656137+00	2026-11-29 07:41:01.190704+00	machine:10387	completed	\N	internet_archive: answered 503 (4 of 4 books did without it); isbndb: answered 503 (4 of 4 books did without it); open_library: answered 503 (4 of 4 books did without it)
4862fa46-7a56-46c4-832f-397f0f6b504c	2023	2	32	2026-11-29 07:41:07.50492+00	2026-11-29 07:41:12.032927+00	2026-11-29 07:41:19.84974+00	machine:10888	retry	no_books	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500
75854281-e6cd-4895-be3d-d4db74fd0cae	2023	1	42	2026-11-29 07:41:19.966924+00	2026-11-29 07:41:20.000914+00	2026-11-29 07:41:21.264911+00	machine:10888	retry	no_books	no generator named a book of 2023-01: gemini: answered 500; xai: answered 500
991715ec-f8c8-4582-b84d-f49986862713	2023	2	49	2026-11-29 07:41:22.791676+00	2026-11-29 07:41:22.82268+00	2026-11-29 07:41:24.009622+00	machine:10888	retry	no_books	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500
4c2738a8-3ae9-4664-a4ea-b8888ded2a17	2023	1	57	2026-11-29 07:41:25.809707+00	2026-11-29 07:41:25.868772+00	2026-11-29 07:41:27.093754+00	machine:10888	retry	no_books	no generator named a book of 2023-01: gemini: answered 500; xai: answered 500
b0f9c885-b15d-4621-a5c0-96de620db9c4	2023	2	56	2026-11-29 07:41:25.808892+00	2026-11-29 07:41:25.834485+00	2026-11-29 07:41:27.513173+00	machine:10888	retry	no_books	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500
bae0737e-eb40-4635-85f0-0c7fa5a8a519	2023	2	68	2026-11-29 07:41:30.588917+00	2026-11-29 07:41:30.638035+00	2026-11-29 07:41:32.049115+00	machine:10888	retry	no_books	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500
acac3d7a-8ae2-4e30-bd13-21c79720effc	2023	1	69	2026-11-29 07:41:30.637669+00	2026-11-29 07:41:30.718316+00	2026-11-29 07:41:32.481295+00	machine:10888	retry	no_books	no generator named a book of 2023-01: gemini: answered 500; xai: answered 500
41bb12fd-7e10-4b87-983f-1ec7e8371ff3	2023	1	79	2026-11-29 07:41:34.961111+00	2026-11-29 07:41:35.001437+00	2026-11-29 07:41:36.389088+00	machine:10888	retry	no_books	no generator named a book of 2023-01: gemini: answered 500; xai: answered 500
df82c2bd-2b24-4902-b6b4-935da49243f9	2023	2	78	2026-11-29 07:41:34.950498+00	2026-11-29 07:41:34.982495+00	2026-11-29 07:41:37.097513+00	machine:10888	failed	no_books	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500 (attempt 5 of 5)
031f7798-8ba0-4c08-a018-1fe758575462	2023	6	83	2026-11-29 07:41:41.172439+00	2026-11-29 07:41:45.469027+00	2026-11-29 07:41:51.240206+00	machine:11782	failed	no_books	no generator named a book of 2023-06: gemini: refuses our key with 400; xai: refuses our key with 400
f0fb7ac7-ebe8-445c-9e5a-c3f0047f02fa	2023	3	84	2026-11-29 07:41:41.172439+00	2026-11-29 07:41:45.548924+00	2026-11-29 07:41:51.252898+00	machine:11782	failed	no_books	no generator named a book of 2023-03: gemini: refuses our key with 400; xai: refuses our key with 400
27b56398-d9ea-4ec5-82dc-c038b2ab7417	2023	4	92	2026-11-29 07:41:54.74676+00	2026-11-29 07:41:59.25206+00	2026-11-29 07:42:12.088409+00	machine:11956	retry	no_sources	no source could be asked: google_books: answered 503; internet_archive: answered 503; isbndb: answered 503; open_library: answered 503
1e071710-2a08-499a-bca0-d89204b90780	2023	4	116	2026-11-29 07:42:15.907762+00	2026-11-29 07:42:15.946423+00	2026-11-29 07:42:21.651286+00	machine:11956	retry	no_sources	no source could be asked: internet_archive: answered 503; open_library: answered 503; isbndb: answered 503; google_books: answered 503
eb495d12-c6bb-4fe8-a870-470dbef28193	2023	5	125	2026-11-29 07:42:25.933061+00	2026-11-29 07:42:30.765611+00	2026-11-29 07:42:37.665169+00	machine:13089	snoozed	no_books	no generator named a book of 2023-05: gemini: the day's allowance is used up; xai: the account has no credit or no allowance for this model
e7e16ee7-3220-41fd-a720-cdab4c313f3a	2023	7	135	2026-11-29 07:42:41.340728+00	2026-11-29 07:42:46.87444+00	\N	machine:13756	\N	\N	\N
73425722-52a4-41be-a640-7540996ed9aa	2023	9	152	2026-11-29 07:43:00.507536+00	2026-11-29 07:43:04.220116+00	2026-11-29 07:43:04.220116+00	machine:14767	snoozed	paused	paused by cli ann until 2026-11-29 07:43 UTC: maintenance of the network
ae464523-b28f-4e31-8e62-577a05da2004	2023	8	138	2026-11-29 07:42:47.04552+00	2026-11-29 07:42:53.214065+00	2026-11-29 07:43:05.718172+00	machine:14090	snoozed	paused	the worker was stopped; another takes over
b93d61db-514b-43f1-88f2-1bcc502cdd27	2023	12	165	2026-11-29 07:44:00.513344+00	\N	\N	\N	\N	\N	\N
57ba2f75-9518-4f19-b147-d8f93a07198e	2024	10	166	2026-11-29 07:44:02.696231+00	\N	\N	\N	\N	\N	\N
29e2c852-d135-4c25-9b1a-cf18ff723032	2024	9	167	2026-11-29 07:44:02.696231+00	\N	\N	\N	\N	\N	\N
\.
COPY public.audit (id, at, who, act, detail) FROM stdin;
1	2026-11-29 07:40:42.534144+00	cli ann	enrich	{"isbns": [], "editions": 10, "older_than_days": 0}
2	2026-11-29 07:41:22.756152+00	cli ann	retry	{"woken": ["2023-02"], "months": [], "reason": null}
3	2026-11-29 07:41:25.766642+00	cli ann	retry	{"woken": ["2023-02", "2023-01"], "months": [], "reason": null}
4	2026-11-29 07:41:30.485352+00	cli ann	retry	{"woken": ["2023-02", "2023-01"], "months": [], "reason": null}
5	2026-11-29 07:41:34.929328+00	cli ann	retry	{"woken": ["2023-02", "2023-01"], "months": [], "reason": null}
6	2026-11-29 07:42:15.874255+00	cli ann	retry	{"woken": ["2023-04"], "months": [], "reason": null}
7	2026-11-29 07:43:00.708267+00	cli ann	pause	{"until": "2026-11-29T07:43:40.534793+00:00", "reason": "maintenance of the network"}
\.
COPY public.backfill_log (id, year, month, status, books_generated, isbns_resolved, isbns_queued, resolution_rate, gemini_calls, xai_calls, isbndb_calls, started_at, completed_at, retry_count, last_retry_at, error_message, prompt_variant, batch_size, attempt_token, next_attempt_at, blocked_reason, error_code, updated_at) FROM stdin;
12	2023	12	processing	0	0	0	0.00	0	0	0	2026-11-29 07:44:00.513344+00	\N	0	\N	\N	\N	2	b93d61db-514b-43f1-88f2-1bcc502cdd27	\N	\N	\N	2026-11-29 07:44:00.513344+00
11	2023	11	pending	0	0	0	0.00	0	0	0	2026-11-29 07:44:02.921893+00	\N	1	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:44:02.995062+00
10	2023	10	completed	4	0	0	0.00	1	1	12	2026-11-29 07:40:45.71458+00	2026-11-29 07:41:01.190704+00	0	\N	internet_archive: answered 503 (4 of 4 books did without it); isbndb: answered 503 (4 of 4 books did without it); open_library: answered 503 (4 of 4 books did without it)	contemporary-notable	2	\N	\N	\N	\N	2026-11-29 07:41:01.190704+00
6	2023	6	failed	0	0	0	0.00	1	1	0	2026-11-29 07:41:41.172439+00	2026-11-29 07:41:51.240206+00	1	2026-11-29 07:41:51.240206+00	no generator named a book of 2023-06: gemini: refuses our key with 400; xai: refuses our key with 400	\N	2	\N	\N	\N	no_books	2026-11-29 07:41:51.240206+00
3	2023	3	failed	0	0	0	0.00	1	1	0	2026-11-29 07:41:41.172439+00	2026-11-29 07:41:51.252898+00	1	2026-11-29 07:41:51.252898+00	no generator named a book of 2023-03: gemini: refuses our key with 400; xai: refuses our key with 400	\N	2	\N	\N	\N	no_books	2026-11-29 07:41:51.252898+00
4	2023	4	retry	0	0	0	0.00	1	1	18	2026-11-29 07:42:15.907762+00	\N	2	2026-11-29 07:42:21.651286+00	no source could be asked: internet_archive: answered 503; open_library: answered 503; isbndb: answered 503; google_books: answered 503	\N	2	\N	2026-11-29 07:43:34.075656+00	\N	no_sources	2026-11-29 07:42:21.651286+00
5	2023	5	retry	0	0	0	0.00	1	1	0	2026-11-29 07:42:25.933061+00	\N	0	\N	\N	\N	2	\N	2026-11-30 00:00:00+00	no generator named a book of 2023-05: gemini: the day's allowance is used up; xai: the account has no credit or no allowance for this model	no_books	2026-11-29 07:42:37.665169+00
7	2023	7	processing	0	0	0	0.00	0	0	0	2026-11-29 07:42:41.340728+00	\N	0	\N	\N	\N	2	e7e16ee7-3220-41fd-a720-cdab4c313f3a	\N	\N	\N	2026-11-29 07:42:41.340728+00
13	2024	1	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
14	2024	2	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
15	2024	3	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
1	2023	1	retry	0	0	0	0.00	12	12	0	2026-11-29 07:41:34.961111+00	\N	4	2026-11-29 07:41:36.389088+00	no generator named a book of 2023-01: gemini: answered 500; xai: answered 500	\N	2	\N	2026-11-29 07:44:43.187704+00	\N	no_books	2026-11-29 07:41:36.389088+00
2	2023	2	failed	0	0	0	0.00	15	15	0	2026-11-29 07:41:34.950498+00	2026-11-29 07:41:37.097513+00	5	2026-11-29 07:41:37.097513+00	no generator named a book of 2023-02: gemini: answered 500; xai: answered 500 (attempt 5 of 5)	\N	2	\N	\N	\N	no_books	2026-11-29 07:41:37.097513+00
9	2023	9	retry	0	0	0	0.00	0	0	0	2026-11-29 07:43:00.507536+00	\N	0	\N	\N	\N	2	\N	2026-11-29 07:43:40.534793+00	paused by cli ann until 2026-11-29 07:43 UTC: maintenance of the network	paused	2026-11-29 07:43:04.220116+00
8	2023	8	retry	0	0	0	0.00	0	1	0	2026-11-29 07:42:47.04552+00	\N	0	\N	\N	\N	2	\N	2026-11-29 07:43:05.718692+00	the worker was stopped; another takes over	paused	2026-11-29 07:43:05.718172+00
16	2024	4	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
17	2024	5	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
18	2024	6	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
19	2024	7	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
20	2024	8	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
21	2024	9	processing	0	0	0	0.00	0	0	0	2026-11-29 07:44:02.696231+00	\N	0	\N	\N	\N	2	29e2c852-d135-4c25-9b1a-cf18ff723032	\N	\N	\N	2026-11-29 07:44:02.696231+00
22	2024	10	processing	0	0	0	0.00	0	0	0	2026-11-29 07:44:02.696231+00	\N	0	\N	\N	\N	2	57ba2f75-9518-4f19-b147-d8f93a07198e	\N	\N	\N	2026-11-29 07:44:02.696231+00
61	2022	1	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
62	2022	2	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
63	2022	3	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
64	2022	4	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
65	2022	5	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
66	2022	6	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
67	2022	7	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
68	2022	8	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
69	2022	9	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
70	2022	10	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
71	2022	11	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
72	2022	12	pending	0	0	0	0.00	0	0	0	\N	\N	0	\N	\N	\N	2	\N	\N	\N	\N	2026-11-29 07:40:20.248925+00
23	2024	11	completed	3	3	3	100.00	1	1	0	2026-11-29 07:40:24.1035+00	2026-11-29 07:40:29.416895+00	0	\N	\N	contemporary-notable	2	\N	\N	\N	\N	2026-11-29 07:40:29.416895+00
24	2024	12	completed	3	3	3	100.00	1	1	0	2026-11-29 07:40:24.1035+00	2026-11-29 07:40:29.510547+00	0	\N	\N	contemporary-notable	2	\N	\N	\N	\N	2026-11-29 07:40:29.510547+00
\.
COPY public.call (id, provider, route, sent_at, ms, units, status, error, year, month, attempt_token) FROM stdin;
1	xai	/xai/v1/chat/completions	2026-11-29 07:40:29.066573+00	32	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
2	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:40:29.010973+00	95	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
3	xai	/xai/v1/chat/completions	2026-11-29 07:40:29.071898+00	93	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
4	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:40:28.965658+00	204	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
5	open_library	/open_library/search.json	2026-11-29 07:40:29.310403+00	12	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
6	open_library	/open_library/search.json	2026-11-29 07:40:29.322751+00	10	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
7	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:29.322338+00	35	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
8	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:29.322605+00	52	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
9	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:29.345213+00	29	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
10	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:29.380976+00	8	1	200		2024	11	7953dc79-0637-4806-8872-0cdae2c57a58
11	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:29.335394+00	53	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
12	open_library	/open_library/search.json	2026-11-29 07:40:29.425862+00	7	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
13	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:29.425408+00	19	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
14	open_library	/open_library/search.json	2026-11-29 07:40:29.489421+00	17	1	200		2024	12	e72a0813-11ab-4afe-81c9-9aabc5a616a6
15	open_library	/open_library/api/books	2026-11-29 07:40:39.421238+00	16	1	200		\N	\N	\N
16	open_library	/open_library/search.json	2026-11-29 07:40:39.461337+00	31	1	200		\N	\N	\N
17	isbndb	/isbndb/books	2026-11-29 07:40:39.679663+00	30	10	200		\N	\N	\N
18	open_library	/open_library/api/books	2026-11-29 07:40:43.619802+00	7	1	503		\N	\N	\N
19	open_library	/open_library/api/books	2026-11-29 07:40:44.414924+00	2	1	503		\N	\N	\N
20	open_library	/open_library/api/books	2026-11-29 07:40:45.55019+00	2	1	503		\N	\N	\N
21	xai	/xai/v1/chat/completions	2026-11-29 07:40:56.021222+00	113	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
22	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:40:55.981127+00	274	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
23	open_library	/open_library/search.json	2026-11-29 07:40:56.405452+00	12	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
24	open_library	/open_library/search.json	2026-11-29 07:40:56.42105+00	5	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
25	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:56.437781+00	13	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
26	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:56.473229+00	12	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
27	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:56.50208+00	14	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
28	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:56.549342+00	5	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
29	open_library	/open_library/search.json	2026-11-29 07:40:56.813318+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
30	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:56.945955+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
31	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:57.194158+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
32	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:57.429338+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
33	open_library	/open_library/search.json	2026-11-29 07:40:57.469277+00	5	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
34	isbndb	/isbndb/books/heartless hunter kristen ciccarelli	2026-11-29 07:40:57.495147+00	15	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
35	open_library	/open_library/search.json	2026-11-29 07:40:57.61404+00	11	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
36	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:57.640348+00	14	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
37	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:57.676235+00	14	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
38	isbndb	/isbndb/books/king of greed ana huang	2026-11-29 07:40:57.704029+00	8	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
39	open_library	/open_library/search.json	2026-11-29 07:40:57.889297+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
40	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:57.916822+00	13	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
41	google_books	/google_books/books/v1/volumes	2026-11-29 07:40:57.962021+00	24	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
42	isbndb	/isbndb/books/heartless hunter kristen ciccarelli	2026-11-29 07:40:57.978119+00	7	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
43	isbndb	/isbndb/books/dirty thirty janet evanovich	2026-11-29 07:40:58.012484+00	7	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
44	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:58.242022+00	7	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
45	open_library	/open_library/search.json	2026-11-29 07:40:58.268916+00	13	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
46	isbndb	/isbndb/books/king of greed ana huang	2026-11-29 07:40:58.322023+00	3	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
47	isbndb	/isbndb/books/dirty thirty janet evanovich	2026-11-29 07:40:58.360025+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
48	isbndb	/isbndb/books/dirty thirty janet evanovich	2026-11-29 07:40:58.761302+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
49	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:58.793141+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
50	isbndb	/isbndb/books/heartless hunter kristen ciccarelli	2026-11-29 07:40:58.822057+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
51	open_library	/open_library/search.json	2026-11-29 07:40:58.815874+00	10	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
52	open_library	/open_library/search.json	2026-11-29 07:40:58.854892+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
53	open_library	/open_library/search.json	2026-11-29 07:40:59.085336+00	8	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
54	isbndb	/isbndb/books/madame sara cate	2026-11-29 07:40:59.105694+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
55	isbndb	/isbndb/books/king of greed ana huang	2026-11-29 07:40:59.153334+00	3	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
56	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:59.171105+00	14	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
57	open_library	/open_library/search.json	2026-11-29 07:40:59.288126+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
58	open_library	/open_library/search.json	2026-11-29 07:40:59.664971+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
59	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:40:59.686789+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
60	isbndb	/isbndb/books/madame sara cate	2026-11-29 07:41:00.081038+00	9	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
61	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:41:00.254476+00	3	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
62	isbndb	/isbndb/books/madame sara cate	2026-11-29 07:41:00.695392+00	3	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
63	google_books	/google_books/books/v1/volumes	2026-11-29 07:41:00.735175+00	14	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
64	google_books	/google_books/books/v1/volumes	2026-11-29 07:41:00.760989+00	21	1	200		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
65	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:41:00.866518+00	2	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
66	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:41:01.177287+00	4	1	503		2023	10	38533f3e-67f5-40f9-89a8-7467ec17f473
67	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:17.801624+00	44	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
68	xai	/xai/v1/chat/completions	2026-11-29 07:41:17.889338+00	7	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
69	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:18.235376+00	2	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
70	xai	/xai/v1/chat/completions	2026-11-29 07:41:18.798203+00	3	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
71	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:18.857761+00	5	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
72	xai	/xai/v1/chat/completions	2026-11-29 07:41:19.834608+00	3	1	500		2023	2	4862fa46-7a56-46c4-832f-397f0f6b504c
73	xai	/xai/v1/chat/completions	2026-11-29 07:41:20.025727+00	3	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
74	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:20.038187+00	7	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
75	xai	/xai/v1/chat/completions	2026-11-29 07:41:20.265981+00	2	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
76	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:20.877145+00	2	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
77	xai	/xai/v1/chat/completions	2026-11-29 07:41:20.955901+00	6	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
78	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:21.253234+00	2	1	500		2023	1	75854281-e6cd-4895-be3d-d4db74fd0cae
79	xai	/xai/v1/chat/completions	2026-11-29 07:41:22.866235+00	3	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
80	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:22.888796+00	6	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
81	xai	/xai/v1/chat/completions	2026-11-29 07:41:23.094999+00	11	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
82	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:23.369294+00	9	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
83	xai	/xai/v1/chat/completions	2026-11-29 07:41:23.643779+00	4	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
84	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:23.994508+00	8	1	500		2023	2	991715ec-f8c8-4582-b84d-f49986862713
85	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:25.883932+00	12	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
86	xai	/xai/v1/chat/completions	2026-11-29 07:41:25.88361+00	23	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
87	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:25.938562+00	7	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
88	xai	/xai/v1/chat/completions	2026-11-29 07:41:25.929083+00	4	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
89	xai	/xai/v1/chat/completions	2026-11-29 07:41:26.461259+00	9	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
90	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:26.603548+00	17	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
91	xai	/xai/v1/chat/completions	2026-11-29 07:41:26.629832+00	12	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
92	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:26.98181+00	6	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
93	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:27.089399+00	1	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
94	xai	/xai/v1/chat/completions	2026-11-29 07:41:27.086626+00	3	1	500		2023	1	4c2738a8-3ae9-4664-a4ea-b8888ded2a17
95	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:27.465181+00	4	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
96	xai	/xai/v1/chat/completions	2026-11-29 07:41:27.485783+00	6	1	500		2023	2	b0f9c885-b15d-4621-a5c0-96de620db9c4
97	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:30.711795+00	22	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
98	xai	/xai/v1/chat/completions	2026-11-29 07:41:30.717036+00	24	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
99	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:30.781413+00	10	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
100	xai	/xai/v1/chat/completions	2026-11-29 07:41:30.794232+00	5	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
101	xai	/xai/v1/chat/completions	2026-11-29 07:41:30.889226+00	12	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
102	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:30.906801+00	14	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
103	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:31.385422+00	2	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
104	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:31.419304+00	6	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
105	xai	/xai/v1/chat/completions	2026-11-29 07:41:31.577456+00	4	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
106	xai	/xai/v1/chat/completions	2026-11-29 07:41:31.993351+00	3	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
107	xai	/xai/v1/chat/completions	2026-11-29 07:41:32.017249+00	2	1	500		2023	2	bae0737e-eb40-4635-85f0-0c7fa5a8a519
108	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:32.462306+00	12	1	500		2023	1	acac3d7a-8ae2-4e30-bd13-21c79720effc
109	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:35.069157+00	30	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
110	xai	/xai/v1/chat/completions	2026-11-29 07:41:35.069538+00	29	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
111	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:35.115055+00	12	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
112	xai	/xai/v1/chat/completions	2026-11-29 07:41:35.114496+00	12	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
113	xai	/xai/v1/chat/completions	2026-11-29 07:41:35.360037+00	5	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
114	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:35.871587+00	2	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
115	xai	/xai/v1/chat/completions	2026-11-29 07:41:36.039081+00	5	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
116	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:36.063618+00	2	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
117	xai	/xai/v1/chat/completions	2026-11-29 07:41:36.346297+00	5	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
118	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:36.371906+00	5	1	500		2023	1	41bb12fd-7e10-4b87-983f-1ec7e8371ff3
119	xai	/xai/v1/chat/completions	2026-11-29 07:41:36.486903+00	9	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
120	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:37.082724+00	5	1	500		2023	2	df82c2bd-2b24-4902-b6b4-935da49243f9
121	xai	/xai/v1/chat/completions	2026-11-29 07:41:51.041366+00	73	1	400		2023	3	f0fb7ac7-ebe8-445c-9e5a-c3f0047f02fa
122	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:51.089631+00	25	1	400		2023	6	031f7798-8ba0-4c08-a018-1fe758575462
123	xai	/xai/v1/chat/completions	2026-11-29 07:41:51.103809+00	17	1	400		2023	6	031f7798-8ba0-4c08-a018-1fe758575462
124	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:41:51.104524+00	28	1	400		2023	3	f0fb7ac7-ebe8-445c-9e5a-c3f0047f02fa
125	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:42:05.16074+00	99	1	200		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
126	xai	/xai/v1/chat/completions	2026-11-29 07:42:05.210114+00	97	1	200		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
127	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:05.442741+00	12	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
132	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:06.526113+00	3	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
136	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:06.78668+00	15	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
138	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:07.171444+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
142	open_library	/open_library/search.json	2026-11-29 07:42:07.691937+00	2	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
147	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:08.429797+00	2	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
151	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:08.982203+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
153	open_library	/open_library/search.json	2026-11-29 07:42:09.269282+00	4	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
157	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:09.931592+00	15	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
159	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:10.633175+00	8	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
161	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:11.461193+00	11	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
165	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:16.006398+00	17	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
169	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:16.726757+00	9	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
176	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:17.781391+00	5	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
178	open_library	/open_library/search.json	2026-11-29 07:42:18.006216+00	15	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
190	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:19.979109+00	15	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
192	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:20.060837+00	4	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
195	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:20.817558+00	4	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
128	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:05.483596+00	14	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
129	open_library	/open_library/search.json	2026-11-29 07:42:05.477552+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
130	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:05.799583+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
131	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:05.921232+00	5	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
133	open_library	/open_library/search.json	2026-11-29 07:42:06.541777+00	5	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
134	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:06.589211+00	9	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
135	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:06.761433+00	7	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
137	open_library	/open_library/search.json	2026-11-29 07:42:06.821143+00	8	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
139	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:07.248987+00	13	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
140	open_library	/open_library/search.json	2026-11-29 07:42:07.565781+00	16	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
141	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:07.597741+00	13	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
143	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:07.877467+00	3	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
144	open_library	/open_library/search.json	2026-11-29 07:42:08.069203+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
145	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:08.081088+00	4	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
146	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:08.329259+00	20	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
148	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:08.671365+00	3	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
149	open_library	/open_library/search.json	2026-11-29 07:42:08.682236+00	12	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
150	open_library	/open_library/search.json	2026-11-29 07:42:08.961314+00	2	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
152	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:09.033188+00	5	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
154	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:09.551773+00	14	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
155	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:09.589305+00	6	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
156	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:09.906967+00	2	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
158	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:10.197315+00	8	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
160	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:10.656531+00	4	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
162	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:12.063906+00	3	1	503		2023	4	27b56398-d9ea-4ec5-82dc-c038b2ab7417
163	open_library	/open_library/search.json	2026-11-29 07:42:15.990865+00	19	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
164	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:15.998417+00	22	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
166	open_library	/open_library/search.json	2026-11-29 07:42:16.192691+00	6	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
167	open_library	/open_library/search.json	2026-11-29 07:42:16.49416+00	5	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
168	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:16.521839+00	12	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
170	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:17.131918+00	6	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
171	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:17.505264+00	8	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
172	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:17.659895+00	14	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
173	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:17.677402+00	7	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
174	open_library	/open_library/search.json	2026-11-29 07:42:17.715089+00	13	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
175	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:17.715598+00	13	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
177	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:17.80059+00	11	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
179	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:18.170605+00	3	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
180	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:18.435669+00	6	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
181	open_library	/open_library/search.json	2026-11-29 07:42:18.650416+00	12	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
182	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:18.706441+00	8	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
183	isbndb	/isbndb/books/pomegranate helen elaine lee	2026-11-29 07:42:18.890694+00	2	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
184	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:18.909198+00	9	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
185	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:18.935893+00	4	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
186	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:18.958614+00	7	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
187	isbndb	/isbndb/books/lady tan's circle of women lisa see	2026-11-29 07:42:19.272718+00	13	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
188	isbndb	/isbndb/books/red team blues cory doctorow	2026-11-29 07:42:19.804528+00	3	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
189	internet_archive	/internet_archive/advancedsearch.php	2026-11-29 07:42:19.88465+00	3	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
191	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:20.010752+00	14	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
193	open_library	/open_library/search.json	2026-11-29 07:42:20.097182+00	16	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
194	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:20.80522+00	6	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
196	open_library	/open_library/search.json	2026-11-29 07:42:21.02271+00	15	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
197	google_books	/google_books/books/v1/volumes	2026-11-29 07:42:21.047872+00	10	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
198	open_library	/open_library/search.json	2026-11-29 07:42:21.641124+00	2	1	503		2023	4	1e071710-2a08-499a-bca0-d89204b90780
199	gemini	/gemini/v1beta/models/gemini-3.5-flash:generateContent	2026-11-29 07:42:37.556187+00	75	1	429		2023	5	eb495d12-c6bb-4fe8-a870-470dbef28193
200	xai	/xai/v1/chat/completions	2026-11-29 07:42:37.609394+00	28	1	429		2023	5	eb495d12-c6bb-4fe8-a870-470dbef28193
201	xai	/xai/v1/chat/completions	2026-11-29 07:42:55.679105+00	121	1	200		2023	7	e7e16ee7-3220-41fd-a720-cdab4c313f3a
202	open_library	/open_library/search.json	2026-11-29 07:42:55.97586+00	26	1	200		2023	7	e7e16ee7-3220-41fd-a720-cdab4c313f3a
203	xai	/xai/v1/chat/completions	2026-11-29 07:43:00.118439+00	73	1	200		2023	8	ae464523-b28f-4e31-8e62-577a05da2004
204	open_library	/open_library/search.json	2026-11-29 07:43:00.362718+00	11	1	200		2023	8	ae464523-b28f-4e31-8e62-577a05da2004
205	google_books	/google_books/books/v1/volumes	2026-11-29 07:43:00.399023+00	5296	1	\N	cancelled	2023	8	ae464523-b28f-4e31-8e62-577a05da2004
\.
COPY public.candidate (id, year, month, "position", title, author, named_by, work_id, isbn13, source, score, reason, evidence, unavailable, named_year, in_month, looks, look_again_at, hindered) FROM stdin;
1	2024	11	0	The Frozen River: A GMA Book Club Pick	Ariel Lawhon	{gemini,xai}	1	9780593312070	google_books	100.00	same title; same author; published 2024, as named	[{"score": 100.0, "title": "The Frozen River: A GMA Book Club Pick", "isbn13": "9780593312070", "source": "google_books", "authors": ["Ariel Lawhon"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "A Novel", "published": "2024-11", "publisher": "Random House", "source_id": "2mBxEnROQBAJ", "fetched_at": "2026-11-29T07:40:29.409831+00:00"}, {"score": 100.0, "title": "The Frozen River: A GMA Book Club Pick", "isbn13": "9781412655361", "source": "google_books", "authors": ["Ariel Lawhon"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "A Novel", "published": "2024", "publisher": "Wayside Reprints", "source_id": "2mCqgg3lQBAJ", "fetched_at": "2026-11-29T07:40:29.409831+00:00"}, {"score": 100.0, "title": "The Frozen River: A GMA Book Club Pick (Large Print)", "isbn13": "9781794621374", "source": "google_books", "authors": ["Ariel Lawhon"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024-11", "publisher": "Broadtype Editions", "source_id": "2mDGXMruQBAJ", "fetched_at": "2026-11-29T07:40:29.409831+00:00"}, {"score": 72.0, "title": "The Frozen River: A GMA Book Club Pick (Spanish Edition)", "isbn13": "9798558553390", "source": "open_library", "authors": ["Ariel Lawhon"], "binding": "Paperback", "reasons": ["same title", "same author", "published 2024, as named", "an edition in another language, es for en"], "verdict": "doubt", "language": "", "subtitle": "A Novel", "published": "2024", "publisher": "Ediciones Farola", "source_id": "/books/OL70028398M", "fetched_at": "2026-11-29T07:40:29.348348+00:00"}, {"score": 72.0, "title": "The Frozen River: A GMA Book Club Pick (Spanish Edition)", "isbn13": null, "source": "google_books", "authors": ["Ariel Lawhon"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named", "an edition in another language, es for en"], "verdict": "doubt", "language": "es", "subtitle": "A Novel", "published": "2024", "publisher": "Ediciones Farola", "source_id": "2mVZ37OAQBAJ", "fetched_at": "2026-11-29T07:40:29.409831+00:00"}, {"score": 0.0, "title": "Workbook for The Frozen River: A GMA Book Club Pick: A Companion in Exercises", "isbn13": "9798322485414", "source": "open_library", "authors": ["Ariel Lawhon"], "binding": "Spiral-bound", "reasons": ["one title has words more: workbook for companion in exercises", "one is a study guide or summary, the other is not", "same author"], "verdict": "refuse", "language": "", "subtitle": "", "published": "2024", "publisher": "Margin Companions", "source_id": "/books/OL70028400M", "fetched_at": "2026-11-29T07:40:29.348348+00:00"}]	{}	2024	confirmed	1	\N	f
2	2024	11	1	Half Baked Harvest Quick & Cozy: A Cookbook	Tieghan Gerard	{gemini}	2	9780593232576	google_books	100.00	same title; same author; published 2024, as named	[{"score": 100.0, "title": "Half Baked Harvest Quick & Cozy: A Cookbook", "isbn13": "9780593232576", "source": "google_books", "authors": ["Tieghan Gerard"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024", "publisher": "Random House", "source_id": "2mBxESlEQBAJ", "fetched_at": "2026-11-29T07:40:29.367875+00:00"}, {"score": 72.0, "title": "Half Baked Harvest Quick & Cozy: A Cookbook (Spanish Edition)", "isbn13": "9798120859301", "source": "google_books", "authors": ["Tieghan Gerard"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named", "an edition in another language, es for en"], "verdict": "doubt", "language": "es", "subtitle": "", "published": "2024", "publisher": "Ediciones Farola", "source_id": "2mV5QbA5QBAJ", "fetched_at": "2026-11-29T07:40:29.367875+00:00"}, {"score": 0.0, "title": "Workbook for Half Baked Harvest Quick & Cozy: A Cookbook: A Companion in Exercises", "isbn13": "9798884791329", "source": "google_books", "authors": ["Tieghan Gerard"], "binding": "", "reasons": ["one title has words more: workbook for companion in exercises", "one is a study guide or summary, the other is not", "same author"], "verdict": "refuse", "language": "en", "subtitle": "", "published": "2024", "publisher": "Margin Companions", "source_id": "2mVv7ymPQBAJ", "fetched_at": "2026-11-29T07:40:29.367875+00:00"}]	{}	2024	unknown	1	\N	f
3	2024	11	2	Dog Man 13: Big Jim Begins	Dav Pilkey	{xai}	3	9781476513997	internet_archive	100.00	same title; same author; same number in the series, 13; published 2024, as named	[{"score": 100.0, "title": "Dog Man 13: Big Jim Begins", "isbn13": "9781476513997", "source": "internet_archive", "authors": ["Dav Pilkey"], "binding": "", "reasons": ["same title", "same author", "same number in the series, 13", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024", "publisher": "Wayside Reprints", "source_id": "isbn_9781476513997", "fetched_at": "2026-11-29T07:40:29.382851+00:00"}, {"score": 2.0, "title": "Dog man 13: big jim begins", "isbn13": "9781338896459", "source": "internet_archive", "authors": ["Pilkey, Dav"], "binding": "", "reasons": ["same title", "one is a graphic novel, the other is not", "same author", "same number in the series, 13"], "verdict": "refuse", "language": "en", "subtitle": "a graphic novel: from the creator of captain underpants", "published": "2024-12-01", "publisher": "Graphix", "source_id": "isbn_9781338896459", "fetched_at": "2026-11-29T07:40:29.382851+00:00"}, {"score": 2.0, "title": "Dog man 13: big jim begins (spanish edition)", "isbn13": "9798622412028", "source": "internet_archive", "authors": ["Pilkey, Dav"], "binding": "", "reasons": ["same title", "one is a graphic novel, the other is not", "same author", "same number in the series, 13"], "verdict": "refuse", "language": "es", "subtitle": "a graphic novel: from the creator of captain underpants", "published": "2024", "publisher": "Ediciones Farola", "source_id": "dogman13bigjimbe0000pilk_4j3q20i", "fetched_at": "2026-11-29T07:40:29.382851+00:00"}]	{}	2024	unknown	1	\N	f
4	2024	12	0	The Best American Short Stories 2024	Groff, Lauren	{gemini}	4	9780063275973	open_library	100.00	same title; same author; published 2024, as named	[{"score": 100.0, "title": "The best american short stories 2024 (large print)", "isbn13": "9781481539104", "source": "internet_archive", "authors": ["Lauren, Groff", "Pitlor, Heidi"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024-10-22", "publisher": "Broadtype Editions", "source_id": "thebestamericans0000laur_3qr77sm", "fetched_at": "2026-11-29T07:40:29.408231+00:00"}, {"score": 100.0, "title": "The Best American Short Stories 2024", "isbn13": "9780063275973", "source": "open_library", "authors": ["Groff, Lauren", "Heidi Pitlor"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024-10", "publisher": "HarperCollins", "source_id": "/books/OL60003558M", "fetched_at": "2026-11-29T07:40:29.441324+00:00"}]	{}	2024	contradicted	1	\N	f
5	2024	12	1	Wind and Truth	Brandon Sanderson	{gemini,xai}	5	9781250319180	open_library	100.00	same title; same author; published 2024, as named	[{"score": 100.0, "title": "Wind and Truth", "isbn13": "9781250319180", "source": "open_library", "authors": ["Brandon Sanderson"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024-12", "publisher": "Tor", "source_id": "/books/OL60003567M", "fetched_at": "2026-11-29T07:40:29.357770+00:00"}]	{}	2024	confirmed	1	\N	f
6	2024	12	2	The Let Them Theory	Mel Robbins	{xai}	6	9781401971366	open_library	96.00	same title before the colon; same author; published 2024, as named	[{"score": 100.0, "title": "The Let Them Theory (Large Print)", "isbn13": "9781296174095", "source": "google_books", "authors": ["Robbins, Mel"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024-12", "publisher": "Broadtype Editions", "source_id": "2mCinvxfQBAJ", "fetched_at": "2026-11-29T07:40:29.388138+00:00"}, {"score": 100.0, "title": "The Let Them Theory (Large Print)", "isbn13": "9781296174095", "source": "internet_archive", "authors": ["Mel Robbins"], "binding": "", "reasons": ["same title", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "", "published": "2024", "publisher": "Broadtype Editions", "source_id": "theletthemtheory0000robb_3qg5wxt", "fetched_at": "2026-11-29T07:40:29.460635+00:00"}, {"score": 96.0, "title": "The Let Them Theory", "isbn13": "9781401971366", "source": "open_library", "authors": ["Mel Robbins"], "binding": "Paperback", "reasons": ["same title before the colon", "same author", "published 2024, as named"], "verdict": "accept", "language": "en", "subtitle": "A Life-Changing Tool That Millions of People Can't Stop Talking About", "published": "2024-12", "publisher": "Hay House Inc", "source_id": "/books/OL60003569M", "fetched_at": "2026-11-29T07:40:29.508589+00:00"}, {"score": 51.0, "title": "The Let Them Theory", "isbn13": "9781401971366", "source": "google_books", "authors": [], "binding": "", "reasons": ["same title before the colon", "no author to compare", "only part of the title agrees, and the author's given name does not confirm it", "published 2024, as named"], "verdict": "refuse", "language": "en", "subtitle": "A Life-Changing Tool That Millions of People Can't Stop Talking About", "published": "2024-12", "publisher": "Hay House Inc", "source_id": "2mCpxqfGQBAJ", "fetched_at": "2026-11-29T07:40:29.388138+00:00"}, {"score": 0.0, "title": "Summary of The Let Them Theory by Mel Robbins", "isbn13": "9798969936164", "source": "google_books", "authors": ["Quickleaf Notes"], "binding": "", "reasons": ["one title has words more: summary of by mel robbins", "one is a study guide or summary, the other is not", "another author"], "verdict": "refuse", "language": "en", "subtitle": "", "published": "2024", "publisher": "Quickleaf Notes", "source_id": "2mW0tEqCQBAJ", "fetched_at": "2026-11-29T07:40:29.388138+00:00"}]	{}	2024	confirmed	1	\N	f
7	2023	10	0	Dirty Thirty	Janet Evanovich	{gemini}	7	\N		0.00	no source knows it; not asked: open_library, isbndb, internet_archive	[]	{"isbndb": "isbndb: answered 503", "open_library": "open_library: answered 503", "internet_archive": "internet_archive: answered 503"}	2023	unknown	1	2026-11-30 00:10:00+00	t
8	2023	10	1	Madame	Sara Cate	{gemini}	8	\N		0.00	no source knows it; not asked: internet_archive, open_library, isbndb	[]	{"isbndb": "isbndb: answered 503", "open_library": "open_library: answered 503", "internet_archive": "internet_archive: answered 503"}	2023	unknown	1	2026-11-30 00:10:00+00	t
9	2023	10	2	Heartless Hunter	Kristen Ciccarelli	{xai}	9	\N		0.00	no source knows it; not asked: internet_archive, isbndb, open_library	[]	{"isbndb": "isbndb: answered 503", "open_library": "open_library: answered 503", "internet_archive": "internet_archive: answered 503"}	2023	unknown	1	2026-11-30 00:10:00+00	t
10	2023	10	3	King of Greed	Ana Huang	{xai}	10	\N		0.00	no source knows it; not asked: open_library, isbndb, internet_archive	[]	{"isbndb": "isbndb: answered 503", "open_library": "open_library: answered 503", "internet_archive": "internet_archive: answered 503"}	2023	unknown	1	2026-11-30 00:10:00+00	t
\.
COPY public.contributor (id, key, name) FROM stdin;
1	ariel lawhon	Ariel Lawhon
2	tieghan gerard	Tieghan Gerard
3	dav pilkey	Dav Pilkey
4	lauren groff	Lauren Groff
5	heidi pitlor	Heidi Pitlor
6	brandon sanderson	Brandon Sanderson
7	mel robbins	Mel Robbins
8	janet evanovich	Janet Evanovich
9	sara cate	Sara Cate
10	kristen ciccarelli	Kristen Ciccarelli
11	ana huang	Ana Huang
\.
COPY public.control (only_row, paused_since, paused_until, paused_by, pause_reason) FROM stdin;
t	2026-11-29 07:43:00.708267+00	2026-11-29 07:43:40.534793+00	cli ann	maintenance of the network
\.
COPY public.edition (isbn13, work_id, title, subtitle, publisher, published, language, binding, pages, created_at, enriched_at, related, enrich_at, enrich_looks, enrich_note, changed_at) FROM stdin;
9780593312070	1	The Frozen River: A GMA Book Club Pick	A Novel	Random House	2024-11	en	Hardcover	465	2026-11-29 07:40:29.416895+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781794621374	1	The Frozen River: A GMA Book Club Pick (Large Print)	A Novel	Broadtype Editions	2024-11	en	Paperback	465	2026-11-29 07:40:29.416895+00	2026-11-29 07:40:39.293279+00	t	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781412655361	1	The Frozen River: A GMA Book Club Pick	A Novel	Wayside Reprints	2024	en	Paperback	465	2026-11-29 07:40:29.416895+00	2026-11-29 07:40:39.293279+00	t	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9780593232576	2	Half Baked Harvest Quick & Cozy: A Cookbook		Random House	2024-11	en	Hardcover	289	2026-11-29 07:40:29.416895+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781476513997	3	Dog Man 13: Big Jim Begins		Wayside Reprints	2024	en		\N	2026-11-29 07:40:29.416895+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:29.416895+00
9780063275973	4	The Best American Short Stories 2024		HarperCollins	2024-10-22	en	Hardcover	293	2026-11-29 07:40:29.510547+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781481539104	4	The best american short stories 2024 (large print)		Broadtype Editions	2024-10-22	en	Paperback	293	2026-11-29 07:40:29.510547+00	2026-11-29 07:40:39.293279+00	t	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781250319180	5	Wind and Truth		Tor	2024-12	en	Mass Market Paperback	\N	2026-11-29 07:40:29.510547+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781401971366	6	The Let Them Theory	A Life-Changing Tool That Millions of People Can't Stop Talking About	Hay House Inc	2024-12	en	Paperback	337	2026-11-29 07:40:29.510547+00	2026-11-29 07:40:39.293279+00	f	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
9781296174095	6	The Let Them Theory (Large Print)	A Life-Changing Tool That Millions of People Can't Stop Talking About	Broadtype Editions	2024-12	en	Paperback	337	2026-11-29 07:40:29.510547+00	2026-11-29 07:40:39.293279+00	t	2026-11-29 08:40:43.541956+00	0	open_library: answered 503	2026-11-29 07:40:39.293279+00
\.
COPY public.enrichment_rest (provider, until, reason, permanent, failures) FROM stdin;
open_library	2026-11-29 08:40:43.541956+00	open_library: answered 503	f	1
\.
COPY public.incident (id, kind, subject, reason, began_at, cleared_at) FROM stdin;
1	no_worker		no worker has been heard for 60 s, and months wait for one: 2	2026-11-29 07:40:24.154878+00	2026-11-29 07:40:26.28986+00
2	months_failing		3 of the 6 months that ended within a day have failed: no generator named a book of 2023-02: gemini: answered 500; xai: answered 500 (attempt 5 of 5)	2026-11-29 07:42:01.584925+00	\N
5	lane_paused	gemini	gemini: paused from 2026-11-29 07:42 UTC to 2026-11-30 00:00 UTC: gemini: the day's allowance is used up	2026-11-29 07:43:00.628599+00	\N
6	no_worker		no worker has been heard for 60 s, and months wait for one: 8	2026-11-29 07:45:05.481691+00	\N
\.
COPY public.journal (id, at, level, event, process, year, month, fields) FROM stdin;
1	2026-11-29 07:40:25.911102+00	info	worker begins	machine:9613	\N	\N	{"concurrency": 3}
2	2026-11-29 07:40:25.955524+00	info	begun	machine:9613	2024	12	{"attempt": "e72a0813-11ab-4afe-81c9-9aabc5a616a6"}
3	2026-11-29 07:40:26.016167+00	info	begun	machine:9613	2024	11	{"attempt": "7953dc79-0637-4806-8872-0cdae2c57a58"}
4	2026-11-29 07:40:26.217077+00	info	gate judged	machine:9613	\N	\N	{"phase": "Validation", "reason": "2 months are under way and 0 are not scheduled yet; 0 books are known to be resolved or not, at least 4 are needed", "verdict": "wait"}
5	2026-11-29 07:40:26.351138+00	warning	incident cleared	machine:9613	\N	\N	{"kind": "no_worker", "reason": "no worker has been heard for 60 s, and months wait for one: 2", "subject": ""}
6	2026-11-29 07:40:29.234331+00	info	suggested	machine:9613	2024	11	{"candidates": 3}
7	2026-11-29 07:40:29.234761+00	info	suggested	machine:9613	2024	12	{"candidates": 3}
8	2026-11-29 07:40:29.561527+00	info	completed	machine:9613	2024	11	{"books": 3, "resolved": 3, "new_editions": 3}
9	2026-11-29 07:40:29.651494+00	info	completed	machine:9613	2024	12	{"books": 3, "resolved": 3, "new_editions": 3}
10	2026-11-29 07:40:29.749493+00	info	worker ends	machine:9613	\N	\N	{}
11	2026-11-29 07:40:50.53714+00	info	worker begins	machine:10387	\N	\N	{"concurrency": 3}
12	2026-11-29 07:40:50.671641+00	info	begun	machine:10387	2023	10	{"attempt": "38533f3e-67f5-40f9-89a8-7467ec17f473"}
13	2026-11-29 07:40:56.327217+00	info	suggested	machine:10387	2023	10	{"candidates": 4}
14	2026-11-29 07:41:01.261301+00	info	completed	machine:10387	2023	10	{"books": 4, "resolved": 0, "new_editions": 0}
15	2026-11-29 07:41:01.823999+00	info	worker ends	machine:10387	\N	\N	{}
16	2026-11-29 07:41:11.94059+00	info	worker begins	machine:10888	\N	\N	{"concurrency": 4}
17	2026-11-29 07:41:12.073646+00	info	begun	machine:10888	2023	2	{"attempt": "4862fa46-7a56-46c4-832f-397f0f6b504c"}
18	2026-11-29 07:41:19.862041+00	warning	attempt ended	machine:10888	2023	2	{"reason": "no generator named a book of 2023-02: gemini: answered 500; xai: answered 500", "decision": "Retry"}
19	2026-11-29 07:41:20.00942+00	info	begun	machine:10888	2023	1	{"attempt": "75854281-e6cd-4895-be3d-d4db74fd0cae"}
20	2026-11-29 07:41:21.293191+00	warning	attempt ended	machine:10888	2023	1	{"reason": "no generator named a book of 2023-01: gemini: answered 500; xai: answered 500", "decision": "Retry"}
21	2026-11-29 07:41:22.788209+00	info	retry	machine:11312	\N	\N	{"by": "cli ann", "woken": "2023-02", "reopened": ""}
22	2026-11-29 07:41:22.849258+00	info	begun	machine:10888	2023	2	{"attempt": "991715ec-f8c8-4582-b84d-f49986862713"}
23	2026-11-29 07:41:24.019952+00	warning	attempt ended	machine:10888	2023	2	{"reason": "no generator named a book of 2023-02: gemini: answered 500; xai: answered 500", "decision": "Retry"}
24	2026-11-29 07:41:25.802498+00	info	retry	machine:11358	\N	\N	{"by": "cli ann", "woken": "2023-02 2023-01", "reopened": ""}
25	2026-11-29 07:41:25.838882+00	info	begun	machine:10888	2023	2	{"attempt": "b0f9c885-b15d-4621-a5c0-96de620db9c4"}
26	2026-11-29 07:41:25.905207+00	info	begun	machine:10888	2023	1	{"attempt": "4c2738a8-3ae9-4664-a4ea-b8888ded2a17"}
27	2026-11-29 07:41:27.105411+00	warning	attempt ended	machine:10888	2023	1	{"reason": "no generator named a book of 2023-01: gemini: answered 500; xai: answered 500", "decision": "Retry"}
28	2026-11-29 07:41:27.537311+00	warning	attempt ended	machine:10888	2023	2	{"reason": "no generator named a book of 2023-02: gemini: answered 500; xai: answered 500", "decision": "Retry"}
29	2026-11-29 07:41:30.561253+00	info	retry	machine:11461	\N	\N	{"by": "cli ann", "woken": "2023-02 2023-01", "reopened": ""}
30	2026-11-29 07:41:30.649934+00	info	begun	machine:10888	2023	2	{"attempt": "bae0737e-eb40-4635-85f0-0c7fa5a8a519"}
31	2026-11-29 07:41:30.742015+00	info	begun	machine:10888	2023	1	{"attempt": "acac3d7a-8ae2-4e30-bd13-21c79720effc"}
32	2026-11-29 07:41:32.05333+00	warning	attempt ended	machine:10888	2023	2	{"reason": "no generator named a book of 2023-02: gemini: answered 500; xai: answered 500", "decision": "Retry"}
33	2026-11-29 07:41:32.495074+00	warning	attempt ended	machine:10888	2023	1	{"reason": "no generator named a book of 2023-01: gemini: answered 500; xai: answered 500", "decision": "Retry"}
34	2026-11-29 07:41:34.945331+00	info	retry	machine:11582	\N	\N	{"by": "cli ann", "woken": "2023-02 2023-01", "reopened": ""}
35	2026-11-29 07:41:34.997851+00	info	begun	machine:10888	2023	2	{"attempt": "df82c2bd-2b24-4902-b6b4-935da49243f9"}
36	2026-11-29 07:41:35.017513+00	info	begun	machine:10888	2023	1	{"attempt": "41bb12fd-7e10-4b87-983f-1ec7e8371ff3"}
37	2026-11-29 07:41:36.391947+00	warning	attempt ended	machine:10888	2023	1	{"reason": "no generator named a book of 2023-01: gemini: answered 500; xai: answered 500", "decision": "Retry"}
38	2026-11-29 07:41:37.111851+00	warning	attempt ended	machine:10888	2023	2	{"reason": "no generator named a book of 2023-02: gemini: answered 500; xai: answered 500 (attempt 5 of 5)", "decision": "Bury"}
39	2026-11-29 07:41:37.293956+00	info	worker ends	machine:10888	\N	\N	{}
40	2026-11-29 07:41:45.371426+00	info	worker begins	machine:11782	\N	\N	{"concurrency": 4}
41	2026-11-29 07:41:45.48356+00	info	begun	machine:11782	2023	6	{"attempt": "031f7798-8ba0-4c08-a018-1fe758575462"}
42	2026-11-29 07:41:45.622225+00	info	begun	machine:11782	2023	3	{"attempt": "f0fb7ac7-ebe8-445c-9e5a-c3f0047f02fa"}
43	2026-11-29 07:41:51.253936+00	warning	attempt ended	machine:11782	2023	6	{"reason": "no generator named a book of 2023-06: gemini: refuses our key with 400; xai: refuses our key with 400", "decision": "Bury"}
44	2026-11-29 07:41:51.267046+00	warning	attempt ended	machine:11782	2023	3	{"reason": "no generator named a book of 2023-03: gemini: refuses our key with 400; xai: refuses our key with 400", "decision": "Bury"}
45	2026-11-29 07:41:51.466248+00	info	worker ends	machine:11782	\N	\N	{}
46	2026-11-29 07:41:59.106944+00	info	worker begins	machine:11956	\N	\N	{"concurrency": 4}
47	2026-11-29 07:41:59.274418+00	info	begun	machine:11956	2023	4	{"attempt": "27b56398-d9ea-4ec5-82dc-c038b2ab7417"}
48	2026-11-29 07:42:01.616279+00	error	incident began	machine:11956	\N	\N	{"kind": "months_failing", "reason": "3 of the 6 months that ended within a day have failed: no generator named a book of 2023-02: gemini: answered 500; xai: answered 500 (attempt 5 of 5)", "subject": ""}
49	2026-11-29 07:42:05.375757+00	info	suggested	machine:11956	2023	4	{"candidates": 3}
50	2026-11-29 07:42:12.118053+00	warning	attempt ended	machine:11956	2023	4	{"reason": "no source could be asked: google_books: answered 503; internet_archive: answered 503; isbndb: answered 503; open_library: answered 503", "decision": "Retry"}
51	2026-11-29 07:42:15.905819+00	info	retry	machine:12518	\N	\N	{"by": "cli ann", "woken": "2023-04", "reopened": ""}
52	2026-11-29 07:42:15.959529+00	info	begun	machine:11956	2023	4	{"attempt": "1e071710-2a08-499a-bca0-d89204b90780"}
53	2026-11-29 07:42:15.968122+00	info	suggested	machine:11956	2023	4	{"candidates": 3}
54	2026-11-29 07:42:21.685425+00	warning	attempt ended	machine:11956	2023	4	{"reason": "no source could be asked: internet_archive: answered 503; open_library: answered 503; isbndb: answered 503; google_books: answered 503", "decision": "Retry"}
55	2026-11-29 07:42:21.739045+00	info	worker ends	machine:11956	\N	\N	{}
56	2026-11-29 07:42:30.596063+00	info	worker begins	machine:13089	\N	\N	{"concurrency": 4}
57	2026-11-29 07:42:30.789595+00	info	begun	machine:13089	2023	5	{"attempt": "eb495d12-c6bb-4fe8-a870-470dbef28193"}
58	2026-11-29 07:42:37.689326+00	warning	attempt ended	machine:13089	2023	5	{"reason": "no generator named a book of 2023-05: gemini: the day's allowance is used up; xai: the account has no credit or no allowance for this model", "decision": "Snooze"}
59	2026-11-29 07:42:37.743707+00	info	worker ends	machine:13089	\N	\N	{}
60	2026-11-29 07:42:46.750223+00	info	worker begins	machine:13756	\N	\N	{"concurrency": 1}
61	2026-11-29 07:42:46.895229+00	info	begun	machine:13756	2023	7	{"attempt": "e7e16ee7-3220-41fd-a720-cdab4c313f3a"}
62	2026-11-29 07:42:53.02578+00	info	worker begins	machine:14090	\N	\N	{"concurrency": 1}
63	2026-11-29 07:42:53.24605+00	info	begun	machine:14090	2023	8	{"attempt": "ae464523-b28f-4e31-8e62-577a05da2004"}
64	2026-11-29 07:42:55.862083+00	info	suggested	machine:13756	2023	7	{"failed": "gemini: paused: gemini: the day's allowance is used up", "candidates": 2}
65	2026-11-29 07:43:00.257652+00	info	suggested	machine:14090	2023	8	{"failed": "gemini: paused: gemini: the day's allowance is used up", "candidates": 2}
66	2026-11-29 07:43:00.638463+00	error	incident began	machine:14090	\N	\N	{"kind": "lane_paused", "reason": "gemini: paused from 2026-11-29 07:42 UTC to 2026-11-30 00:00 UTC: gemini: the day's allowance is used up", "subject": "gemini"}
67	2026-11-29 07:43:04.099617+00	info	worker begins	machine:14767	\N	\N	{"concurrency": 4}
68	2026-11-29 07:43:04.282987+00	info	worker ends	machine:14767	\N	\N	{}
69	2026-11-29 07:43:05.732894+00	warning	attempt ended	machine:14090	2023	8	{"reason": "the worker was stopped; another takes over", "decision": "Snooze"}
70	2026-11-29 07:43:05.748204+00	info	worker ends	machine:14090	\N	\N	{}
71	2026-11-29 07:43:48.907308+00	info	rollout goes on	machine:15854	\N	\N	{"act": "advance", "phase": "Validation", "reason": "the gate of Validation is open: 6 of 6 books are resolved: 100.0%, which proves 61.0% of the 10.0% needed; 0 of the phase's 2 months have failed, 0 may"}
72	2026-11-29 07:44:00.603048+00	info	scheduled	machine:16040	\N	\N	{"by": "cli ann", "months": "2023-12"}
\.
COPY public.knock (client, forgotten_at) FROM stdin;
127.0.0.1	2026-11-29 07:44:09.224354+00
\.
COPY public.lane (name, id, rate, sends, win, gap, daily_limit, daily_cap, ring, held_until, held_units, paused_until, pause_reason, plan_limit, plan_seen_at, plan_note, paused_since) FROM stdin;
openai	6	2	2	1.015	0.45675	\N	\N	{}	0	0	\N		\N	\N		\N
wikidata	7	60	60	1.015	0.015224999999999999	\N	\N	{}	0	0	\N		\N	\N		\N
isbndb	4	60	60	1.015	0.015224999999999999	15000	13000	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938039.6830769,1795938057.5094657,1795938057.711863,1795938057.97921,1795938058.01317,1795938058.3227756,1795938058.3607845,1795938058.762148,1795938058.8259637,1795938059.1065106,1795938059.1542468,1795938060.0819035,1795938060.6974542,1795938127.250396,1795938127.8782444,1795938128.0821426,1795938128.4305432,1795938128.6721337,1795938129.034026,1795938129.5526762,1795938129.9458182,1795938130.6342037,1795938137.811597,1795938138.436863,1795938138.714569,1795938138.8916194,1795938138.961516,1795938139.273916,1795938139.8057034,1795938139.9801247,1795938140.061901}	0	0	\N		\N	\N		\N
open_library	5	60	60	1.015	0.015224999999999999	\N	\N	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938029.311732,1795938029.3279757,1795938029.4265428,1795938029.4900327,1795938039.4227142,1795938039.462229,1795938043.6258485,1795938044.4156432,1795938045.551985,1795938056.4134269,1795938056.425809,1795938056.8140695,1795938057.4733784,1795938057.614818,1795938057.8901646,1795938058.2697213,1795938058.8218534,1795938058.855791,1795938059.0863168,1795938059.2890277,1795938059.6659353,1795938125.4788964,1795938126.5425262,1795938126.8223336,1795938127.5666652,1795938127.6938174,1795938128.0701246,1795938128.6867676,1795938128.962343,1795938129.2703567,1795938136.009575,1795938136.19753,1795938136.4951646,1795938137.7164845,1795938138.0082417,1795938138.6623757,1795938140.0983915,1795938141.0239751,1795938141.6421368,1795938175.9817014,1795938180.3646421}	0	0	\N		\N	\N		\N
xai	8	60	60	1.015	0.015224999999999999	\N	\N	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938029.0697348,1795938029.0732548,1795938056.0293396,1795938077.891007,1795938078.7991562,1795938079.835544,1795938080.0266955,1795938080.2670224,1795938080.9614303,1795938082.8684998,1795938083.0976717,1795938083.644984,1795938085.9009476,1795938085.932285,1795938086.4623802,1795938086.6309042,1795938087.087619,1795938087.4875283,1795938090.7297282,1795938090.7957904,1795938090.8904088,1795938091.5785766,1795938091.9947023,1795938092.0186079,1795938095.097641,1795938095.115875,1795938095.3608997,1795938096.0402582,1795938096.3472722,1795938096.490122,1795938111.1033652,1795938111.1192842,1795938125.2115812,1795938157.612297,1795938175.7115889,1795938180.1552424}	0	0	\N		\N	\N		\N
internet_archive	3	60	60	1.015	0.015224999999999999	\N	\N	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938029.3316565,1795938029.347185,1795938029.4263885,1795938056.4425848,1795938056.550013,1795938056.9466593,1795938057.1948853,1795938057.4301167,1795938058.2428336,1795938058.7940605,1795938059.1720617,1795938059.6876903,1795938060.256519,1795938060.8675632,1795938061.1793025,1795938125.4537542,1795938125.8003068,1795938126.5935202,1795938126.7622905,1795938126.7935805,1795938127.17244,1795938130.6583734,1795938131.4622412,1795938132.0662098,1795938136.0219162,1795938136.7281692,1795938137.6697967,1795938137.7276287,1795938138.1728709,1795938138.9175527,1795938138.9377728,1795938139.8868468,1795938140.821449}	0	0	\N		\N	\N		\N
google_books	2	60	60	1.015	0.015224999999999999	1000	1000	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938029.3316355,1795938029.3476102,1795938029.383273,1795938056.474689,1795938056.5093489,1795938057.6411211,1795938057.6769884,1795938057.9190214,1795938057.96288,1795938060.7415268,1795938060.7618928,1795938125.4845402,1795938125.9219463,1795938126.528298,1795938127.6097023,1795938128.3486495,1795938128.9832282,1795938129.5903702,1795938129.9080992,1795938130.1982996,1795938136.0122423,1795938136.5228527,1795938137.1330612,1795938137.5080912,1795938137.6831658,1795938137.7824,1795938140.0195706,1795938140.8097577,1795938141.0576005,1795938175.9629822,1795938180.4006498}	0	0	\N		\N	\N		\N
gemini	1	60	60	1.015	0.015224999999999999	\N	\N	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1795938029.010935,1795938029.0121655,1795938056.0146482,1795938077.8430064,1795938078.2363796,1795938078.8586926,1795938080.0415611,1795938080.8792887,1795938081.2543015,1795938082.8902905,1795938083.3775024,1795938083.9955378,1795938085.894543,1795938085.9394345,1795938086.619606,1795938086.982847,1795938087.0899358,1795938087.4660888,1795938090.7269418,1795938090.7830985,1795938090.9078825,1795938091.386539,1795938091.4203212,1795938092.4636927,1795938095.094373,1795938095.12544,1795938095.8725302,1795938096.064524,1795938096.3733406,1795938097.0839477,1795938111.1045012,1795938111.1305835,1795938125.201966,1795938157.6114562}	0	0	2026-11-30 00:00:00.000704+00	gemini: the day's allowance is used up	\N	\N		2026-11-29 07:42:37.650545+00
\.
COPY public.notice (incident_id, event, tries, next_try_at, delivered_at, result) FROM stdin;
1	began	1	\N	2026-11-29 07:40:24.16108+00	answered 204
6	began	1	2026-11-29 07:45:35.522673+00	\N	ConnectError
\.
COPY public.procrastinate_events (id, job_id, type, at) FROM stdin;
336	165	deferred	2026-11-29 07:44:00.513344+00
337	166	deferred	2026-11-29 07:44:02.696231+00
338	167	deferred	2026-11-29 07:44:02.696231+00
339	168	deferred	2026-11-29 07:44:02.921893+00
121	61	scheduled	2026-11-29 07:43:43.014544+00
122	61	deferred	2026-11-29 07:41:27.513173+00
273	134	scheduled	2026-11-30 00:00:00+00
274	134	deferred	2026-11-29 07:42:37.665169+00
275	135	deferred	2026-11-29 07:42:41.340728+00
277	135	started	2026-11-29 07:42:46.822214+00
144	71	scheduled	2026-11-29 07:46:03.488679+00
145	71	deferred	2026-11-29 07:41:32.049115+00
146	72	scheduled	2026-11-29 07:43:05.647116+00
147	72	deferred	2026-11-29 07:41:32.481295+00
166	81	scheduled	2026-11-29 07:44:43.187704+00
167	81	deferred	2026-11-29 07:41:36.389088+00
330	162	scheduled	2026-11-29 07:43:40.534793+00
331	162	deferred	2026-11-29 07:43:04.220116+00
334	164	scheduled	2026-11-29 07:43:05.718692+00
335	164	deferred	2026-11-29 07:43:05.718172+00
254	124	scheduled	2026-11-29 07:43:34.075656+00
255	124	deferred	2026-11-29 07:42:21.651286+00
\.
COPY public.procrastinate_jobs (id, queue_name, task_name, priority, lock, queueing_lock, args, status, scheduled_at, attempts, abort_requested, worker_id) FROM stdin;
165	months	attempt	0	\N	\N	{"token": "b93d61db-514b-43f1-88f2-1bcc502cdd27"}	todo	\N	0	f	\N
166	months	attempt	0	\N	\N	{"token": "57ba2f75-9518-4f19-b147-d8f93a07198e"}	todo	\N	0	f	\N
167	months	attempt	0	\N	\N	{"token": "29e2c852-d135-4c25-9b1a-cf18ff723032"}	todo	\N	0	f	\N
168	months	attempt	0	\N	\N	{"token": "21f31290-5f85-452d-9f1b-ab992d1d6530"}	todo	\N	0	f	\N
61	upkeep	wake	0	\N	\N	{"year": 2023, "month": 2}	todo	2026-11-29 07:43:43.014544+00	0	f	\N
134	upkeep	wake	0	\N	\N	{"year": 2023, "month": 5}	todo	2026-11-30 00:00:00+00	0	f	\N
135	months	attempt	0	\N	\N	{"token": "e7e16ee7-3220-41fd-a720-cdab4c313f3a"}	doing	\N	0	f	19
71	upkeep	wake	0	\N	\N	{"year": 2023, "month": 2}	todo	2026-11-29 07:46:03.488679+00	0	f	\N
72	upkeep	wake	0	\N	\N	{"year": 2023, "month": 1}	todo	2026-11-29 07:43:05.647116+00	0	f	\N
81	upkeep	wake	0	\N	\N	{"year": 2023, "month": 1}	todo	2026-11-29 07:44:43.187704+00	0	f	\N
162	upkeep	wake	0	\N	\N	{"year": 2023, "month": 9}	todo	2026-11-29 07:43:40.534793+00	0	f	\N
164	upkeep	wake	0	\N	\N	{"year": 2023, "month": 8}	todo	2026-11-29 07:43:05.718692+00	0	f	\N
124	upkeep	wake	0	\N	\N	{"year": 2023, "month": 4}	todo	2026-11-29 07:43:34.075656+00	0	f	\N
\.
COPY public.procrastinate_periodic_defers (id, task_name, defer_timestamp, job_id, periodic_id) FROM stdin;
4	prune	1795938000	\N	
152	look_again	1795938180	\N	
153	enrich	1795938180	\N	
154	rollout	1795938180	\N	
155	watch	1795938180	\N	
175	rescue	1795938185	\N	
\.
COPY public.procrastinate_workers (id, last_heartbeat) FROM stdin;
20	2026-11-29 07:43:04.655183+00
19	2026-11-29 07:43:04.692902+00
21	2026-11-29 07:43:04.856185+00
\.
COPY public.provenance (isbn13, field, source_record_id) FROM stdin;
9780593312070	title	1
9780593312070	subtitle	1
9780593312070	publisher	1
9780593312070	published	1
9780593312070	language	1
9780593312070	pages	1
9781794621374	title	2
9781794621374	publisher	2
9781794621374	published	2
9781794621374	language	2
9781412655361	title	3
9781412655361	subtitle	3
9781412655361	publisher	3
9781412655361	published	3
9781412655361	language	3
9781412655361	pages	3
9780593232576	title	4
9780593232576	publisher	4
9780593232576	language	4
9780593232576	pages	4
9781476513997	title	5
9781476513997	publisher	5
9781476513997	published	5
9781476513997	language	5
9780063275973	title	6
9780063275973	publisher	6
9780063275973	language	6
9781481539104	title	8
9781481539104	publisher	8
9781481539104	published	8
9781481539104	language	8
9781250319180	title	9
9781250319180	publisher	9
9781250319180	published	9
9781250319180	language	9
9781401971366	title	11
9781401971366	subtitle	11
9781401971366	publisher	11
9781401971366	published	11
9781401971366	language	11
9781296174095	title	13
9781296174095	publisher	13
9781296174095	published	13
9781296174095	language	13
9781296174095	pages	13
9780593312070	binding	14
9781794621374	subtitle	16
9781794621374	binding	18
9781794621374	pages	16
9781412655361	binding	21
9780593232576	published	22
9780593232576	binding	23
9780063275973	pages	6
9780063275973	published	27
9780063275973	binding	27
9781481539104	binding	31
9781481539104	pages	31
9781250319180	binding	36
9781401971366	binding	39
9781401971366	pages	11
9781296174095	subtitle	42
9781296174095	binding	44
\.
COPY public.quota (name, day, cap, used) FROM stdin;
isbndb	2026-11-29	15000	40
internet_archive	2026-11-29	\N	33
gemini	2026-11-29	\N	34
xai	2026-11-29	\N	36
open_library	2026-11-29	\N	41
google_books	2026-11-28	1000	31
\.
COPY public.related_isbn (isbn13, other, source_record_id) FROM stdin;
9780063275973	9781481539104	6
9781250319180	9781802751925	9
9781250319180	9781038819901	9
9781401971366	9781296174095	11
9781401971366	9781678140106	11
9780593312070	9781794621374	14
9780593312070	9781412655361	14
9780593312070	9798558553390	14
9781794621374	9780593312070	16
9781794621374	9781412655361	16
9781794621374	9798558553390	16
9781412655361	9781794621374	20
9781412655361	9780593312070	20
9781412655361	9798558553390	20
9780593232576	9798120859301	22
9781481539104	9780063275973	31
9781296174095	9781401971366	42
9781296174095	9781678140106	42
\.
COPY public.rollout (id, plan, started_at, started_by, phase, begins, held, overridden, ended_at, outcome) FROM stdin;
1	{"name": "Four years, newest first", "phase": [{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Validation", "hours": "00:00..24:00", "years": "2024", "months": 2, "quota_share": 1.0, "months_per_day": "2"}, {"gate": {"approval": false, "min_sample": 10, "max_failed_share": 0.5, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Recent years", "hours": "00:00..24:00", "years": "2023..2024", "months": null, "quota_share": 0.8, "months_per_day": "2..4"}, {"gate": {"approval": false, "min_sample": 10, "max_failed_share": 0.5, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Historical", "hours": "00:00..24:00", "years": "2022", "months": 3, "quota_share": 1.0, "months_per_day": "3"}]}	2026-11-29 07:40:16.733804+00	cli ann	0	2026-11-29		t	2026-11-29 07:40:16.733804+00	replaced
2	{"name": "Four years, newest first", "phase": [{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Validation", "hours": "00:00..24:00", "years": "2024", "months": 2, "quota_share": 1.0, "months_per_day": "2"}, {"gate": {"approval": false, "min_sample": 10, "max_failed_share": 0.5, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Recent years", "hours": "00:00..24:00", "years": "2023..2024", "months": null, "quota_share": 0.8, "months_per_day": "2..4"}, {"gate": {"approval": false, "min_sample": 10, "max_failed_share": 0.5, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "name": "Historical", "hours": "00:00..24:00", "years": "2022", "months": 3, "quota_share": 1.0, "months_per_day": "3"}]}	2026-11-28 07:40:20.252017+00	cli ann	1	2026-11-29		f	\N	\N
\.
COPY public.rollout_log (id, rollout_id, at, who, act, why, detail) FROM stdin;
1	1	2026-11-29 07:40:16.733804+00	cli ann	start	for the spring	{"name": "Four years, newest first"}
2	1	2026-11-29 07:40:19.599482+00	cli ann	override	only to see what it does	{"phase": "Validation"}
3	1	2026-11-28 07:40:20.252017+00	cli ann	replace	a day earlier	{}
4	2	2026-11-28 07:40:20.252017+00	cli ann	start	a day earlier	{"name": "Four years, newest first"}
5	2	2026-11-29 07:40:21.724638+00	cli ann	hold	the shop is closed	{"phase": "Validation"}
6	2	2026-11-29 07:40:23.705372+00	cli ann	release		{"phase": "Validation"}
7	2	2026-11-28 07:40:20.252017+00	rollout	schedule	Validation: 2 months; today's pace is 2	{"phase": "Validation", "months": ["2024-12", "2024-11"]}
8	2	2026-11-29 07:43:48.868296+00	cli ann	approve	looked at all of them	{"phase": "Validation"}
9	2	2026-11-29 07:43:48.868296+00	cli ann	advance	the gate of Validation is open: 6 of 6 books are resolved: 100.0%, which proves 61.0% of the 10.0% needed; 0 of the phase's 2 months have failed, 0 may	{"phase": "Validation"}
10	2	2026-11-29 07:44:02.561579+00	rollout	schedule	Recent years: 2 months; today's pace is 2	{"phase": "Recent years", "months": ["2024-10", "2024-09"]}
\.
COPY public.rollout_month (rollout_id, year, month, day) FROM stdin;
2	2024	12	2026-11-28
2	2024	11	2026-11-28
2	2024	10	2026-11-29
2	2024	9	2026-11-29
\.
COPY public.rollout_verdict (id, rollout_id, phase, at, verdict, reasons, inputs) FROM stdin;
1	1	0	2026-11-29 07:40:19.599482+00	wait	{"0 months are under way and 2 are not scheduled yet","0 books are known to be resolved or not, at least 4 are needed"}	{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "counts": {"quota": null, "failed": 0, "months": 2, "pending": 2, "hindered": 0, "resolved": 0, "unseeded": [], "completed": 0, "confirmed": 0, "under_way": 0, "unresolved": 0, "contradicted": 0}}
2	2	0	2026-11-29 07:40:21.724638+00	wait	{"0 months are under way and 2 are not scheduled yet","0 books are known to be resolved or not, at least 4 are needed"}	{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "counts": {"quota": {"limit": 13000, "spent": 0, "by_months": 0}, "failed": 0, "months": 2, "pending": 2, "hindered": 0, "resolved": 0, "unseeded": [], "completed": 0, "confirmed": 0, "under_way": 0, "unresolved": 0, "contradicted": 0}}
3	2	0	2026-11-29 07:40:26.203288+00	wait	{"2 months are under way and 0 are not scheduled yet","0 books are known to be resolved or not, at least 4 are needed"}	{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "counts": {"quota": {"limit": 13000, "spent": 0, "by_months": 0}, "failed": 0, "months": 2, "pending": 0, "hindered": 0, "resolved": 0, "unseeded": [], "completed": 0, "confirmed": 0, "under_way": 2, "unresolved": 0, "contradicted": 0}}
4	2	0	2026-11-28 08:10:20.252017+00	open	{"6 of 6 books are resolved: 100.0%, which proves 61.0% of the 10.0% needed","0 of the phase's 2 months have failed, 0 may"}	{"gate": {"approval": true, "min_sample": 4, "max_failed_share": 0.1, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "counts": {"quota": {"limit": 13000, "spent": 0, "by_months": 0}, "failed": 0, "months": 2, "pending": 0, "hindered": 0, "resolved": 6, "unseeded": [], "completed": 2, "confirmed": 3, "under_way": 0, "unresolved": 0, "contradicted": 1}}
5	2	1	2026-11-29 07:44:02.561579+00	wait	{"7 months are under way and 11 are not scheduled yet","0 books are known to be resolved or not, at least 10 are needed; 4 more wait for sources that a quota or an outage kept from answering"}	{"gate": {"approval": false, "min_sample": 10, "max_failed_share": 0.5, "min_quota_headroom": 0.0, "min_confirmed_share": 0.0, "min_resolution_rate": 0.1}, "counts": {"quota": {"limit": 13000, "spent": 40, "by_months": 30}, "failed": 3, "months": 22, "pending": 11, "hindered": 4, "resolved": 0, "unseeded": [], "completed": 1, "confirmed": 0, "under_way": 7, "unresolved": 0, "contradicted": 0}}
\.
COPY public.schema_version (version_num) FROM stdin;
0017
\.
COPY public.source_record (id, provider, provider_id, fetched_at) FROM stdin;
1	google_books	2mBxEnROQBAJ	2026-11-29 07:40:29.409831+00
2	google_books	2mDGXMruQBAJ	2026-11-29 07:40:29.409831+00
3	google_books	2mCqgg3lQBAJ	2026-11-29 07:40:29.409831+00
4	google_books	2mBxESlEQBAJ	2026-11-29 07:40:29.367875+00
5	internet_archive	isbn_9781476513997	2026-11-29 07:40:29.382851+00
8	internet_archive	thebestamericans0000laur_3qr77sm	2026-11-29 07:40:29.408231+00
13	google_books	2mCinvxfQBAJ	2026-11-29 07:40:29.388138+00
14	open_library	/books/OL60003561M	2026-11-29 07:40:39.51132+00
18	isbndb	9781794621374	2026-11-29 07:40:39.728789+00
16	open_library	/books/OL70028396M	2026-11-29 07:40:39.520141+00
20	open_library	/books/OL70028395M	2026-11-29 07:40:39.530158+00
21	isbndb	9781412655361	2026-11-29 07:40:39.739544+00
22	open_library	/books/OL60003560M	2026-11-29 07:40:39.532796+00
23	isbndb	9780593232576	2026-11-29 07:40:39.745005+00
6	open_library	/books/OL60003558M	2026-11-29 07:40:39.548893+00
27	isbndb	9780063275973	2026-11-29 07:40:39.761852+00
32	isbndb	9781481539104	2026-11-29 07:40:39.762652+00
31	open_library	/books/OL70028369M	2026-11-29 07:40:39.552246+00
9	open_library	/books/OL60003567M	2026-11-29 07:40:39.568894+00
36	isbndb	9781250319180	2026-11-29 07:40:39.764887+00
39	isbndb	9781401971366	2026-11-29 07:40:39.781516+00
11	open_library	/books/OL60003569M	2026-11-29 07:40:39.583392+00
42	open_library	/books/OL70028468M	2026-11-29 07:40:39.589573+00
44	isbndb	9781296174095	2026-11-29 07:40:39.790011+00
\.
COPY public.subject (work_id, name, source_record_id) FROM stdin;
2	Fiction	23
4	Fiction	27
5	Books & Reading	36
6	Books & Reading	39
\.
COPY public.work (id, key, title, author, first_published, language, created_at) FROM stdin;
1	frozen river | lawhon a	The Frozen River: A GMA Book Club Pick: A Novel	Ariel Lawhon	2024-11	en	2026-11-29 07:40:29.416895+00
2	half baked harvest quick and cozy cookbook | gerard t	Half Baked Harvest Quick & Cozy: A Cookbook	Tieghan Gerard	\N	en	2026-11-29 07:40:29.416895+00
3	dog man 13 big jim begins / 13 | pilkey d	Dog Man 13: Big Jim Begins	Dav Pilkey	\N	en	2026-11-29 07:40:29.416895+00
4	best american short stories 2024 | groff l	The Best American Short Stories 2024	Lauren Groff	2024	en	2026-11-29 07:40:29.510547+00
5	wind and truth | sanderson b	Wind and Truth	Brandon Sanderson	2024-12	en	2026-11-29 07:40:29.510547+00
6	let them theory life changing tool that millions of people cant stop talking about | robbins m	The Let Them Theory: A Life-Changing Tool That Millions of People Can't Stop Talking About	Mel Robbins	2024-12	en	2026-11-29 07:40:29.510547+00
7	dirty 30 | evanovich j	Dirty Thirty	Janet Evanovich	\N		2026-11-29 07:41:01.190704+00
8	madame | cate s	Madame	Sara Cate	\N		2026-11-29 07:41:01.190704+00
9	heartless hunter | ciccarelli k	Heartless Hunter	Kristen Ciccarelli	\N		2026-11-29 07:41:01.190704+00
10	king of greed | huang a	King of Greed	Ana Huang	\N		2026-11-29 07:41:01.190704+00
\.
COPY public.work_alias (key, work_id) FROM stdin;
frozen river | lawhon a	1
half baked harvest quick and cozy cookbook | gerard t	2
dog man 13 big jim begins / 13 | pilkey d	3
best american short stories 2024 | groff l	4
wind and truth | sanderson b	5
let them theory | robbins m	6
\.
COPY public.work_block (key, work_id) FROM stdin;
= frozenriver a	1
= frozenriver l	1
lawhon -ver	1
lawhon -zen	1
lawhon froz	1
lawhon rive	1
= halfbakedharvestquickandcozycookbook g	2
= halfbakedharvestquickandcozycookbook t	2
gerard -alf	2
gerard -est	2
gerard -ick	2
gerard -ked	2
gerard -ook	2
gerard -ozy	2
gerard bake	2
gerard cook	2
gerard cozy	2
gerard half	2
gerard harv	2
gerard quic	2
= dogman13bigjimbegins d	3
= dogman13bigjimbegins p	3
pilkey -ins	3
pilkey 13	3
pilkey begi	3
pilkey big	3
pilkey dog	3
pilkey jim	3
pilkey man	3
= bestamericanshortstories2024 g	4
= bestamericanshortstories2024 h	4
= bestamericanshortstories2024 l	4
= bestamericanshortstories2024 p	4
groff -024	4
groff -can	4
groff -est	4
groff -ies	4
groff -ort	4
groff 2024	4
groff amer	4
groff best	4
groff shor	4
groff stor	4
pitlor -024	4
pitlor -can	4
pitlor -est	4
pitlor -ies	4
pitlor -ort	4
pitlor 2024	4
pitlor amer	4
pitlor best	4
pitlor shor	4
pitlor stor	4
= windandtruth b	5
= windandtruth s	5
sanderson -ind	5
sanderson -uth	5
sanderson trut	5
sanderson wind	5
= letthemtheorylifechangingtoolthatmillionsofpeoplecantstoptalkingabout m	6
= letthemtheorylifechangingtoolthatmillionsofpeoplecantstoptalkingabout r	6
robbins -ant	6
robbins -hat	6
robbins -hem	6
robbins -ife	6
robbins -ing	6
robbins -ons	6
robbins -ool	6
robbins -ory	6
robbins -out	6
robbins -ple	6
robbins -top	6
robbins abou	6
robbins cant	6
robbins chan	6
robbins let	6
robbins life	6
robbins mill	6
robbins peop	6
robbins stop	6
robbins talk	6
robbins that	6
robbins them	6
robbins theo	6
robbins tool	6
= dirty30 e	7
= dirty30 j	7
evanovich -rty	7
evanovich 30	7
evanovich dirt	7
= madame c	8
= madame s	8
cate -ame	8
cate mada	8
= heartlesshunter c	9
= heartlesshunter k	9
ciccarelli -ess	9
ciccarelli -ter	9
ciccarelli hear	9
ciccarelli hunt	9
= kingofgreed a	10
= kingofgreed h	10
huang -eed	10
huang -ing	10
huang gree	10
huang king	10
\.
COPY public.work_contributor (work_id, contributor_id, role, "position") FROM stdin;
1	1	author	0
2	2	author	0
3	3	author	0
4	4	author	0
4	5	author	1
5	6	author	0
6	7	author	0
7	8	author	0
8	9	author	0
9	10	author	0
10	11	author	0
\.
SELECT pg_catalog.setval('public.audit_id_seq', 7, true);
SELECT pg_catalog.setval('public.backfill_log_id_seq', 120, true);
SELECT pg_catalog.setval('public.call_id_seq', 205, true);
SELECT pg_catalog.setval('public.candidate_id_seq', 10, true);
SELECT pg_catalog.setval('public.contributor_id_seq', 11, true);
SELECT pg_catalog.setval('public.incident_id_seq', 8, true);
SELECT pg_catalog.setval('public.journal_id_seq', 72, true);
SELECT pg_catalog.setval('public.lane_id_seq', 248, true);
SELECT pg_catalog.setval('public.procrastinate_events_id_seq', 339, true);
SELECT pg_catalog.setval('public.procrastinate_jobs_id_seq', 168, true);
SELECT pg_catalog.setval('public.procrastinate_periodic_defers_id_seq', 176, true);
SELECT pg_catalog.setval('public.procrastinate_workers_id_seq', 27, true);
SELECT pg_catalog.setval('public.rollout_id_seq', 2, true);
SELECT pg_catalog.setval('public.rollout_log_id_seq', 10, true);
SELECT pg_catalog.setval('public.rollout_verdict_id_seq', 5, true);
SELECT pg_catalog.setval('public.source_record_id_seq', 44, true);
SELECT pg_catalog.setval('public.work_id_seq', 10, true);
ALTER TABLE ONLY public.answer
    ADD CONSTRAINT answer_pkey PRIMARY KEY (provider, key);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (token);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backfill_log
    ADD CONSTRAINT backfill_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.backfill_log
    ADD CONSTRAINT backfill_log_year_month_key UNIQUE (year, month);
ALTER TABLE ONLY public.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT candidate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT candidate_year_month_position_key UNIQUE (year, month, "position");
ALTER TABLE ONLY public.contributor
    ADD CONSTRAINT contributor_key_key UNIQUE (key);
ALTER TABLE ONLY public.contributor
    ADD CONSTRAINT contributor_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.control
    ADD CONSTRAINT control_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.edition
    ADD CONSTRAINT edition_pkey PRIMARY KEY (isbn13);
ALTER TABLE ONLY public.enrichment_rest
    ADD CONSTRAINT enrichment_rest_pkey PRIMARY KEY (provider);
ALTER TABLE ONLY public.incident
    ADD CONSTRAINT incident_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.knock
    ADD CONSTRAINT knock_pkey PRIMARY KEY (client);
ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_id_key UNIQUE (id);
ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (incident_id, event);
ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);
ALTER TABLE ONLY public.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_pkey PRIMARY KEY (isbn13, field);
ALTER TABLE ONLY public.quota
    ADD CONSTRAINT quota_pkey PRIMARY KEY (name, day);
ALTER TABLE ONLY public.related_isbn
    ADD CONSTRAINT related_isbn_pkey PRIMARY KEY (isbn13, other);
ALTER TABLE ONLY public.rollout_log
    ADD CONSTRAINT rollout_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rollout_month
    ADD CONSTRAINT rollout_month_pkey PRIMARY KEY (rollout_id, year, month);
ALTER TABLE ONLY public.rollout
    ADD CONSTRAINT rollout_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rollout_verdict
    ADD CONSTRAINT rollout_verdict_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.source_record
    ADD CONSTRAINT source_record_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.source_record
    ADD CONSTRAINT source_record_provider_provider_id_key UNIQUE (provider, provider_id);
ALTER TABLE ONLY public.work_alias
    ADD CONSTRAINT work_alias_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.work_block
    ADD CONSTRAINT work_block_pkey PRIMARY KEY (key, work_id);
ALTER TABLE ONLY public.work_contributor
    ADD CONSTRAINT work_contributor_pkey PRIMARY KEY (work_id, contributor_id, role);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_key_key UNIQUE (key);
ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (id);
CREATE INDEX answer_expiry ON public.answer USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX answer_of_isbn ON public.answer USING btree (((request ->> 'isbn'::text))) WHERE (request ? 'isbn'::text);
CREATE INDEX attempt_of_job ON public.attempt USING btree (job_id);
CREATE INDEX attempt_of_month ON public.attempt USING btree (year, month, created_at);
CREATE INDEX backfill_log_newest_first ON public.backfill_log USING btree (year DESC, month DESC) WHERE (status = ANY (ARRAY['pending'::text, 'retry'::text]));
CREATE INDEX backfill_log_recent ON public.backfill_log USING btree (completed_at DESC) WHERE (status = 'completed'::text);
CREATE INDEX call_by_time ON public.call USING btree (sent_at);
CREATE INDEX call_of_month ON public.call USING btree (year, month) WHERE (year IS NOT NULL);
CREATE INDEX candidate_of_work ON public.candidate USING btree (work_id);
CREATE INDEX candidate_to_look_up ON public.candidate USING btree (look_again_at) WHERE ((isbn13 IS NULL) AND (look_again_at IS NOT NULL));
CREATE INDEX edition_by_enrichment ON public.edition USING btree (enriched_at) WHERE (enriched_at IS NOT NULL);
CREATE INDEX edition_of_work ON public.edition USING btree (work_id);
CREATE INDEX edition_to_enrich ON public.edition USING btree (enrich_at) WHERE (enrich_at IS NOT NULL);
CREATE INDEX idx_procrastinate_jobs_worker_not_null ON public.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::public.procrastinate_job_status));
CREATE INDEX idx_procrastinate_workers_last_heartbeat ON public.procrastinate_workers USING btree (last_heartbeat);
CREATE UNIQUE INDEX incident_once ON public.incident USING btree (kind, subject) WHERE (cleared_at IS NULL);
CREATE INDEX journal_month ON public.journal USING btree (year, month, id) WHERE (year IS NOT NULL);
CREATE INDEX knock_forgotten ON public.knock USING btree (forgotten_at);
CREATE INDEX notice_due ON public.notice USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);
CREATE INDEX procrastinate_events_job_id_fkey_v1 ON public.procrastinate_events USING btree (job_id);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON public.procrastinate_jobs USING btree (id, lock) WHERE (status = ANY (ARRAY['todo'::public.procrastinate_job_status, 'doing'::public.procrastinate_job_status]));
CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON public.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::public.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_priority_idx_v1 ON public.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::public.procrastinate_job_status);
CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON public.procrastinate_jobs USING btree (queue_name);
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON public.procrastinate_jobs USING btree (queueing_lock) WHERE (status = 'todo'::public.procrastinate_job_status);
CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON public.procrastinate_periodic_defers USING btree (job_id);
CREATE UNIQUE INDEX rollout_alone ON public.rollout USING btree ((true)) WHERE (ended_at IS NULL);
CREATE INDEX rollout_log_newest ON public.rollout_log USING btree (rollout_id, id DESC);
CREATE INDEX rollout_verdict_newest ON public.rollout_verdict USING btree (rollout_id, id DESC);
CREATE UNIQUE INDEX subject_once ON public.subject USING btree (work_id, lower(name));
CREATE INDEX work_alias_of_work ON public.work_alias USING btree (work_id);
CREATE INDEX work_block_of_work ON public.work_block USING btree (work_id);
CREATE TRIGGER end_attempt AFTER UPDATE OF status, attempt_token ON public.backfill_log FOR EACH ROW WHEN (((old.attempt_token IS NOT NULL) AND (old.attempt_token IS DISTINCT FROM new.attempt_token))) EXECUTE FUNCTION public.backfill_log_end_attempt();
CREATE TRIGGER keep_true BEFORE INSERT OR UPDATE ON public.backfill_log FOR EACH ROW EXECUTE FUNCTION public.backfill_log_keep_true();
CREATE TRIGGER only_ever_added BEFORE DELETE OR UPDATE OR TRUNCATE ON public.rollout_log FOR EACH STATEMENT EXECUTE FUNCTION public.only_ever_added();
CREATE TRIGGER only_ever_added BEFORE DELETE OR UPDATE OR TRUNCATE ON public.rollout_verdict FOR EACH STATEMENT EXECUTE FUNCTION public.only_ever_added();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_notify_queue_abort_job_v1();
CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_notify_queue_job_inserted_v1();
CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested = true)) EXECUTE FUNCTION public.procrastinate_trigger_abort_requested_events_procedure_v1();
CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_unlink_periodic_defers_v1();
CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER INSERT OR UPDATE ON public.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::public.procrastinate_job_status))) EXECUTE FUNCTION public.procrastinate_trigger_function_scheduled_events_v1();
CREATE TRIGGER procrastinate_trigger_status_events_insert_v1 AFTER INSERT ON public.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::public.procrastinate_job_status)) EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_insert_v1();
CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON public.procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION public.procrastinate_trigger_function_status_events_update_v1();
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_year_month_fkey FOREIGN KEY (year, month) REFERENCES public.backfill_log(year, month) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT candidate_isbn13_fkey FOREIGN KEY (isbn13) REFERENCES public.edition(isbn13) ON DELETE SET NULL;
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT candidate_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.candidate
    ADD CONSTRAINT candidate_year_month_fkey FOREIGN KEY (year, month) REFERENCES public.backfill_log(year, month) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.edition
    ADD CONSTRAINT edition_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES public.incident(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES public.procrastinate_workers(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.procrastinate_jobs(id);
ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_isbn13_fkey FOREIGN KEY (isbn13) REFERENCES public.edition(isbn13) ON DELETE CASCADE;
ALTER TABLE ONLY public.provenance
    ADD CONSTRAINT provenance_source_record_id_fkey FOREIGN KEY (source_record_id) REFERENCES public.source_record(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.quota
    ADD CONSTRAINT quota_name_fkey FOREIGN KEY (name) REFERENCES public.lane(name) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.related_isbn
    ADD CONSTRAINT related_isbn_isbn13_fkey FOREIGN KEY (isbn13) REFERENCES public.edition(isbn13) ON DELETE CASCADE;
ALTER TABLE ONLY public.related_isbn
    ADD CONSTRAINT related_isbn_source_record_id_fkey FOREIGN KEY (source_record_id) REFERENCES public.source_record(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.rollout_log
    ADD CONSTRAINT rollout_log_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id);
ALTER TABLE ONLY public.rollout_month
    ADD CONSTRAINT rollout_month_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id);
ALTER TABLE ONLY public.rollout_month
    ADD CONSTRAINT rollout_month_year_month_fkey FOREIGN KEY (year, month) REFERENCES public.backfill_log(year, month) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.rollout_verdict
    ADD CONSTRAINT rollout_verdict_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES public.rollout(id);
ALTER TABLE ONLY public.subject
    ADD CONSTRAINT subject_source_record_id_fkey FOREIGN KEY (source_record_id) REFERENCES public.source_record(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.subject
    ADD CONSTRAINT subject_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.work_alias
    ADD CONSTRAINT work_alias_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.work_block
    ADD CONSTRAINT work_block_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.work_contributor
    ADD CONSTRAINT work_contributor_contributor_id_fkey FOREIGN KEY (contributor_id) REFERENCES public.contributor(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.work_contributor
    ADD CONSTRAINT work_contributor_work_id_fkey FOREIGN KEY (work_id) REFERENCES public.work(id) ON DELETE CASCADE;
