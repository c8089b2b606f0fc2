-- How many books are looked up in the bibliography, and how many of them need no request.

CREATE TABLE bibliography_use (
    day date PRIMARY KEY,
    asked integer NOT NULL,
    settled integer NOT NULL,
    CHECK (settled >= 0 AND settled <= asked)
);
COMMENT ON TABLE bibliography_use IS 'Books that were looked up in the bibliography, one row per day.';
COMMENT ON COLUMN bibliography_use.day IS 'in UTC';
COMMENT ON COLUMN bibliography_use.asked IS 'books that were looked up';
COMMENT ON COLUMN bibliography_use.settled IS 'of these, resolved without a request to any source';
