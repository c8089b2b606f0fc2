-- A provider's plan decides the limits that nobody has set: units a day, the reserve of 2/15 of them, and the rate.

ALTER TABLE lane
    ADD COLUMN by_plan   text[] NOT NULL DEFAULT '{}',
    ADD COLUMN plan_rate double precision CHECK (plan_rate > 0),
    ADD COLUMN plan_host text NOT NULL DEFAULT '';
COMMENT ON COLUMN lane.by_plan IS 'limits that no setting gives: the reported plan replaces them';
COMMENT ON COLUMN lane.plan_rate IS 'requests a second on the plan''s host; null if it is unknown';
COMMENT ON COLUMN lane.plan_host IS 'the host that answers the plan''s requests';

-- A plan never raises a limit that was set.
CREATE OR REPLACE FUNCTION lane_limit(way lane) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN 'daily_limit' = ANY (way.by_plan) THEN coalesce(way.plan_limit, way.daily_limit)
                ELSE least(way.daily_limit, way.plan_limit) END
$$;

-- A reserve that would leave nothing is replaced by the usual one.
CREATE OR REPLACE FUNCTION lane_cap(way lane) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN kept < whole THEN whole - kept ELSE whole - (whole::bigint * 2 / 15)::integer END
    FROM (SELECT lane_limit(way) AS whole,
                 CASE WHEN 'daily_reserve' = ANY (way.by_plan) THEN NULL
                      ELSE coalesce(way.daily_limit - way.daily_cap, 0) END AS kept) AS plan
$$;
