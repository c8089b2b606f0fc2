"""The settings: read once from environment and secret files, frozen, secrets masked wherever they are printed."""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import os
import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AliasChoices,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from alexandria.core.contact import Contact
from alexandria.core.errors import Misconfigured, in_words
from alexandria.core.lazy_model import LazyModel
from alexandria.core.provider_facts import (
    PROVIDERS,
    KeySetting,
    ProviderFacts,
    default_sources,
    key_settings,
    source_names,
    usual_reserve,
)
from alexandria.core.secret_files import PREFIX, default_data_dir, secret_folders
from alexandria.core.servers import key_variable, server_of, servers, shares_key

STANDARD_SECRET_PREFIX = "whsec_"  # noqa: S105 # marks a secret as base64, by the convention of Standard Webhooks
BY_PLAN = frozenset({"base_url", "rate", "daily_limit", "daily_reserve"})  # what a provider's plan can decide
SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
MAX_PLAN_PRICE = 1_000_000.0  # dollars a month
MAX_DAILY_UNITS = 1_000_000_000  # what the ledger's columns can count
ADDRESS = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")


class ProviderSettings(LazyModel):
    """How to reach one provider and how fast. `rate` requests/s, `daily_limit` requests a day or None, `timeout` s.

    `by_plan` names the fields that are defaults, which the provider's own report of its plan replaces. `server` is the
    one of several servers that these settings are of. `key_setting` is the environment variable of the key.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    base_url: str
    rate: float = Field(gt=0, le=1000)
    timeout: float = Field(gt=0, le=86_400)
    daily_limit: int | None = Field(ge=0, le=MAX_DAILY_UNITS)
    daily_reserve: int = Field(ge=0, le=MAX_DAILY_UNITS)
    zone: str
    key: SecretStr | None
    by_plan: frozenset[str] = frozenset()
    server: str = ""
    key_setting: str = ""
    plan_price: float | None = Field(None, ge=0, le=MAX_PLAN_PRICE)

    @property
    def lane(self) -> str:
        """The name under which requests are limited: the provider's, or PROVIDER@SERVER."""
        return f"{self.name}@{self.server}" if self.server else self.name

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:  # OSError: a name that no file can have
            raise ValueError("unknown time zone; use a name like America/Los_Angeles") from unknown
        return value

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not ADDRESS.fullmatch(value):
            raise ValueError("not a URL like https://api.example.org, and may have a path")
        if "@" in value.partition("://")[2].partition("/")[0]:
            raise ValueError("an address must not hold a user name or password; a key has a setting of its own")
        return value.rstrip("/")

    @property
    def daily_cap(self) -> int | None:
        """The number of units that months may spend in a day. A reserve that would leave none is replaced by the usual."""
        if self.daily_limit is None:
            return None
        leaves_none = self.daily_reserve >= self.daily_limit
        return self.daily_limit - (usual_reserve(self.daily_limit) if leaves_none else self.daily_reserve)


class _Given(BaseSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 # the names are pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Without .env files: there are none, and to look for them takes a quarter of the time of reading settings."""
        return init_settings, env_settings, file_secret_settings

    @model_validator(mode="before")
    @classmethod
    def _unset_if_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Remove the line break at the end, as of `$(cat file)` in some tools, and treat an empty value as unset."""
        values = {name: value.rstrip("\r\n") if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in values.items() if value != ""}


def _one_word(value: SecretStr) -> SecretStr:
    """Refuse a secret that no header can carry, or that was copied with something around it."""
    text = value.get_secret_value()
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("contains a space, a line break or an invisible character; copy the secret alone")
    return value


def _one_line(value: SecretStr) -> SecretStr:
    """Refuse control characters."""
    if not value.get_secret_value().isprintable():
        raise ValueError("contains a line break or an invisible character; copy the text alone")
    return value


Secret = Annotated[SecretStr, AfterValidator(_one_word)]
SecretLine = Annotated[SecretStr, AfterValidator(_one_line)]


class _ProviderOverrides(_Given):
    """ALEXANDRIA_<NAME>_BASE_URL and so on, for one NAME."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")
    base_url: str | None = None
    rate: float | None = None
    timeout: float | None = None
    daily_limit: int | None = None
    daily_reserve: int | None = None
    plan_price: float | None = None
    zone: str | None = None


def _env(name: str) -> AliasChoices:
    return AliasChoices(name, name.lower())


Names = Annotated[tuple[str, ...], NoDecode]


