-- A book of which no question is open, as every new one, has none to withdraw: to start the statement that would look for them took
-- as long as to find new ones.

CREATE OR REPLACE FUNCTION queue_review(the_work bigint) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    works bigint[] := works_of_book(the_work);
BEGIN
    IF EXISTS (SELECT FROM review_item WHERE work_id = ANY(works)) THEN
        DELETE FROM review_item AS r WHERE r.work_id = ANY(works)
            AND NOT EXISTS (SELECT FROM due_review AS d
                            WHERE d.work_id = ANY(works) AND d.work_id = r.work_id AND d.subject = r.subject);
    END IF;
    INSERT INTO review_item AS r (work_id, subject, isbn13, year, month, candidate_id, reasons, place)
    SELECT work_id, subject, isbn13, year, month, candidate_id, reasons, place FROM due_review WHERE work_id = ANY(works)
    ON CONFLICT (work_id, subject) DO UPDATE SET
        candidate_id = excluded.candidate_id, reasons = excluded.reasons, place = excluded.place
    WHERE (r.candidate_id, r.reasons, r.place) IS DISTINCT FROM (excluded.candidate_id, excluded.reasons, excluded.place);
    UPDATE work_listing SET needs_review = NOT needs_review
    WHERE work_id = book_of(the_work) AND needs_review <> EXISTS (SELECT FROM review_item WHERE work_id = ANY(works));
END
$$;
