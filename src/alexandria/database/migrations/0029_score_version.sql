-- Scores became probabilities. Those that are stored stay as they are, with the version of their meaning.

ALTER TABLE candidate ADD COLUMN score_version smallint NOT NULL DEFAULT 1;
COMMENT ON COLUMN candidate.score_version IS
    'how the scores of this row were made; 1: points of 100; from 2: probabilities, a new number for each change';
COMMENT ON COLUMN candidate.score IS
    'probability in per cent that the accepted record is of this book; points of 100 if score_version is 1';
