-- What all processes have logged, in one place.

CREATE TABLE journal (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    level   text NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error', 'critical')),
    event   text NOT NULL,
    process text NOT NULL,
    year    integer,
    month   integer,
    fields  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(fields) = 'object'),
    CONSTRAINT of_a_month CHECK ((year IS NULL) = (month IS NULL))
);
CREATE INDEX journal_month ON journal (year, month, id) WHERE year IS NOT NULL;
COMMENT ON TABLE journal IS 'What all processes have logged, the newest events only. Numbers are given in the order in which events became visible.';
COMMENT ON COLUMN journal.at IS 'when it happened, by the clock of the process';
COMMENT ON COLUMN journal.event IS 'what happened, in constant words';
COMMENT ON COLUMN journal.process IS 'whose event it is: machine and process number';
COMMENT ON COLUMN journal.year IS 'with month: the month of books that it is about';
COMMENT ON COLUMN journal.fields IS 'what else is known of it';
