"""What an operator reads when PostgreSQL lets nobody in or does not answer: its own reason, and the fix."""

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from alexandria.core.errors import DatabaseUnavailable
from alexandria.database import failures

AT = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '
REFUSED = {
    'FATAL:  password authentication failed for user "ann"': "~/.pgpass",
    "fe_sendauth: no password supplied": "~/.pgpass",
    'FATAL:  database "books" does not exist': "createdb",
    "FATAL:  no such database: books": "createdb",
    'FATAL:  role "ann" does not exist': "createuser",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "ann", database "books", no encryption': "pg_hba.conf",
    "server does not support SSL, but SSL was required": "sslmode",
    "SSL error: certificate verify failed": "sslmode",
    'root certificate file "/root/.postgresql/root.crt" does not exist': "sslrootcert",
    "FATAL:  sorry, too many clients already": "max_connections",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute": "max_connections",
    'FATAL:  too many connections for role "ann"': "max_connections",
    "FATAL:  no more connections allowed (max_client_conn)": "max_connections",
    'FATAL:  permission denied for database "books"': "CONNECT",
    "FATAL:  the database system is starting up": "wait",
    "FATAL:  the database system is not yet accepting connections": "wait",
    "FATAL:  the database system is in recovery mode": "wait",
    "FATAL:  Passwort-Authentifizierung f\u00fcr Benutzer \u00bbann\u00ab fehlgeschlagen": "DATABASE_URL",
}
SILENT = {
    "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?": "Connection refused",
    "No route to host": "No route to host",
    "timeout expired": "timeout expired",
}


@pytest.mark.parametrize(("said", "fix"), REFUSED.items())
def test_a_server_that_lets_nobody_in_is_quoted_with_the_fix(said, fix):
    """Without the address, which is nobody's business who may only ask whether the system is ready."""
    found = failures.translate(psycopg.OperationalError(AT + said))
    assert isinstance(found, DatabaseUnavailable)
    assert found.message == f"PostgreSQL refuses the connection: {said.removeprefix('FATAL:  ')}"
    assert fix in found.hint
    assert "10.0.0.7" not in found.message


@pytest.mark.parametrize(("said", "reason"), SILENT.items())
def test_a_server_that_does_not_answer_is_no_server_that_refuses(said, reason):
    found = failures.translate(psycopg.OperationalError(AT + said))
    assert found.message == f"PostgreSQL does not answer: {reason}"
    assert "that the server runs" in found.hint


def test_of_several_addresses_the_one_that_answered_is_quoted():
    """A name with an IPv6 address that nobody listens at, and an IPv4 address whose server refuses the password."""
    many = (
        f"{AT}Connection refused\nMultiple connection attempts failed. All failures were:\n"
        f"- host: 'db', port: '5432', hostaddr: '::1': {AT}Connection refused\n"
        f"- host: 'db', port: '5432', hostaddr: '10.0.0.7': {AT}FATAL:  password authentication failed for user \"ann\""
    )
    found = failures.translate(psycopg.OperationalError(many))
    assert found.message == 'PostgreSQL refuses the connection: password authentication failed for user "ann"'


def test_a_long_reason_is_cut():
    found = failures.translate(psycopg.errors.DiskFull("x" * 10_000))
    assert len(found.message) < failures.MAX_REASON_LENGTH + 60


def test_a_pool_that_waited_in_vain_reports_it():
    assert (
        "no connection was free" in failures.translate(PoolTimeout("couldn't get a connection after 10.00 sec")).message
    )


def test_only_a_lost_connection_is_lost():
    """A refused statement is tried again on the same connection; a lost one needs another."""
    errors = psycopg.errors
    lost = (errors.AdminShutdown, errors.ConnectionFailure, errors.IoError, psycopg.OperationalError, PoolTimeout)
    assert all(failures.is_lost(kind("gone")) for kind in lost)
    refused = (errors.DiskFull, errors.SerializationFailure, errors.LockNotAvailable, errors.RaiseException, ValueError)
    assert not any(failures.is_lost(kind("no")) for kind in refused)
