-- The months, the attempts at them, what was asked of providers and what they answered.

CREATE TABLE backfill_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    year            integer NOT NULL CHECK (year BETWEEN 1900 AND 2100),
    month           integer NOT NULL CHECK (month BETWEEN 1 AND 12),
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'retry')),
    books_generated integer NOT NULL DEFAULT 0 CHECK (books_generated >= 0),
    isbns_resolved  integer NOT NULL DEFAULT 0 CHECK (isbns_resolved >= 0),
    isbns_queued    integer NOT NULL DEFAULT 0 CHECK (isbns_queued >= 0),
    resolution_rate numeric(5, 2) NOT NULL DEFAULT 0 CHECK (resolution_rate BETWEEN 0 AND 100),
    gemini_calls    integer NOT NULL DEFAULT 0 CHECK (gemini_calls >= 0),
    xai_calls       integer NOT NULL DEFAULT 0 CHECK (xai_calls >= 0),
    isbndb_calls    integer NOT NULL DEFAULT 0 CHECK (isbndb_calls >= 0),
    started_at      timestamptz,
    completed_at    timestamptz,
    retry_count     integer NOT NULL DEFAULT 0 CHECK (retry_count BETWEEN 0 AND 5),
    last_retry_at   timestamptz,
    error_message   text,
    prompt_variant  text,
    batch_size      integer NOT NULL DEFAULT 20 CHECK (batch_size BETWEEN 1 AND 100),
    attempt_token   uuid,
    next_attempt_at timestamptz,
    blocked_reason  text,
    error_code      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (year, month),
    CONSTRAINT counters_nest CHECK (isbns_queued <= isbns_resolved AND isbns_resolved <= books_generated),
    CONSTRAINT ends_after_it_starts CHECK (completed_at IS NULL OR started_at IS NULL OR completed_at >= started_at),
    CONSTRAINT ended_if_final CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'failed'))),
    CONSTRAINT token_if_processing CHECK ((attempt_token IS NOT NULL) = (status = 'processing')),
    CONSTRAINT due_if_retry CHECK ((next_attempt_at IS NOT NULL) = (status = 'retry')),
    CONSTRAINT blocked_only_in_retry CHECK (blocked_reason IS NULL OR status = 'retry')
);
COMMENT ON TABLE backfill_log IS 'One row per month of the backfill. People may write to it: a trigger keeps true what follows from status.';
COMMENT ON COLUMN backfill_log.status IS 'pending, processing, completed, failed or retry';
COMMENT ON COLUMN backfill_log.books_generated IS 'books that the generators named, each counted once';
COMMENT ON COLUMN backfill_log.isbns_resolved IS 'of these, with an accepted ISBN, from a source or from the catalogue';
COMMENT ON COLUMN backfill_log.isbns_queued IS 'editions that were new to the catalogue';
COMMENT ON COLUMN backfill_log.resolution_rate IS 'isbns_resolved in percent of books_generated';
COMMENT ON COLUMN backfill_log.gemini_calls IS 'requests sent to Gemini for this month, in all attempts';
COMMENT ON COLUMN backfill_log.xai_calls IS 'requests sent to xAI for this month, in all attempts';
COMMENT ON COLUMN backfill_log.isbndb_calls IS 'requests sent to ISBNdb for this month, in all attempts';
COMMENT ON COLUMN backfill_log.started_at IS 'when the latest attempt was claimed';
COMMENT ON COLUMN backfill_log.completed_at IS 'when it was completed or failed; null in every other status';
COMMENT ON COLUMN backfill_log.retry_count IS 'failed attempts; a wait for quota or a pause is none';
COMMENT ON COLUMN backfill_log.last_retry_at IS 'when an attempt last failed';
COMMENT ON COLUMN backfill_log.error_message IS 'why the latest attempt failed, or what a completed month had to do without';
COMMENT ON COLUMN backfill_log.error_code IS 'the same as a stable word';
COMMENT ON COLUMN backfill_log.prompt_variant IS 'how the generators are asked; null: the default of its year';
COMMENT ON COLUMN backfill_log.batch_size IS 'books asked of each generator';
COMMENT ON COLUMN backfill_log.attempt_token IS 'the attempt that may write; set while processing';
COMMENT ON COLUMN backfill_log.next_attempt_at IS 'when a month in retry may be taken up again';
COMMENT ON COLUMN backfill_log.blocked_reason IS 'why it waits, if it waits without having failed';
COMMENT ON COLUMN backfill_log.updated_at IS 'when this row last changed';

