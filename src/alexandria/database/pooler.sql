-- Who serves a connection.

-- name: process
SELECT pg_backend_pid() AS process
