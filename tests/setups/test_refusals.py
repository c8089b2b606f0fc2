"""Servers that let nobody in, each for a reason of its own: every command gives the server's sentence and the fix."""

import socket
import subprocess
import time
from urllib.parse import quote

import pytest

NAME, PASSWORD = "books", "canary/pa:ss@w#rd?% ü"
ENCODED = quote(PASSWORD, safe="")
SCRAM = "host all all all scram-sha-256"
TLS = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

pytestmark = pytest.mark.long


class Authority:
    """A certificate authority in a folder, and what it signs."""

    def __init__(self, folder, name="authority"):
        folder.mkdir(exist_ok=True)
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", *TLS, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")

    @property
    def certificate(self):
        return self.folder / f"{self.name}.crt"

    def sign(self, subject, host=""):
        """A certificate for the name, and its key, as files."""
        more = ["-addext", f"subjectAltName=DNS:{host}"] if host else []
        self._openssl(
            "req", *TLS, "-keyout", f"{subject}.key", "-out", f"{subject}.csr", "-subj", f"/CN={subject}", *more
        )
        signed = [
            "-CA",
            f"{self.name}.crt",
            "-CAkey",
            f"{self.name}.key",
            "-CAcreateserial",
            "-copy_extensions",
            "copy",
        ]
        self._openssl("x509", "-req", "-in", f"{subject}.csr", *signed, "-out", f"{subject}.crt")
        return self.folder / f"{subject}.crt", self.folder / f"{subject}.key"

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


# ---- passwords, rules and limits


@pytest.fixture(scope="module")
def guarded(cluster):
    """A server that wants a password, with a role and its database."""
    made = cluster(SCRAM)
    made.give(NAME, "ann", f"LOGIN PASSWORD '{PASSWORD}'")
    return made


def test_a_password_with_any_characters_is_accepted_percent_encoded(guarded, at):
    at(guarded.url(f"ann:{ENCODED}", NAME)).works()


@pytest.mark.parametrize(
    ("user", "message", "fix"),
    [
        ("ann:wrong", "password authentication failed", "password in DATABASE_URL"),
        ("ann", "no password supplied", "password in DATABASE_URL"),
        ("nobody:wrong", "password authentication failed", "password in DATABASE_URL"),
    ],
)
def test_a_wrong_password_is_named(guarded, refuses, user, message, fix):
    refuses(guarded.url(user, NAME), message, fix)


def test_a_password_that_has_expired_is_refused_like_a_wrong_one(guarded, refuses):
    guarded.admin("CREATE ROLE late LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01'")
    refuses(guarded.url("late:x", NAME), "password authentication failed", "check the user and the password")


@pytest.mark.parametrize(
    "text",
    [PASSWORD, "canary@rd", "canary/rd", "canary:rd", "canary#rd", "canary?rd", "canary%rd", "canary rd", "[canary]"],
)
def test_a_password_that_was_not_encoded_is_refused_without_a_part_of_it(guarded, refuses, text):
    """It makes another URL; whatever that leads to, no part of the password is printed."""
    for name in ("ann", "ann%40org"):
        refuses(guarded.url(f"{name}:{text}", NAME), "", "", code=(2, 6))


def test_a_rule_that_rejects_and_the_lack_of_a_rule_are_named(cluster, refuses):
    made = cluster("host other all all trust", "host all bad all reject")
    made.give(NAME, "ann")
    made.admin("CREATE ROLE bad LOGIN")
    refuses(made.url("ann", NAME), "no pg_hba.conf entry", "allow this host, user and database in pg_hba.conf")
    refuses(made.url("bad", NAME), "pg_hba.conf rejects connection", "pg_hba.conf")


def test_a_role_that_may_not_log_in(guarded, refuses):
    guarded.admin("CREATE ROLE group_of_people PASSWORD 'x'")
    refuses(guarded.url("group_of_people:x", NAME), "is not permitted to log in", "ALTER ROLE ... LOGIN")


def test_the_connection_limits_of_role_and_database(guarded, refuses):
    url = guarded.url(f"ann:{ENCODED}", NAME)
    for change, back in (("ROLE ann", "-1"), (f"DATABASE {NAME}", "-1")):
        guarded.admin(f"ALTER {change} CONNECTION LIMIT 0")
        refuses(url, "too many connections for (role|database)", "CONNECTION LIMIT")
        guarded.admin(f"ALTER {change} CONNECTION LIMIT {back}")


# ---- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def encrypted(cluster, authority):
    """A server with a certificate for the name localhost, which lets people in by TLS only."""
    made = cluster("hostssl all ann all trust", "hostssl all dora all cert")
    certificate, key = authority.sign("server", "localhost")
    made.put("data/server.crt", certificate.read_text())
    made.put("data/server.key", key.read_text())
    made.put("data/authority.crt", authority.certificate.read_text())
    made.configure(ssl="on", ssl_ca_file="authority.crt")
    made.stop()
    made.start()
    made.give(NAME, "ann")
    made.give("dora", "dora")
    return made


def test_a_server_without_tls_where_it_is_required(guarded, refuses):
    refuses(guarded.url("ann:x", NAME, sslmode="require"), "server does not support SSL", "sslmode")


@pytest.mark.parametrize("parameters", [{"sslmode": "verify-full"}, {"sslmode": "verify-ca"}, {}])
def test_a_server_whose_certificate_is_right_works(encrypted, at, authority, parameters):
    root = {"sslrootcert": str(authority.certificate)} if parameters else {}
    at(encrypted.url("ann", NAME, host="localhost", **parameters, **root)).works()


def test_a_server_without_an_encrypted_connection(encrypted, refuses):
    refuses(encrypted.url("ann", NAME, sslmode="disable"), "no encryption", "sslmode=require")


