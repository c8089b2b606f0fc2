-- A work is listed once for all rows of it that a transaction adds one after the other, instead of for each of them; and a row
-- that is added or deleted has one work, not two: the other was NULL, and to list that took as long.

CREATE FUNCTION list_work_once(the_work bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- At the end of a transaction all of its rows are there, so that what was listed last in this statement is as it will be.
    listing text := concat_ws(' ', extract(epoch FROM statement_timestamp()), the_work);
BEGIN
    IF the_work IS NOT NULL AND current_setting('alexandria.listed_last', true) IS DISTINCT FROM listing THEN
        PERFORM list_work(the_work);
        PERFORM set_config('alexandria.listed_last', listing, true);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION list_changed_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'work' THEN
        PERFORM list_work_once(NEW.id);
        RETURN NULL;
    END IF;
    PERFORM list_work_once(NEW.work_id);
    IF OLD.work_id IS DISTINCT FROM NEW.work_id THEN
        PERFORM list_work_once(OLD.work_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION queue_changed_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'work' THEN
        PERFORM queue_review(NEW.id);
        RETURN NULL;
    END IF;
    IF NEW.work_id IS NOT NULL THEN
        PERFORM queue_review(NEW.work_id);
    END IF;
    IF OLD.work_id IS NOT NULL AND OLD.work_id IS DISTINCT FROM NEW.work_id THEN
        PERFORM queue_review(OLD.work_id);
    END IF;
    IF TG_TABLE_NAME = 'curation_decision' THEN
        IF NEW.other_work_id IS NOT NULL THEN
            PERFORM queue_review(NEW.other_work_id);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
