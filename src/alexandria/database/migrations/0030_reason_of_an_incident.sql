-- The reason of an incident follows what lasts: its counts and causes change.

COMMENT ON COLUMN incident.reason IS 'the reason as last seen while it continued';
