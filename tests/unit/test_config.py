"""Settings from the environment and from files, and what happens to nonsense."""

import pytest
from pydantic import SecretStr

from alexandria.cli.doctor import checks
from alexandria.cli.doctor.check import render
from alexandria.cli.settings import missing_folder, unknown
from alexandria.core import config, secret_files
from alexandria.core.errors import Misconfigured
from alexandria.core.provider_facts import PROVIDERS


def test_a_provider_is_moved_slowed_and_capped_by_its_own_settings(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_BASE_URL", "http://127.0.0.1:9/isbndb/")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_RATE", "0.5")
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_DAILY_LIMIT", "77")
    providers = config.load().providers
    assert providers["isbndb"].base_url == "http://127.0.0.1:9/isbndb"
    assert providers["isbndb"].rate == 0.5
    assert providers["isbndb"].daily_cap == 13000
    assert providers["google_books"].daily_limit == 77
    assert providers["open_library"].daily_cap is None


def test_a_user_without_a_name_and_a_home_gets_the_folder_of_a_service(monkeypatch):
    """As in a container with an arbitrary user number; only a ~ has no meaning there."""
    for name in ("HOME", "XDG_DATA_HOME", "ALEXANDRIA_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)

    def nameless(uid):
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nameless)
    assert config.load().data_dir == secret_files.SERVICE_DATA_DIR
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", "~/books")
    with pytest.raises(Misconfigured, match="absolute path"):
        config.load()


def test_isbndb_leaves_its_limits_to_the_plan_until_they_are_set(monkeypatch):
    isbndb = config.load().providers["isbndb"]
    assert (isbndb.rate, isbndb.daily_limit, isbndb.daily_reserve) == (1, 15000, 2000)
    assert isbndb.by_plan == {"base_url", "rate", "daily_limit", "daily_reserve"}
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_RATE", "2")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", "15000")
    assert config.load().providers["isbndb"].by_plan == {"base_url", "daily_reserve"}
    assert config.load().providers["google_books"].by_plan == frozenset()


@pytest.mark.parametrize(
    ("limit", "cap"), [(0, 0), (1, 1), (7, 7), (8, 7), (500, 434), (1000, 867), (2000, 1734), (15000, 13000)]
)
def test_the_reserve_is_two_fifteenths_of_the_limit_and_never_all_of_it(monkeypatch, limit, cap):
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", str(limit))
    assert config.load().providers["isbndb"].daily_cap == cap
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_RESERVE", str(limit + 5))
    assert config.load().providers["isbndb"].daily_cap == cap
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_RESERVE", "0")
    assert config.load().providers["isbndb"].daily_cap == limit


@pytest.mark.parametrize(
    ("base_url", "rate"),
    [("https://api2.isbndb.com", 1), ("https://api.premium.isbndb.com/", 3), ("https://API.pro.isbndb.com", 5), ("http://far.test/isbndb", 1)],
)  # fmt: skip
def test_each_host_of_isbndb_has_its_rate(monkeypatch, base_url, rate):
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_BASE_URL", base_url)
    isbndb = config.load().providers["isbndb"]
    assert (isbndb.rate, "rate" in isbndb.by_plan) == (rate, "far.test" in base_url)
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_RATE", "0.5")
    assert config.load().providers["isbndb"].rate == 0.5


def test_open_library_has_its_full_rate_only_with_a_contact(monkeypatch):
    assert config.load().providers["open_library"].rate == 1
    monkeypatch.setenv("ALEXANDRIA_CONTACT", "ops@library.test")
    assert config.load().providers["open_library"].rate == 3
    monkeypatch.delenv("ALEXANDRIA_CONTACT")
    monkeypatch.setenv("ALEXANDRIA_OPEN_LIBRARY_RATE", "2")
    assert config.load().providers["open_library"].rate == 2


@pytest.mark.parametrize("contact", ["j\u00fcrgen@library.test", "a@library.test\r\nX-Other: 1", "x" * 201])
def test_a_contact_that_no_header_can_carry_is_refused(monkeypatch, contact):
    monkeypatch.setenv("ALEXANDRIA_CONTACT", contact)
    with pytest.raises(Misconfigured, match="ALEXANDRIA_CONTACT"):
        config.load()


