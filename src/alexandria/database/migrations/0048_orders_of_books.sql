-- A page of books of one language by title or author, or of one source by score, begins at their first one: Japanese titles come
-- after all others, and scores of one source after all of another, so that a walk in the order of all books passed most of them.

CREATE INDEX work_listing_language_title ON work_listing (language, title_key, work_id);
CREATE INDEX work_listing_language_author ON work_listing (language, author_key, work_id);
CREATE INDEX work_listing_source_score ON work_listing (source, score, work_id) WHERE score IS NOT NULL;

-- Scores of a source are its own: without it PostgreSQL expects some of 99 % at each source, and looks for them in the whole list.
CREATE STATISTICS work_listing_scores (mcv) ON source, score FROM work_listing;
