-- Finding a work again among a million: by keys that its spellings share, ranked by likeness of title.

ALTER TABLE work ADD COLUMN blocks text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN work.blocks IS 'keys that spellings of this work share; made by alexandria.block';
CREATE INDEX work_blocks ON work USING gin (blocks);
DROP INDEX work_title_similar;