@pytest.mark.parametrize(("given", "contact"), [(" \n", ""), (" ops@library.test\n", "ops@library.test")])
def test_blanks_are_no_part_of_a_contact(monkeypatch, given, contact):
    monkeypatch.setenv("ALEXANDRIA_CONTACT", given)
    settings = config.load()
    assert settings.contact == contact
    assert settings.providers["open_library"].rate == (3 if contact else 1)


def test_models_have_five_minutes_and_gemini_the_pacific_day():
    providers = config.load().providers
    assert {providers[name].timeout for name in ("gemini", "xai", "openai")} == {300}
    assert providers["gemini"].zone == "America/Los_Angeles"


def test_secrets_come_from_files_too_and_are_never_printed(monkeypatch, tmp_path):
    (tmp_path / "ISBNDB_API_KEY").write_text("canary-key")
    (tmp_path / "ALEXANDRIA_WEBHOOK_SECRET").write_text("canary-secret")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    settings = config.load()
    key = settings.providers["isbndb"].key
    assert key is not None
    assert key.get_secret_value() == "canary-key"
    assert "canary" not in repr(settings) + str(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALEXANDRIA_SOURCES", "isbndb,goodreads"),
        ("ALEXANDRIA_ISBNDB_RATE", "-3"),
        ("ALEXANDRIA_ISBNDB_RATE", "canary"),
        ("ALEXANDRIA_GOOGLE_BOOKS_ZONE", "Mars/Olympus"),
        ("ALEXANDRIA_CONCURRENCY", "0"),
        ("ALEXANDRIA_LOG_FORMAT", "xml"),
        ("ALEXANDRIA_LOG_LEVEL", "loud"),
        ("ALEXANDRIA_POLICY", "generous"),
        ("ALEXANDRIA_ISBNDB_BASE_URL", "api2.isbndb.com"),
        ("ALEXANDRIA_ISBNDB_BASE_URL", "https://"),
        ("ALEXANDRIA_ISBNDB_BASE_URL", "https://api2.isbndb.com?canary=1"),
        ("ALEXANDRIA_ALARM_SECRET", "whsec_canary!"),
        ("ALEXANDRIA_ALARM_SECRET", "whsec_"),
        ("ALEXANDRIA_ALARM_URL", "hooks.example.org/canary"),
    ],
)
def test_nonsense_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused:
        config.load()
    assert name in refused.value.message
    assert "canary" not in refused.value.message
    assert "Value error" not in refused.value.message


def test_a_level_may_be_written_small(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_LOG_LEVEL", "debug")
    assert config.load().log_level == "DEBUG"


def test_lists_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("ALEXANDRIA_GENERATORS", "xai:grok-4.3, openai:llama@http://127.0.0.1:11434/v1")
    assert config.load().generators == ("xai:grok-4.3", "openai:llama@http://127.0.0.1:11434/v1")


def test_an_empty_file_is_as_good_as_none(monkeypatch, tmp_path):
    """As an empty variable is: who mounts a file for every key need not have them all."""
    for name in ("XAI_API_KEY", "ALEXANDRIA_CONTACT", "ALEXANDRIA_XAI_RATE"):
        (tmp_path / name).write_text("\n")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    settings = config.load()
    assert (settings.providers["xai"].key, settings.contact) == (None, "")
    assert settings.providers["xai"].rate == PROVIDERS["xai"].limits.rate


def test_a_misspelt_setting_is_found_and_the_right_one_named(monkeypatch, tmp_path):
    """In the environment and among the files; what others set in our name is not taken for a slip of the pen."""
    (tmp_path / "ALEXANDRIA_ISBNDB_DAYLY_LIMIT").write_text("9")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_POLICI", "exact")
    monkeypatch.setenv("ALEXANDRIA_SERVICE_HOST", "10.0.0.1")
    assert unknown(config.load()) == {
        "ALEXANDRIA_ISBNDB_DAYLY_LIMIT": "ALEXANDRIA_ISBNDB_DAILY_LIMIT",
        "ALEXANDRIA_POLICI": "ALEXANDRIA_POLICY",
        "ALEXANDRIA_SERVICE_HOST": "",
    }


def test_a_refused_value_is_reported_with_its_origin(monkeypatch, tmp_path):
    (tmp_path / "ALEXANDRIA_POLICY").write_text("generous")
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path))
    with pytest.raises(Misconfigured) as refused:
        config.load()
    assert str(tmp_path / "ALEXANDRIA_POLICY") in refused.value.hint
    monkeypatch.setenv("ALEXANDRIA_POLICY", "mean")
    with pytest.raises(Misconfigured) as refused:
        config.load()
    assert "environment" in refused.value.hint


