-- The table is as Alembic made it, which ran the steps before.

CREATE TABLE IF NOT EXISTS schema_version (
    version_num varchar(32) NOT NULL, CONSTRAINT schema_version_pkc PRIMARY KEY (version_num)
);
DELETE FROM schema_version;
INSERT INTO schema_version (version_num) VALUES ('{version}');