class Settings(_Given):
    """Every setting that is not a provider's own. Made by `load()`; secrets are SecretStr and print as stars."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", populate_by_name=True)

    database_url: SecretLine | None = Field(
        None, validation_alias=_env("DATABASE_URL"), description="URL of a PostgreSQL instead of the embedded one"
    )
    database_schema: str | None = Field(
        None,
        validation_alias=_env("ALEXANDRIA_SCHEMA"),
        description="schema of the tables; unset: where they are already, and alexandria in a new database",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        validation_alias=_env("ALEXANDRIA_DATA_DIR"),
        description="folder of the embedded PostgreSQL and its generated secret",
    )
    webhook_secret: Secret | None = Field(
        None,
        validation_alias=_env("ALEXANDRIA_WEBHOOK_SECRET"),
        description="secret that clients send as X-Cron-Secret; generated in the data folder if DATABASE_URL is unset too",
    )
    webhook_secret_previous: Secret | None = Field(
        None,
        validation_alias=_env("ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS"),
        description="also valid, while clients change to a new secret",
    )
    contact: Contact = Field(
        "",
        validation_alias=_env("ALEXANDRIA_CONTACT"),
        description="mail address or URL that providers can contact; some reject anonymous clients",
    )
    generators: Names = Field(
        ("gemini:gemini-3.5-flash", "xai:grok-4.3"),
        validation_alias=_env("ALEXANDRIA_GENERATORS"),
        description="generators that name the books of a month: gemini:MODEL, xai:MODEL, openai:MODEL@URL, wikidata, bibliography",
    )
    sources: Names = Field(
        default_sources(),
        validation_alias=_env("ALEXANDRIA_SOURCES"),
        description="sources that verify the books, in order of preference",
    )
    bibliography: bool = Field(True, validation_alias=_env("ALEXANDRIA_BIBLIOGRAPHY"), description="0: is not asked")
    policy: Literal["frugal", "balanced", "exact"] = Field(
        "balanced",
        validation_alias=_env("ALEXANDRIA_POLICY"),
        description="how much is paid for certainty: frugal, balanced or exact",
    )
    other_months: Literal["keep", "move", "drop"] = Field(
        "keep", validation_alias=_env("ALEXANDRIA_OTHER_MONTHS"), description="books of another month: keep, move, drop"
    )
    look_again_calls: int = Field(
        1000,
        ge=0,
        validation_alias=_env("ALEXANDRIA_LOOK_AGAIN_CALLS"),
        description="requests a day for re-checks of unresolved books",
    )
    kept_for_months: float = Field(
        0.5,
        ge=0,
        le=1,
        validation_alias=_env("ALEXANDRIA_KEPT_FOR_MONTHS"),
        description="share of a source's daily allowance that enrichment leaves to months",
    )
    thinking: Literal["off", "minimal", "low", "medium", "high", "default"] = Field(
        "low",
        validation_alias=_env("ALEXANDRIA_THINKING"),
        description="effort of models that can reason: off, minimal, low, medium, high, or default for the model's own",
    )
    concurrency: int = Field(
        12,
        ge=1,
        le=64,
        validation_alias=_env("ALEXANDRIA_CONCURRENCY"),
        description="most months that a worker processes at once; it begins one while its sources would soon have nothing to do",
    )
    model_calls: int = Field(
        8,
        ge=1,
        le=999,
        validation_alias=_env("ALEXANDRIA_MODEL_CALLS"),
        description="concurrent requests to each language model's provider, over all workers",
    )
    alarm_url: SecretStr | None = Field(
        None,
        validation_alias=_env("ALEXANDRIA_ALARM_URL"),
        description="URL called by POST when an incident begins and when it is over",
    )
    alarm_secret: Secret | None = Field(
        None,
        validation_alias=_env("ALEXANDRIA_ALARM_SECRET"),
        description="signs those calls as Standard Webhooks; any text without spaces, or whsec_ and base64",
    )
    alarm_blocked_hours: float = Field(
        24,
        gt=0,
        le=8760,
        validation_alias=_env("ALEXANDRIA_ALARM_BLOCKED_HOURS"),
        description="hours of blocked months, a global pause or a waiting rollout before that is an incident",
    )
    alarm_paused_minutes: float = Field(
        60,
        gt=0,
        le=525_600,
        validation_alias=_env("ALEXANDRIA_ALARM_PAUSED_MINUTES"),
        description="minutes of a provider's pause before that is an incident",
    )
    alarm_failed_share: float = Field(
        0.3,
        ge=0,
        le=1,
        validation_alias=_env("ALEXANDRIA_ALARM_FAILED_SHARE"),
        description="share of failed months among those that ended within a day before that is an incident",
    )
    dashboard_public: bool = Field(
        False,
        validation_alias=_env("ALEXANDRIA_DASHBOARD_PUBLIC"),
        description="1: the dashboard can be read without login; actions still need the secret",
    )
    trusted_proxies: Names = Field(
        (),
        validation_alias=_env("ALEXANDRIA_TRUSTED_PROXIES"),
        description="addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO",
        validation_alias=_env("ALEXANDRIA_LOG_LEVEL"),
        description="lowest level logged: DEBUG, INFO, WARNING, ERROR or CRITICAL",
    )
    log_format: Literal["console", "json"] = Field(
        "console", validation_alias=_env("ALEXANDRIA_LOG_FORMAT"), description="console for people, json for programs"
    )
    journal_events: int = Field(
        100_000,
        ge=0,
        le=100_000_000,
        validation_alias=_env("ALEXANDRIA_JOURNAL_EVENTS"),
        description="number of the newest events kept for `alexandria logs`; 0 keeps none",
    )
    providers: dict[str, ProviderSettings] = Field(default_factory=dict, validation_alias="_providers")
    server_keys: dict[str, SecretStr] = Field(default_factory=dict, validation_alias="_server_keys")

    @field_validator("generators", "sources", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_schema")
    @classmethod
    def _plain_name(cls, value: str | None) -> str | None:
        if value is not None and not SCHEMA_NAME.fullmatch(value):
            raise ValueError(
                "not a plain name: small letters, digits and _, at most 63, not beginning with a digit or pg_"
            )
        return value

    @field_validator("data_dir")
    @classmethod
    def _in_full(cls, value: Path) -> Path:
        """Expand ~ and make the path absolute, also where no shell has read the setting."""
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("there is no home directory for ~; use an absolute path") from None

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("alarm_url")
    @classmethod
    def _callable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/?#]+\S*", value.get_secret_value()):
            raise ValueError("not a URL like https://hooks.example.org/alexandria")
        return value

    @field_validator("alarm_secret")
    @classmethod
    def _decodable(cls, value: SecretStr | None) -> SecretStr | None:
        secret = "" if value is None else value.get_secret_value()
        if secret.startswith(STANDARD_SECRET_PREFIX):
            try:
                key = base64.b64decode(secret.removeprefix(STANDARD_SECRET_PREFIX), validate=True)
            except binascii.Error:
                key = b""
            if not key:
                raise ValueError(f"what follows {STANDARD_SECRET_PREFIX} must be base64")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ipaddress.ip_network(each, strict=False)
            except ValueError:
                raise ValueError(
                    f"{each!r} is not an address or network; use 127.0.0.1 or 10.0.0.0/8, separated by commas"
                ) from None
        return tuple(str(ipaddress.ip_network(each, strict=False)) for each in value)

    @field_validator("sources")
    @classmethod
    def _known_source(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in source_names()]
        if unknown:
            raise ValueError(f"unknown source {unknown[0]!r}; known are {', '.join(sorted(source_names()))}")
        return value

    @property
    def lanes(self) -> dict[str, ProviderSettings]:
        """The providers by the names under which their requests are limited; one with several servers has more of them."""
        found = dict(self.providers)
        for name, places in servers(self.generators).items():
            for server in places:
                each = self.providers[name].model_copy(update=self.key_of(name, server))
                several = {"server": server} if len(places) > 1 else {}
                found[f"{name}@{server}" if several else name] = each.model_copy(update=several)
            if len(places) > 1:
                found[name] = found[name].model_copy(update={"key": None})  # it is the key of none of them
        return found

    def key_of(self, provider: str, server: str) -> dict[str, Any]:
        """The key of a server and the variable that it is in, or would be in."""
        own = key_variable(key_settings()[provider], server)
        if own not in self.server_keys and shares_key(provider, server, servers(self.generators).get(provider, ())):
            return {"key": self.providers[provider].key, "key_setting": key_settings()[provider]}
        return {"key": self.server_keys.get(own), "key_setting": own}

    def lane_of(self, provider: str, url: str = "") -> str:
        """The name under which requests to a provider, at the server of `url`, are limited."""
        lane = f"{provider}@{server_of(url)}" if url else provider
        return lane if lane in self.lanes else provider

    @property
    def production(self) -> bool:
        """Whether a database is configured: then no secret is generated and the schema is not migrated automatically."""
        return self.database_url is not None


def load(**overrides: Any) -> Settings:
    """Return the settings of this process. Raises Misconfigured, which names the setting and never its value."""
    folders = [folder for folder in secret_folders() if folder.is_dir()]
    try:
        settings = Settings(_secrets_dir=folders or None, **overrides)
    except ValidationError as invalid:
        raise _misconfigured(invalid, "") from None
    present = _names_present(folders)
    providers = {name: _provider(name, folders, present, contact=settings.contact) for name in PROVIDERS}
    keys = _server_keys(settings.generators, folders, present)
    return settings.model_copy(update={"providers": providers, "server_keys": keys})


def _names_present(folders: list[Path]) -> set[str]:
    """Return the names of all variables and secret files, in capitals."""
    files = (file.name for folder in folders for file in folder.iterdir())
    return {name.upper() for name in (*os.environ, *files)}


def _provider(name: str, folders: list[Path], present: set[str], *, contact: str) -> ProviderSettings:
    prefix, facts = f"{PREFIX}{name.upper()}_", PROVIDERS[name]
    try:
        given: dict[str, Any] = {}
        # Most providers have no setting of their own, and each reading costs every command some milliseconds.
        if any(each.startswith(prefix) or (facts.key and each == facts.key.name) for each in present):
            overrides = _overrides(facts.key)(_env_prefix=prefix, _secrets_dir=folders or None)
            given = overrides.model_dump(exclude_none=True)
        settings = ProviderSettings(name=name, **facts.limits.model_dump() | {"key": None} | given)
    except ValidationError as invalid:
        raise _misconfigured(invalid, prefix) from None
    return settings.model_copy(update=_usual_limits(settings, facts, given.keys(), contact=contact))


def _usual_limits(
    settings: ProviderSettings, facts: ProviderFacts, given: AbstractSet[str], *, contact: str
) -> dict[str, object]:
    """Return the limits that follow from other settings where they are not `given` themselves."""
    found: dict[str, object] = {}
    host_rate = facts.plan_rates.get(urlsplit(settings.base_url).hostname or "")
    if "rate" not in given and host_rate is not None:
        found["rate"] = host_rate
    if "rate" not in given and facts.anonymous_rate is not None and not contact:
        found["rate"] = facts.anonymous_rate
    if facts.plan_rates:
        if "daily_reserve" not in given and settings.daily_limit is not None:
            found["daily_reserve"] = usual_reserve(settings.daily_limit)
        chosen_host = "base_url" in given and host_rate is not None  # its rate holds, whatever host the plan has
        found["by_plan"] = frozenset(BY_PLAN - given - ({"rate"} if chosen_host else set()))
    return found


@functools.cache  # to make a class takes as long as to read the environment
def _overrides(key: KeySetting | None) -> type[_ProviderOverrides]:
    """The settings of one provider, its key among them under a variable of its own."""
    if key is None:
        return _ProviderOverrides
    field: Any = (Secret | None, Field(None, validation_alias=_env(key.name)))
    return create_model("_KeyedOverrides", __base__=_ProviderOverrides, key=field)


def _server_keys(generators: tuple[str, ...], folders: list[Path], present: set[str]) -> dict[str, SecretStr]:
    """The keys of single servers, by their variables."""
    found: dict[str, SecretStr] = {}
    for provider, places in servers(generators).items():
        for name in {key_variable(key_settings()[provider], server) for server in places} & present:
            try:
                key = _overrides(KeySetting(name, ""))(_secrets_dir=folders or None).model_dump()["key"]
            except ValidationError as invalid:
                raise _misconfigured(invalid, "") from None
            found |= {} if key is None else {name: key}
    return found


def _misconfigured(invalid: ValidationError, prefix: str) -> Misconfigured:
    problem = invalid.errors(include_input=False, include_url=False)[0]
    field = str(problem["loc"][0]) if problem["loc"] else invalid.title
    name = field if field.isupper() else f"{prefix}{field}".upper()
    hint = f"set in: {origin(name)}; to see the default, unset it and run: alexandria config"
    return Misconfigured(f"setting {name}: {in_words(problem)}", hint=hint)


def origin(name: str) -> str:
    """Return where the setting `name` comes from: "environment", the path of a file, or "default"."""
    if any(known.upper() == name and value for known, value in os.environ.items()):
        return "environment"
    for folder in reversed(secret_folders()):
        for file in folder.glob("*"):
            if file.name.upper() == name and file.read_text(errors="replace").strip():
                return str(file)
    return "default"
