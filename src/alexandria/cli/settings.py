"""Lists the settings in force and where each comes from."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, SecretStr

from alexandria.cli.output.console import Output
from alexandria.core import logging
from alexandria.core.config import Settings, load, origin
from alexandria.core.provider_facts import PublishedLimits, key_settings
from alexandria.core.secret_files import PREFIX, SECRETS_DIR, secret_folders
from alexandria.core.webhook_secrets import FILE

MASK = "********"
SUGGESTION_RATIO = 0.9  # how like a setting a name must be to count as a typing error


@dataclass(frozen=True, slots=True)
class Configured:
    """`name` as in the environment; `origin` is default, environment, command line, or the file it was read from."""

    name: str
    value: str | None
    origin: str


def settings_of(output: Output) -> Settings:
    """Load the settings, where --database overrides the environment, and configure logging."""
    given = output.options.database
    settings = load(**({"DATABASE_URL": given} if given else {}))
    level = "DEBUG" if output.options.verbose else "ERROR" if output.options.quiet else settings.log_level
    logging.configure(level, settings.log_format, _secrets(settings))
    return settings


def listed(settings: Settings, *, given: bool) -> list[Configured]:
    """Every setting, secrets masked. `given`: the database URL comes from the command line."""
    found = [Configured(name, _format(value), origin(name)) for name, value in _all(settings)]
    made = settings.data_dir / FILE
    if settings.webhook_secret is None and not settings.production and made.exists():
        found = [Configured(s.name, MASK, str(made)) if s.name == "ALEXANDRIA_WEBHOOK_SECRET" else s for s in found]
    if given:
        found = [Configured(s.name, s.value, "command line") if s.name == "DATABASE_URL" else s for s in found]
    return found


def unknown(settings: Settings) -> dict[str, str]:
    """Variables with our prefix that are not settings, each with the setting that was probably meant, or "".

    They are no error: container platforms set variables of that kind by themselves.
    """
    known = {SECRETS_DIR, *(name for name, _ in _all(settings))}
    given = {*os.environ, *(file.name for folder in secret_folders() for file in folder.glob("*"))}
    strange = sorted(name for name in map(str.upper, given) if name.startswith(PREFIX) and name not in known)
    return {name: next(iter(difflib.get_close_matches(name, known, 1, SUGGESTION_RATIO)), "") for name in strange}


def missing_folder() -> str:
    """The folder that is configured for secrets, if it is not there; else ""."""
    configured = os.environ.get(SECRETS_DIR, "")
    return configured if configured and not Path(configured).is_dir() else ""


def _all(settings: Settings) -> Iterator[tuple[str, Any]]:
    for name, field in Settings.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices):
            yield str(field.validation_alias.choices[0]), getattr(settings, name)
    for name, key in key_settings().items():
        yield key, settings.providers[name].key
    yield from settings.server_keys.items()
    for provider in settings.providers.values():
        for name in PublishedLimits.model_fields:
            yield f"ALEXANDRIA_{provider.name}_{name}".upper(), getattr(provider, name)


def _format(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case SecretStr():
            return MASK
        case tuple():
            return ",".join(value)
        case _:
            return re.sub("//[^/]*@", f"//{MASK}@", str(value))  # a password may stand in an address


def _secrets(settings: Settings) -> Iterator[str]:
    held: list[Any] = [getattr(settings, name) for name in Settings.model_fields]
    held += [provider.key for provider in settings.providers.values()] + [*settings.server_keys.values()]
    yield from (value.get_secret_value() for value in held if isinstance(value, SecretStr))
    if settings.database_url is not None:
        with contextlib.suppress(ValueError):  # not a URL: connecting reports that
            yield urlsplit(settings.database_url.get_secret_value()).password or ""
