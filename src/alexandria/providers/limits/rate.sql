-- Lanes and their quota. The work of a turn is done in the functions lane_enter and lane_leave of the schema.

-- name: configure
-- A lane as the settings want it; its history stays.
INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap, by_plan)
VALUES (%(name)s, %(rate)s, %(sends)s, %(win)s, %(gap)s, %(daily_limit)s, %(daily_cap)s, %(by_plan)s)
ON CONFLICT (name) DO UPDATE
SET rate = excluded.rate, sends = excluded.sends, win = excluded.win, gap = excluded.gap,
    daily_limit = excluded.daily_limit, daily_cap = excluded.daily_cap, by_plan = excluded.by_plan
WHERE (lane.rate, lane.sends, lane.win, lane.gap, lane.daily_limit, lane.daily_cap, lane.by_plan) IS DISTINCT FROM
      (excluded.rate, excluded.sends, excluded.win, excluded.gap, excluded.daily_limit, excluded.daily_cap,
       excluded.by_plan)

-- name: add
-- A lane that no process has configured yet; one that is there stays as it is.
INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap, by_plan)
VALUES (%(name)s, %(rate)s, %(sends)s, %(win)s, %(gap)s, %(daily_limit)s, %(daily_cap)s, %(by_plan)s)
ON CONFLICT (name) DO NOTHING

-- name: inherit_quota
-- What was spent at a provider's one server is spent at each of its several, as it is not known at which.
INSERT INTO quota (name, day, cap, used)
SELECT %(name)s, day, cap, used FROM quota WHERE name = %(provider)s AND day >= current_date - 1
ON CONFLICT DO NOTHING

-- name: stored
-- The limits of some lanes, as configured and as their plans have them.
SELECT name, rate, daily_limit, daily_cap, by_plan, plan_limit, plan_rate, plan_host
FROM lane WHERE name = ANY(%(names)s::text[])

-- name: session
-- What a session must be so that leases hold: it outlives no lost client, loses no commit, and waits as long as it takes.
SELECT set_config('synchronous_commit', 'on', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('statement_timeout', '0', false),
       set_config('lock_timeout', '0', false),
       set_config('idle_session_timeout', '0', false),
       set_config('client_connection_check_interval', '250', false),
       set_config('tcp_keepalives_idle', '5', false),
       set_config('tcp_keepalives_interval', '1', false),
       set_config('tcp_keepalives_count', '3', false)

-- name: clock
-- The server's clock in seconds.
SELECT extract(epoch FROM clock_timestamp())::double precision AS clock

-- name: enter
-- Wait for the turn on a lane.
SELECT * FROM lane_enter(%(name)s, %(day)s, %(opens)s, %(closes)s, %(sends)s, %(units)s, %(people)s, %(grace)s)

-- name: leave
-- Give the turn to the next.
SELECT clock FROM lane_leave(%(name)s, %(day)s, %(ring)s, %(unspent)s)

-- name: rest
-- How many seconds a pause still lasts.
SELECT now.clock, greatest(extract(epoch FROM paused_until) - now.clock, 0)::double precision AS rest
FROM lane, (SELECT extract(epoch FROM clock_timestamp())::double precision AS clock) AS now
WHERE name = %(name)s

-- name: refund
-- Take back units that were charged and not sent.
UPDATE quota SET used = greatest(used - %(units)s, 0) WHERE name = %(name)s AND day = %(day)s

-- name: pause
-- Stop a lane for some seconds; a longer pause stays.
UPDATE lane SET paused_until = clock_timestamp() + make_interval(secs => %(seconds)s), pause_reason = %(reason)s,
    paused_since = CASE WHEN paused_until > clock_timestamp() THEN coalesce(paused_since, clock_timestamp())
                        ELSE clock_timestamp() END
WHERE name = %(name)s AND coalesce(paused_until <= clock_timestamp() + make_interval(secs => %(seconds)s), true)

-- name: pause_without_credit
-- Stop a lane for an hour, and for a day if the last pause was for the same reason and nothing was answered since. A pause
-- for this reason that is in force stays, as it stopped requests that were sent at the same time.
UPDATE lane SET paused_until = greatest(paused_until, now.at + CASE WHEN pause_reason LIKE %(mark)s AND NOT EXISTS (
                    SELECT FROM call
                    WHERE provider = lane.name AND status BETWEEN 200 AND 299 AND sent_at > lane.paused_since
                ) THEN interval '1 day' ELSE interval '1 hour' END),
    paused_since = now.at, pause_reason = %(reason)s
FROM (SELECT clock_timestamp() AS at) AS now
WHERE name = %(name)s AND NOT (pause_reason LIKE %(mark)s AND coalesce(paused_until > now.at, false))

-- name: pause_end
-- When the pause of a lane ends, or has ended.
SELECT paused_until AS until FROM lane WHERE name = %(name)s

-- name: status
-- Pace, pause and quota of some lanes, each on the day that its provider has.
SELECT lane.name, rate,
       CASE WHEN paused_until > clock_timestamp() THEN paused_until
            WHEN probe_until > clock_timestamp() THEN probe_until END AS paused_until,
       paused_since, pause_reason, opened_at AS down_since, coalesce(failures, 0) AS failures,
       coalesce(probe_until > clock_timestamp(), false) AS probing, lane_cap(lane) AS daily_cap, lane_limit(lane) AS daily_limit,
       coalesce(used, 0) - reserved AS used, reserved, plan_limit, plan_seen_at, plan_note
FROM unnest(%(names)s::text[], %(days)s::date[]) WITH ORDINALITY AS asked (name, day, position)
JOIN lane USING (name)
LEFT JOIN quota USING (name, day)
LEFT JOIN breaker USING (name)
CROSS JOIN LATERAL (
    SELECT CASE WHEN held_until > extract(epoch FROM clock_timestamp())
                THEN least(held_units, coalesce(used, 0)) ELSE 0 END AS reserved
) AS held
ORDER BY position

-- name: paused_lanes
-- The providers that get no requests now, with the end and the reason.
SELECT name, coalesce(CASE WHEN paused_until > clock_timestamp() THEN paused_until END, probe_until) AS until, pause_reason AS reason
FROM lane LEFT JOIN breaker USING (name)
WHERE name = ANY(%(names)s::text[]) AND (paused_until > clock_timestamp() OR probe_until > clock_timestamp())
ORDER BY name

-- name: take_place
-- A free place at a provider, by its number; none of the session's own, which would be granted to it again.
SELECT (
    SELECT place FROM lane, generate_series(1, %(count)s::integer) AS place
    WHERE name = %(name)s
      AND CASE WHEN place = ANY(%(held)s::integer[]) THEN false
               ELSE pg_try_advisory_lock('control'::regclass::oid::integer, id * 1000 + place) END
    LIMIT 1
) AS place

-- name: give_place
-- Leave it to others.
SELECT pg_advisory_unlock('control'::regclass::oid::integer, id * 1000 + %(place)s::integer) AS left
FROM lane WHERE name = %(name)s
