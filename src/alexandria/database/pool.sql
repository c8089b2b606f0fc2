-- What a connection can do.

-- name: read_only
-- Whether the server takes no data in this session, and whether that is because it is a standby.
SELECT current_setting('transaction_read_only')::boolean AS read_only, pg_is_in_recovery() AS standby

-- name: role_path
-- The search path that the role has in another database, where ours does not matter.
SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name = 'search_path'

-- name: bound_transaction
-- A session that stands still within a pipeline does not count as idle in its transaction.
SELECT set_config('transaction_timeout', '10s', true)
