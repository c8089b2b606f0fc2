-- A change of a book reads what is due of that book alone, however large or young the catalogue is.

-- The view is large: to plan it for each book costs ten times what it costs to ask it.
CREATE OR REPLACE FUNCTION queue_review(the_work bigint) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    works bigint[] := works_of_book(the_work);
BEGIN
    DELETE FROM review_item AS r WHERE r.work_id = ANY(works)
        AND NOT EXISTS (SELECT FROM due_review AS d
                        WHERE d.work_id = ANY(works) AND d.work_id = r.work_id AND d.subject = r.subject);
    INSERT INTO review_item AS r (work_id, subject, isbn13, year, month, candidate_id, reasons, place)
    SELECT work_id, subject, isbn13, year, month, candidate_id, reasons, place FROM due_review WHERE work_id = ANY(works)
    ON CONFLICT (work_id, subject) DO UPDATE SET
        candidate_id = excluded.candidate_id, reasons = excluded.reasons, place = excluded.place
    WHERE (r.candidate_id, r.reasons, r.place) IS DISTINCT FROM (excluded.candidate_id, excluded.reasons, excluded.place);
    UPDATE work_listing SET needs_review = NOT needs_review
    WHERE work_id = book_of(the_work) AND needs_review <> EXISTS (SELECT FROM review_item WHERE work_id = ANY(works));
END
$$;
