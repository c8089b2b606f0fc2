-- What a provider itself says of its day, and requests that it does not bill.

ALTER TABLE lane
    ADD COLUMN plan_limit   integer CHECK (plan_limit >= 0),
    ADD COLUMN plan_seen_at timestamptz,
    ADD COLUMN plan_note    text NOT NULL DEFAULT '';
COMMENT ON COLUMN lane.plan_limit IS 'units a day by the provider''s word; null if it gave none. The smaller limit holds';
COMMENT ON COLUMN lane.plan_seen_at IS 'when the provider last said so';
COMMENT ON COLUMN lane.plan_note IS 'what is odd about that, or why it could not be had';

CREATE FUNCTION lane_limit(way lane) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT least(way.daily_limit, way.plan_limit)
$$;

-- A smaller plan leaves people as much as the settings do.
CREATE FUNCTION lane_cap(way lane) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN way.plan_limit IS NULL THEN way.daily_cap
                ELSE least(way.daily_cap, greatest(way.plan_limit - coalesce(way.daily_limit - way.daily_cap, 0), 0)) END
$$;

CREATE OR REPLACE FUNCTION quota_reserve(way lane, on_day date, wanted integer, people boolean) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    spent integer;
    bound integer := CASE WHEN people THEN lane_limit(way) ELSE lane_cap(way) END;
    granted integer;
BEGIN
    INSERT INTO quota (name, day, cap) VALUES (way.name, on_day, lane_limit(way)) ON CONFLICT DO NOTHING;
    SELECT used INTO STRICT spent FROM quota WHERE name = way.name AND day = on_day FOR UPDATE;
    granted := greatest(least(wanted, bound - spent), 0);
    IF granted > 0 THEN
        UPDATE quota SET used = used + granted, cap = lane_limit(way) WHERE name = way.name AND day = on_day;
    END IF;
    RETURN granted;
END
$$;

-- Wait for the turn on a lane and take a lease on it, for up to `max_sends` requests between `opens` and `closes`.
-- Requests for 0 units in all need no quota. Without `lease_ends` there is no lease, because of a pause (`rest` > 0),
-- because the day is over (`first` >= `closes`) or because its quota is spent.
CREATE OR REPLACE FUNCTION lane_enter(
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
    IF granted = 0 AND (max_units > 0 OR rest > 0 OR first >= closes) THEN
        PERFORM pg_advisory_unlock('lane'::regclass::oid::integer, l.id);
        RETURN;
    END IF;
    lease_ends := first + (max_sends - 1) * gap + grace;
    UPDATE lane SET held_until = lease_ends, held_units = granted WHERE name = lane_name;
    -- A holder that is frozen or cut off loses its session, and so the lock, once its lease is over.
    PERFORM set_config('idle_session_timeout', ceil((lease_ends - clock + grace) * 1000)::text, false);
END
$$;
