-- The functions that this transaction made or replaced find their tables under any search path.

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN
        SELECT oid FROM pg_proc AS p WHERE pronamespace = current_schema()::regnamespace
        AND xmin = pg_current_xact_id()::xid
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', made, current_schema());
    END LOOP;
END
$$;
