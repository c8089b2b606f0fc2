-- Months that were adopted from an earlier scheduler are marked until an attempt of ours begins.

ALTER TABLE backfill_log ADD COLUMN adopted_at timestamptz;
COMMENT ON COLUMN backfill_log.adopted_at IS
    'when the month was adopted from an earlier scheduler, whose outcome and counters it then has; null once it is claimed here';

CREATE OR REPLACE FUNCTION backfill_log_keep_true() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    IF NEW.status = 'processing' THEN
        NEW.attempt_token := coalesce(NEW.attempt_token, gen_random_uuid());
        NEW.started_at := coalesce(NEW.started_at, now());
        NEW.adopted_at := NULL;
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

-- A failure that was adopted did not happen on a day of a rollout.
DROP TRIGGER failed_day ON backfill_log;
CREATE TRIGGER failed_day AFTER UPDATE OF status ON backfill_log
    FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.adopted_at IS NULL)
    EXECUTE FUNCTION backfill_log_failed_day();
