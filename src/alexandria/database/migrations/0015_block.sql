-- The keys by which a work is found again get a table of their own: counting in an index what two works share reads no works.

DROP INDEX work_blocks;
ALTER TABLE work DROP COLUMN blocks;

CREATE TABLE work_block (
    key     text NOT NULL CHECK (key <> ''),
    work_id bigint NOT NULL REFERENCES work ON DELETE CASCADE,
    PRIMARY KEY (key, work_id)
);
COMMENT ON TABLE work_block IS 'Keys that spellings of a work share; made by alexandria.block.';
CREATE INDEX work_block_of_work ON work_block (work_id);
