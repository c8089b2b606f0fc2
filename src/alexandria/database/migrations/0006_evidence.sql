-- Related editions, the right month, and further looks at what is unresolved.

ALTER TABLE edition ADD COLUMN related boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN edition.related IS 'found beside the edition that a candidate was resolved to';

ALTER TABLE candidate
    ADD COLUMN named_year    integer,
    ADD COLUMN in_month      text NOT NULL DEFAULT 'unknown' CHECK (in_month IN ('confirmed', 'contradicted', 'unknown')),
    ADD COLUMN looks         integer NOT NULL DEFAULT 1 CHECK (looks > 0),
    ADD COLUMN look_again_at timestamptz,
    ADD CONSTRAINT look_again_if_unresolved CHECK (isbn13 IS NULL OR look_again_at IS NULL);
COMMENT ON COLUMN candidate.in_month IS 'first published in the month it was named for?';
COMMENT ON COLUMN candidate.looks IS 'how often the sources were asked';
COMMENT ON COLUMN candidate.look_again_at IS 'when they are asked again; null: never';
CREATE INDEX candidate_to_look_up ON candidate (look_again_at) WHERE isbn13 IS NULL AND look_again_at IS NOT NULL;
