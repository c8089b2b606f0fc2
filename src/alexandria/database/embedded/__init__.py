"""A PostgreSQL that Alexandria installs and runs itself."""
