-- The ways to the providers: pace, pauses and daily quota. Instants that are float8 are seconds of the server's clock.

CREATE TABLE lane (
    name         text PRIMARY KEY,
    id           integer NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    rate         double precision NOT NULL CHECK (rate > 0),
    sends        integer NOT NULL CHECK (sends > 0),
    win          double precision NOT NULL CHECK (win > 0),
    gap          double precision NOT NULL CHECK (gap >= 0),
    daily_limit  integer CHECK (daily_limit >= 0),
    daily_cap    integer CHECK (daily_cap BETWEEN 0 AND daily_limit),
    ring         double precision[] NOT NULL DEFAULT '{}',
    held_until   double precision NOT NULL DEFAULT 0,
    held_units   integer NOT NULL DEFAULT 0 CHECK (held_units >= 0),
    paused_until timestamptz,
    pause_reason text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
COMMENT ON TABLE lane IS 'The paced way to one provider. Who holds the advisory lock (lane''s oid, id) has the turn.';
COMMENT ON COLUMN lane.sends IS 'at most so many requests in any stretch of win seconds';
COMMENT ON COLUMN lane.gap IS 'seconds between two requests';
COMMENT ON COLUMN lane.daily_limit IS 'units a day; null if it is unknown';
COMMENT ON COLUMN lane.daily_cap IS 'of these, what months may spend';
COMMENT ON COLUMN lane.ring IS 'instants of the last sends, oldest first';
COMMENT ON COLUMN lane.held_until IS 'when the holder''s lease ends; 0 after it left';
COMMENT ON COLUMN lane.held_units IS 'what the holder may still have to spend';

CREATE TABLE quota (
    name text NOT NULL REFERENCES lane ON UPDATE CASCADE ON DELETE CASCADE,
    day  date NOT NULL,
    cap  integer,
    used integer NOT NULL DEFAULT 0,
    PRIMARY KEY (name, day),
    CONSTRAINT never_overspent CHECK (used >= 0 AND used <= cap)
) WITH (fillfactor = 50);
COMMENT ON TABLE quota IS 'Units spent, or reserved to be spent, on one day of a provider.';

-- Units of `wanted` that may still be spent on `on_day`; they are charged at once.
CREATE FUNCTION quota_reserve(way lane, on_day date, wanted integer, people boolean) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    spent integer;
    bound integer := CASE WHEN people THEN way.daily_limit ELSE way.daily_cap END;
    granted integer;
BEGIN
    INSERT INTO quota (name, day, cap) VALUES (way.name, on_day, way.daily_limit) ON CONFLICT DO NOTHING;
    SELECT used INTO STRICT spent FROM quota WHERE name = way.name AND day = on_day FOR UPDATE;
    granted := greatest(least(wanted, bound - spent), 0);
    IF granted > 0 THEN
        UPDATE quota SET used = used + granted, cap = way.daily_limit WHERE name = way.name AND day = on_day;
    END IF;
    RETURN granted;
END
$$;

-- Wait for the turn on a lane and take a lease on it, for up to `max_sends` requests between `opens` and `closes`.
-- Granted 0: there is no lease, because of a pause (`rest` > 0), because the day is over (`first` >= `closes`) or
-- because its quota is spent.
CREATE FUNCTION lane_enter(
    lane_name text, on_day date, opens double precision, closes double precision,
    max_sends integer, max_units integer, people boolean, grace double precision,
    OUT clock double precision, OUT rest double precision, OUT reason text, OUT first double precision,
    OUT granted integer, OUT lease_ends double precision,
    OUT win double precision, OUT gap double precision, OUT ring double precision[]
) LANGUAGE plpgsql AS $$
DECLARE
    l lane;
BEGIN
    PERFORM pg_advisory_lock('lane'::regclass::oid::integer, id) FROM lane WHERE name = lane_name;
    -- A statement of its own, to see what the last holder wrote; FOR UPDATE, because it unlocks before it commits.
    SELECT * INTO STRICT l FROM lane WHERE name = lane_name FOR UPDATE;
    win := l.win;
    gap := l.gap;
    IF l.held_until > 0 THEN -- the last holder was lost: it sent whatever it could, as late as it could
        ring := array_fill(l.held_until, ARRAY[l.sends]);
    ELSE
        ring := (array_fill(0::double precision, ARRAY[l.sends]) || l.ring)[cardinality(l.ring) + 1 : ];
    END IF;
    clock := extract(epoch FROM clock_timestamp());
    rest := greatest(extract(epoch FROM l.paused_until) - clock, 0);
    reason := l.pause_reason;
    first := greatest(clock, opens, ring[1] + win, ring[l.sends] + gap);
    granted := 0;
    IF rest = 0 AND first < closes THEN
        granted := quota_reserve(l, on_day, max_units, people);
    END IF;
    IF granted = 0 THEN
        PERFORM pg_advisory_unlock('lane'::regclass::oid::integer, l.id);
        RETURN;
    END IF;
    lease_ends := first + (max_sends - 1) * gap + grace;
    UPDATE lane SET held_until = lease_ends, held_units = granted WHERE name = lane_name;
    -- A holder that is frozen or cut off loses its session, and so the lock, once its lease is over.
    PERFORM set_config('idle_session_timeout', ceil((lease_ends - clock + grace) * 1000)::text, false);
END
$$;

-- Give the turn to the next, with the instants of all sends and the units that were not spent.
CREATE FUNCTION lane_leave(lane_name text, on_day date, new_ring double precision[], unspent integer,
    OUT clock double precision
) LANGUAGE plpgsql AS $$
BEGIN
    -- Should a crash forget this, the lease stays and the next holder assumes the worst.
    PERFORM set_config('synchronous_commit', 'off', true), set_config('idle_session_timeout', '0', false);
    UPDATE lane SET ring = new_ring, held_until = 0, held_units = 0 WHERE name = lane_name;
    UPDATE quota SET used = greatest(used - unspent, 0) WHERE name = lane_name AND day = on_day AND unspent > 0;
    PERFORM pg_advisory_unlock('lane'::regclass::oid::integer, id) FROM lane WHERE name = lane_name;
    clock := extract(epoch FROM clock_timestamp());
END
$$;
