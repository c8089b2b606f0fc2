-- Functions and triggers find their tables under any search path, as when people write to backfill_log from another program.
-- Functions of later steps get the same when they are made; see alexandria.database.migrate.

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN
        SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND (
            proname LIKE 'procrastinate\_%' OR proname IN (
                'quota_reserve', 'lane_enter', 'lane_leave', 'lane_limit', 'lane_cap', 'backfill_log_keep_true',
                'backfill_log_end_attempt', 'calls_sent', 'isbn13_valid', 'only_ever_added'))
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', made, current_schema());
    END LOOP;
END
$$;
