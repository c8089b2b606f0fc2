-- Works that persons merge or keep apart.

-- name: regroup
-- The books that these works are in, by the decisions that stand.
SELECT regroup_works(%(works)s::bigint[])

-- name: changed
-- Editions that a reader of changes must see again, as they are shown under another work.
UPDATE edition SET changed_at = now() WHERE work_id = ANY(%(works)s::bigint[])

-- name: between
-- The decision by which works of two books are different.
SELECT d.id, d.act, d.who, d.why, d.work_id, d.other_work_id AS other_id FROM standing_decision AS d
WHERE d.act IN ('different', 'split') AND (d.work_id = ANY(%(works)s::bigint[]) AND d.other_work_id = ANY(%(others)s::bigint[])
    OR d.work_id = ANY(%(others)s::bigint[]) AND d.other_work_id = ANY(%(works)s::bigint[]))
ORDER BY d.id LIMIT 1

-- name: most_editions
-- Of two books the one with more editions, or else the older one.
SELECT w.id AS work_id FROM unnest(%(works)s::bigint[]) AS w (id)
ORDER BY (SELECT count(*) FROM edition WHERE work_id = ANY(works_of_book(w.id))) DESC, w.id LIMIT 1

-- name: any_different
-- Whether any works are marked as different: hardly ever, so that it is asked first.
SELECT EXISTS (SELECT FROM different_work) AS found
