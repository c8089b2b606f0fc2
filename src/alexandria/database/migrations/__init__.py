"""The history of the schema: one numbered .sql file a step, applied by Alembic in one transaction."""
