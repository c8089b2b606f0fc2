-- The notable works of each month: those with most editions and readers among the works that first appeared in it.

-- name: work_memory
-- For grouping all editions by work.
SELECT set_config('work_mem', '96MB', false)

-- name: create_reading
CREATE TABLE bibliography_new.reading (work int NOT NULL)

-- name: copy_reading
COPY bibliography_new.reading (work) FROM STDIN

-- name: drop_reading
DROP TABLE bibliography_new.reading

-- name: create_notable
CREATE TABLE bibliography_new.notable (month int NOT NULL, place int NOT NULL, title int NOT NULL)

-- condition: dated
-- Its month is known: 1 January often means no more than the year.
e.published / 100 %% 100 > 0 AND e.published %% 10000 <> 101

-- name: candidates
-- Works by the month of their first edition, if no edition is of an earlier year: the most widely published and read first.
SELECT month, work, title FROM (
    SELECT month, work, title, row_number() OVER (PARTITION BY month ORDER BY weight DESC, work) AS place FROM (
        SELECT (w.first >> 32)::int AS month, w.work, (w.first & 4294967295)::int AS title,
            w.editions + coalesce(r.readers, 0) AS weight
        FROM (
            SELECT CASE WHEN t.work > 0 THEN t.work ELSE -t.id END AS work, min(nullif(e.published, 0) / 10000) AS year,
                min((e.published / 100)::bigint << 32 | e.title) FILTER (WHERE {dated} AND t.authors <> '') AS first,
                count(*) AS editions
            FROM bibliography_new.edition AS e JOIN bibliography_new.title AS t ON t.id = e.title
            GROUP BY 1) AS w
        LEFT JOIN (SELECT work, count(*) AS readers FROM bibliography_new.reading GROUP BY work) AS r USING (work)
        WHERE (w.first >> 32) / 100 = w.year) AS first_published) AS placed
WHERE place <= %(limit)s ORDER BY month, place

-- name: copy_notable
COPY bibliography_new.notable (month, place, title) FROM STDIN

-- name: index_notable
ALTER TABLE bibliography_new.notable ADD PRIMARY KEY (month, place)