def test_a_certificate_of_another_authority_or_for_another_host(encrypted, refuses, authority, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    wrong = {"sslmode": "verify-full", "sslrootcert": str(stranger.certificate)}
    refuses(encrypted.url("ann", NAME, host="localhost", **wrong), "certificate verify failed", "sslrootcert")
    right = {"sslmode": "verify-full", "sslrootcert": str(authority.certificate)}
    refuses(encrypted.url("ann", NAME, **right), "does not match host name", "certificate")
    missing = {"sslmode": "verify-full", "sslrootcert": str(tmp_path / "none.crt")}
    refuses(encrypted.url("ann", NAME, **missing), "root certificate file", "sslrootcert")
    empty = tmp_path / "empty.crt"
    empty.touch()
    refuses(encrypted.url("ann", NAME, sslmode="verify-ca", sslrootcert=str(empty)), "certificate", "sslrootcert")


def test_client_certificates(encrypted, refuses, at, authority, tmp_path):
    url = encrypted.url("dora", "dora", sslmode="require")
    refuses(url, "valid client certificate", "sslcert")
    other, other_key = authority.sign("another")
    refuses(f"{url}&sslcert={other}&sslkey={other_key}", "certificate authentication failed", "sslcert")
    own, key = authority.sign("dora")
    key.chmod(0o644)
    refuses(f"{url}&sslcert={own}&sslkey={key}", "private key file", "sslkey")
    refuses(f"{url}&sslcert={own}&sslkey={tmp_path}/none", "private key", "sslkey")
    key.chmod(0o600)
    at(f"{url}&sslcert={own}&sslkey={key}").works()


# ---- addresses


@pytest.mark.parametrize(
    ("url", "code", "message", "fix"),
    [
        ("postgresql://ann@127.0.0.1:99999/x", 2, "DATABASE_URL|database's URL", "postgresql://user"),
        ("postgresql://ann@127.0.0.1:port/x", 2, "database's URL", "postgresql://user"),
        ("postgresql://ann@127.0.0.1/x?sslmode=often", 2, "sslmode", "postgresql://user"),
        ("postgresql://ann@127.0.0.1/x?target_session_attrs=best", 2, "target_session_attrs", "postgresql://user"),
        ("postgresql://ann@127.0.0.1/x?connect_timeout=soon", 2, "connect_timeout", "postgresql://user"),
        ("postgresql://ann@127.0.0.1/x?colour=red", 2, "database's URL", "postgresql://user"),
        ("postgresql://ann@127.0.0.1,127.0.0.2:1,127.0.0.3:2:3/x", 2, "database's URL", "postgresql://user"),
        ("postgresql+psycopg://ann@127.0.0.1/x", 2, "database's URL", "postgresql://user"),
        ("mysql://ann@127.0.0.1/x", 2, "database's URL", "postgresql://user"),
        ("https://db.example.org/x", 2, "database's URL", "postgresql://user"),
        ("postgresql:///x?service=no_such_service", 2, "service", "pg_service.conf"),
        ("postgresql:///x?host=/nowhere/at/all", 6, "does not answer", "that the server runs"),
        ("postgresql://ann@[::1]:1/x", 6, "does not answer", "that the server runs"),
        (f"postgresql:///x?host=/{'n' * 200}", 2, "path of the socket is too long", "postgresql://user"),
        ("postgresql://127.0.0.1:1,127.0.0.1:2/x", 6, "does not answer", "that the server runs"),
    ],
)
def test_an_address_that_leads_nowhere(refuses, url, code, message, fix):
    refuses(url, message, fix, code=code)


def test_a_server_that_accepts_the_connection_and_is_silent_is_waited_for_seconds_not_minutes(at):
    """As a host behind a firewall that drops packets."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        refused = at(f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/{NAME}").run("status")
    assert refused.code == 6
    assert refused.error["message"] == "PostgreSQL does not answer: connection timeout expired"
    assert time.monotonic() - began < 30


def test_every_way_to_name_a_server_leads_there(guarded, at, tmp_path, monkeypatch):
    """IPv6, a socket, a service file, a password file, variables of libpq, and several hosts of which one answers."""
    guarded.allow("local all all scram-sha-256", SCRAM)
    service, passwords = tmp_path / "services", tmp_path / "passwords"
    service.write_text(
        f"[mine]\nhost=127.0.0.1\nport={guarded.port}\ndbname={NAME}\nuser=ann\noptions=-c work_mem=7MB\n"
    )
    escaped = PASSWORD.replace(":", r"\:")
    passwords.write_text(f"*:*:*:ann:{escaped}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    first = at(guarded.url("ann", NAME, host="[::1]"))
    first.works()
    folder = quote(str(guarded.folder), safe="")
    for url in (
        f"postgresql://ann@/{NAME}?host={folder}&port={guarded.port}",
        f"host={guarded.folder} port={guarded.port} user=ann dbname={NAME}",
        "postgresql:///?service=mine",
        "service=mine",
        f"postgresql://ann@127.0.0.1:1,127.0.0.1:{guarded.port}/{NAME}",
        f"postgresql://ann@127.0.0.1:{guarded.port},[::1]:{guarded.port}/{NAME}?target_session_attrs=read-write&load_balance_hosts=random",
        f"postgres://ann@localhost:{guarded.port}/{NAME}?application_name=mine&keepalives=1",
    ):
        assert first.run("status", url=url).data["total_months"] == 12, url
    for name, value in {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(guarded.port),
        "PGUSER": "ann",
        "PGDATABASE": NAME,
    }.items():
        monkeypatch.setenv(name, value)
    for url in ("postgresql://", f"postgresql:///{NAME}", "dbname=books"):
        assert first.run("status", url=url).data["total_months"] == 12, url
