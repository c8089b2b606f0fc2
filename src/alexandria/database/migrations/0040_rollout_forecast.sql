-- Nobody could see whether a rollout goes as it was forecast, as no forecast was kept.

CREATE TABLE rollout_forecast (
    rollout_id bigint NOT NULL REFERENCES rollout,
    day        date NOT NULL,
    made_at    timestamptz NOT NULL,
    low        integer NOT NULL CHECK (low >= 0),
    middle     integer NOT NULL,
    high       integer NOT NULL,
    PRIMARY KEY (rollout_id, day),
    CONSTRAINT band_in_order CHECK (low <= middle AND middle <= high)
);
COMMENT ON TABLE rollout_forecast IS 'The first forecast of each rollout that was made while it ran: months ended by the end of each day.';
COMMENT ON COLUMN rollout_forecast.day IS 'in UTC';
COMMENT ON COLUMN rollout_forecast.low IS 'months of the plan that have ended, fewer in one of ten simulations';
COMMENT ON COLUMN rollout_forecast.middle IS 'fewer in half of the simulations';
COMMENT ON COLUMN rollout_forecast.high IS 'fewer in nine of ten simulations';