CREATE INDEX backfill_log_newest_first ON backfill_log (year DESC, month DESC) WHERE status IN ('pending', 'retry');
CREATE INDEX backfill_log_recent ON backfill_log (completed_at DESC) WHERE status = 'completed';

CREATE TABLE attempt (
    token      uuid PRIMARY KEY,
    year       integer NOT NULL,
    month      integer NOT NULL,
    job_id     bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    began_at   timestamptz,
    ended_at   timestamptz,
    worker     text,
    outcome    text CHECK (outcome IN ('completed', 'retry', 'snoozed', 'failed', 'lost', 'superseded')),
    code       text,
    reason     text,
    FOREIGN KEY (year, month) REFERENCES backfill_log (year, month) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT ended_with_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE attempt IS 'Every attempt at a month, with how it ended and why.';
COMMENT ON COLUMN attempt.token IS 'equal to backfill_log.attempt_token while this attempt may write';
COMMENT ON COLUMN attempt.job_id IS 'the job that makes it, as a schedule call answers it';
COMMENT ON COLUMN attempt.created_at IS 'when the month was claimed for it';
COMMENT ON COLUMN attempt.began_at IS 'when a worker took it; null: it still waits in the queue';
COMMENT ON COLUMN attempt.worker IS 'machine and process';
COMMENT ON COLUMN attempt.code IS 'the reason as a stable word';
CREATE INDEX attempt_of_month ON attempt (year, month, created_at);
CREATE INDEX attempt_of_job ON attempt (job_id);

-- People write to backfill_log with psql. What follows from a status is kept true for them, so that the plain
-- UPDATE that resets a stuck month runs as printed; an attempt that loses its month is ended here.
CREATE FUNCTION backfill_log_keep_true() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER keep_true BEFORE INSERT OR UPDATE ON backfill_log
    FOR EACH ROW EXECUTE FUNCTION backfill_log_keep_true();

CREATE FUNCTION backfill_log_end_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE attempt SET ended_at = now(), outcome = 'superseded', reason = 'the month was reset or taken over'
    WHERE token = OLD.attempt_token AND ended_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER end_attempt AFTER UPDATE OF status, attempt_token ON backfill_log
    FOR EACH ROW WHEN (OLD.attempt_token IS NOT NULL AND OLD.attempt_token IS DISTINCT FROM NEW.attempt_token)
    EXECUTE FUNCTION backfill_log_end_attempt();

CREATE TABLE answer (
    provider   text NOT NULL,
    key        text NOT NULL,
    request    jsonb NOT NULL,
    body       jsonb NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (provider, key)
);
COMMENT ON TABLE answer IS 'Answers that were paid for, by content of the request; purge by provider is allowed.';
COMMENT ON COLUMN answer.key IS 'digest of the request: equal requests have equal keys';
COMMENT ON COLUMN answer.expires_at IS 'until when it serves; null: for good';

CREATE TABLE call (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider      text NOT NULL,
    route         text NOT NULL,
    sent_at       timestamptz NOT NULL,
    ms            integer NOT NULL,
    units         integer NOT NULL,
    status        integer,
    error         text NOT NULL,
    year          integer,
    month         integer,
    attempt_token uuid
);
COMMENT ON TABLE call IS 'Every request that was sent to a provider.';
COMMENT ON COLUMN call.ms IS 'milliseconds until the whole answer was there';
COMMENT ON COLUMN call.units IS 'what it cost of the daily quota';
COMMENT ON COLUMN call.status IS 'the HTTP status; null: no answer came, and error says why';
COMMENT ON COLUMN call.attempt_token IS 'the attempt it was sent for; null: a further look, or nobody''s month';
CREATE INDEX call_of_month ON call (year, month) WHERE year IS NOT NULL;
CREATE INDEX call_by_time ON call (sent_at);

CREATE FUNCTION calls_sent(of_year integer, of_month integer, to_provider text) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer FROM call WHERE year = of_year AND month = of_month AND provider = to_provider
$$;

CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL,
    act    text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE audit IS 'What people asked for; rows are only ever added.';