def test_a_missing_folder_for_secrets_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("ALEXANDRIA_SECRETS_DIR", str(tmp_path / "keys"))
    assert missing_folder() == str(tmp_path / "keys")
    (tmp_path / "keys").mkdir()
    assert missing_folder() == ""
    monkeypatch.delenv("ALEXANDRIA_SECRETS_DIR")
    assert missing_folder() == ""


def test_the_data_folder_is_one_folder_however_it_is_written(monkeypatch, tmp_path):
    """Where no shell has read it, a tilde is a tilde: the database and the secret must not part."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", "~/books")
    assert config.load().data_dir == tmp_path / "books"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEXANDRIA_DATA_DIR", "here")
    assert config.load().data_dir == tmp_path / "here"


SECRETS = ("GEMINI_API_KEY", "XAI_API_KEY", "ISBNDB_API_KEY", "GOOGLE_BOOKS_API_KEY", "OPENAI_API_KEY",
           "ALEXANDRIA_WEBHOOK_SECRET", "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS", "ALEXANDRIA_ALARM_SECRET")  # fmt: skip


def secret_values(settings):
    keys = [each.key for each in settings.providers.values()]
    named = [settings.webhook_secret, settings.webhook_secret_previous, settings.alarm_secret, *keys]
    return {each.get_secret_value() for each in named if each is not None}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
def test_a_secret_loses_the_line_break_at_its_end(monkeypatch, ending):
    """`$(cat file)` keeps none, but an env file, a container and a unit may."""
    for name in SECRETS:
        monkeypatch.setenv(name, f"value-of-{name}{ending}")
    assert secret_values(config.load()) == {f"value-of-{name}" for name in SECRETS}


def test_a_line_break_alone_is_no_value(monkeypatch):
    for name in (*SECRETS, "ALEXANDRIA_LOG_LEVEL"):
        monkeypatch.setenv(name, "\n")
    assert secret_values(config.load()) == set()
    assert config.load().log_level == "INFO"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value",
    ["canary key", " canary", "canary ", "canary\nkey", "canary\tkey", "canary\x1b", "can\x7fary", "canary\u00a0",
     "\ufeffcanary", "canary\u200bkey", "canary\r\nX-Evil: 1"],
)  # fmt: skip
def test_a_secret_that_no_header_can_carry_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as refused:
        config.load()
    assert name in refused.value.message
    assert "canary" not in refused.value.message + refused.value.hint
    assert "environment" in refused.value.hint


def test_a_connection_string_may_have_spaces_but_no_line_break(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "host=db dbname=alexandria\n")
    assert config.load().database_url == SecretStr("host=db dbname=alexandria")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/alexandria\nx")
    with pytest.raises(Misconfigured, match="DATABASE_URL"):
        config.load()


def test_proxies_are_addresses_and_networks(monkeypatch):
    assert config.load().trusted_proxies == ()
    monkeypatch.setenv("ALEXANDRIA_TRUSTED_PROXIES", "127.0.0.1, 10.1.2.3/8,::1, fd00::/8")
    assert config.load().trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "::1/128", "fd00::/8")
    for wrong in ("*", "proxy.example.org", "10.0.0.0/33", "127.0.0.1:80", "127.0.0.1 10.0.0.1"):
        monkeypatch.setenv("ALEXANDRIA_TRUSTED_PROXIES", wrong)
        with pytest.raises(Misconfigured, match="ALEXANDRIA_TRUSTED_PROXIES"):
            config.load()


@pytest.mark.parametrize(("key", "warned"), [("g", True), ("EMPTY", True), ("1234567", True), ("12345678", False)])
def test_the_doctor_warns_of_a_short_key_of_a_paid_provider_only(monkeypatch, key, warned):
    for name in ("GEMINI_API_KEY", "ISBNDB_API_KEY", "GOOGLE_BOOKS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, key)
    found = list(checks._keys(config.load(), dict.fromkeys(("gemini", "isbndb", "google_books", "openai"), "")))
    assert [check.name for check in found] == ["key gemini", "key isbndb", "key google_books"]
    assert all(check.ok for check in found)
    assert [bool(check.fix) for check in found] == [warned, warned, False]
    assert "warn key gemini: present, but shorter than 8 characters" in [*render(found)] or not warned
    assert key not in "".join(f"{check.message} {check.fix}" for check in found) or key == "g"
