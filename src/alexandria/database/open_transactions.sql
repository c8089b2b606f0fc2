-- Sessions that stay in a transaction and keep locks on our tables.

-- name: holding
-- Sessions that are idle in a transaction, and prepared transactions, with our tables that they lock. A role that may not
-- see the state of another role's session gets those that have locked something for more than reading.
SELECT l.virtualtransaction AS transaction, a.pid, coalesce(a.usename, p.owner)::text AS role,
       coalesce(a.application_name, '') AS program, coalesce(a.xact_start, p.prepared) AS since, a.state_change AS idle_since,
       p.gid AS prepared,
       array_agg(DISTINCT c.relname::text ORDER BY c.relname::text) AS tables
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation AND c.relkind = 'r'
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_locks AS own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
    AND own.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts AS p ON p.transaction = own.transactionid
WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
  AND (p.gid IS NOT NULL OR a.state LIKE 'idle in transaction%%'
       OR a.pid IS NOT NULL AND a.state IS NULL AND l.mode <> 'AccessShareLock')
GROUP BY l.virtualtransaction, a.pid, a.usename, p.owner, a.application_name, a.xact_start, a.state_change, p.prepared, p.gid
ORDER BY since NULLS LAST, a.pid
