-- What the list of books is searched, filtered and sorted by, one narrow row for each work, so that a page of a million costs little.

CREATE FUNCTION search_words(printed text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(normalize(lower(left(printed, 1000)), NFKD), '[\u0300-\u036f''’]', '', 'g')
$$;

CREATE TABLE work_listing (
    work_id    bigint PRIMARY KEY REFERENCES work ON DELETE CASCADE,
    title_key  text COLLATE "C" NOT NULL,
    author_key text COLLATE "C" NOT NULL,
    language   text NOT NULL,
    status     text NOT NULL CHECK (status IN ('resolved', 'doubtful', 'refused', 'not_found', 'not_checked', 'not_named')),
    source     text NOT NULL,
    score      numeric(5, 2),
    in_month   text NOT NULL CHECK (in_month IN ('confirmed', 'contradicted', 'unknown')),
    words      tsvector NOT NULL
);
COMMENT ON TABLE work_listing IS
    'What the list of books is searched, filtered and sorted by. Made from the other tables by triggers at the end of each transaction.';
COMMENT ON COLUMN work_listing.title_key IS 'sorts by title';
COMMENT ON COLUMN work_listing.author_key IS 'sorts by the last word of the first author''s name';
COMMENT ON COLUMN work_listing.language IS 'of the work, or of its first edition';
COMMENT ON COLUMN work_listing.status IS
    'what its best decision is: an ISBN, or what the sources had instead; not_named: no month names it any more';
COMMENT ON COLUMN work_listing.source IS 'who had the accepted record; empty without one';
COMMENT ON COLUMN work_listing.score IS 'of the accepted record; null without one';
COMMENT ON COLUMN work_listing.in_month IS
    'contradicted, if sources contradict any month that named it; confirmed, if they confirm one';
COMMENT ON COLUMN work_listing.words IS 'of its title and contributors';

CREATE FUNCTION list_work(the_work bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO work_listing AS l
    SELECT w.id, search_words(left(w.title, 200)), search_words(left(regexp_replace(w.author, '^(.*)\s(\S+)$', '\2 \1'), 200)),
        coalesce(nullif(w.language, ''), e.language, ''),
        CASE WHEN c.id IS NULL THEN 'not_named' WHEN c.isbn13 IS NOT NULL THEN 'resolved'
             WHEN c.evidence @> '[{"verdict": "doubt"}]' THEN 'doubtful' WHEN c.hindered THEN 'not_checked'
             WHEN c.evidence <> '[]' THEN 'refused' ELSE 'not_found' END,
        CASE WHEN c.isbn13 IS NULL THEN '' ELSE c.source END, CASE WHEN c.isbn13 IS NOT NULL THEN c.score END,
        coalesce(dated.in_month, 'unknown'),
        to_tsvector('simple', search_words(w.title || ' ' || coalesce(people.names, w.author)))
    FROM work AS w
    LEFT JOIN LATERAL (SELECT * FROM candidate WHERE work_id = w.id
                       ORDER BY isbn13 IS NULL, source = 'catalogue', id DESC LIMIT 1) AS c ON true
    LEFT JOIN LATERAL (SELECT language FROM edition WHERE work_id = w.id AND language <> ''
                       ORDER BY related, created_at, isbn13 LIMIT 1) AS e ON true
    LEFT JOIN LATERAL (SELECT coalesce(min(in_month) FILTER (WHERE in_month = 'contradicted'), min(in_month)) AS in_month
                       FROM candidate WHERE work_id = w.id AND isbn13 IS NOT NULL) AS dated ON true
    LEFT JOIN LATERAL (SELECT left(string_agg((SELECT name FROM contributor WHERE id = wc.contributor_id), ' '), 1000) AS names
                       FROM work_contributor AS wc WHERE wc.work_id = w.id) AS people ON true
    WHERE w.id = the_work
    ON CONFLICT (work_id) DO UPDATE SET title_key = excluded.title_key, author_key = excluded.author_key,
        language = excluded.language, status = excluded.status, source = excluded.source, score = excluded.score,
        in_month = excluded.in_month, words = excluded.words
    WHERE (l.title_key, l.author_key, l.language, l.status, l.source, l.score, l.in_month, l.words) IS DISTINCT FROM
        (excluded.title_key, excluded.author_key, excluded.language, excluded.status, excluded.source, excluded.score,
         excluded.in_month, excluded.words)
$$;

-- Before the indexes, which are made faster over all rows than row by row.
SELECT list_work(id) FROM work;

CREATE INDEX work_listing_title ON work_listing (title_key, work_id);
CREATE INDEX work_listing_author ON work_listing (author_key, work_id);
CREATE INDEX work_listing_score ON work_listing (score, work_id) WHERE score IS NOT NULL;
CREATE INDEX work_listing_language ON work_listing (language, work_id);
CREATE INDEX work_listing_status ON work_listing (status, work_id);
CREATE INDEX work_listing_source ON work_listing (source, work_id);
CREATE INDEX work_listing_in_month ON work_listing (in_month, work_id);
CREATE INDEX work_listing_words ON work_listing USING gin (words);

CREATE FUNCTION list_changed_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'work' THEN
        PERFORM list_work(NEW.id);
        RETURN NULL;
    END IF;
    PERFORM list_work(NEW.work_id);
    IF OLD.work_id IS DISTINCT FROM NEW.work_id THEN
        PERFORM list_work(OLD.work_id);
    END IF;
    RETURN NULL;
END
$$;

-- At the end of a transaction, as its rows are complete then, and as it waits for the other writers of the catalogue until then.
CREATE CONSTRAINT TRIGGER listed AFTER INSERT OR UPDATE OF title, author, language ON work
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_changed_work();
CREATE CONSTRAINT TRIGGER listed AFTER INSERT OR DELETE OR UPDATE OF work_id, isbn13, source, score, evidence, hindered, in_month
    ON candidate DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_changed_work();
-- Of an edition only the language is listed, so one without it changes nothing.
CREATE CONSTRAINT TRIGGER listed_when_added AFTER INSERT ON edition
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.language <> '') EXECUTE FUNCTION list_changed_work();
CREATE CONSTRAINT TRIGGER listed_when_deleted AFTER DELETE ON edition
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.language <> '') EXECUTE FUNCTION list_changed_work();
CREATE CONSTRAINT TRIGGER listed AFTER UPDATE OF work_id, language ON edition
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.work_id, OLD.language) IS DISTINCT FROM (NEW.work_id, NEW.language)) EXECUTE FUNCTION list_changed_work();
CREATE CONSTRAINT TRIGGER listed AFTER INSERT OR DELETE OR UPDATE ON work_contributor
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION list_changed_work();
