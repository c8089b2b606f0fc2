-- Providers that do not answer are paused for all workers, and incidents that last are reported again.

CREATE TABLE breaker (
    name         text PRIMARY KEY REFERENCES lane ON UPDATE CASCADE ON DELETE CASCADE,
    failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    trips        integer NOT NULL DEFAULT 0 CHECK (trips >= 0),
    trips_before integer NOT NULL DEFAULT 0 CHECK (trips_before >= 0),
    opened_at    timestamptz,
    open_until   timestamptz,
    closed_at    timestamptz,
    probe        uuid,
    probe_until  timestamptz,
    probed_at    timestamptz,
    recovered_at timestamptz,
    CONSTRAINT open_if_tripped CHECK ((opened_at IS NOT NULL) = (trips > 0)),
    CONSTRAINT probe_ends CHECK ((probe IS NULL) = (probe_until IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE breaker IS 'Circuit breakers: providers that have failed to answer lately. No row: it always answered.';
COMMENT ON COLUMN breaker.failures IS 'requests in a row without an answer, while trips is 0';
COMMENT ON COLUMN breaker.trips IS 'pauses in a row; 0: the circuit is closed, requests are sent';
COMMENT ON COLUMN breaker.trips_before IS 'pauses of the last outage: soon after it the next pause is the longer for them';
COMMENT ON COLUMN breaker.opened_at IS 'when the first of these pauses began';
COMMENT ON COLUMN breaker.open_until IS 'when the present pause ends; then one request may probe the provider';
COMMENT ON COLUMN breaker.closed_at IS 'when the provider last answered a probe';
COMMENT ON COLUMN breaker.probe IS 'the request that probes the provider; it alone may close the circuit';
COMMENT ON COLUMN breaker.probe_until IS 'when another request may probe it, as the prober is lost';
COMMENT ON COLUMN breaker.probed_at IS 'when a waiting month was last woken to probe it';
COMMENT ON COLUMN breaker.recovered_at IS 'it answers again, and the months that wait for it must still be woken';

ALTER TABLE incident ADD COLUMN reminded_at timestamptz;
COMMENT ON COLUMN incident.reminded_at IS 'when it was last reported again, as it lasted';
ALTER TABLE notice DROP CONSTRAINT notice_event_check,
    ADD CONSTRAINT notice_event_check CHECK (event IN ('began', 'lasts', 'cleared'));
