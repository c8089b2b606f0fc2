"""Which webhook secret opens the API? Configured ones, or one that the embedded default makes for itself."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from alexandria.config import Settings
from alexandria.errors import Misconfigured

FILE = "webhook-secret"
SHORTEST = 16  # characters of a secret that can hardly be guessed


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """The secrets that are valid now, newest first, and the file they come from, if it is ours."""

    valid: tuple[str, ...] = field(repr=False)
    path: Path | None = None

    def admits(self, shown: str | None) -> bool:
        """Whether `shown` is one of the valid secrets, in time that does not depend on where it differs."""
        offered = (shown or "").encode()
        return any([secrets.compare_digest(offered, secret.encode()) for secret in self.valid])  # noqa: C419 # all are compared, whichever matches


def webhook_secrets(settings: Settings) -> WebhookSecrets:
    """Raises Misconfigured in production mode without a secret: an open door is worse than no start."""
    configured = [settings.webhook_secret, settings.webhook_secret_previous]
    valid = tuple(secret.get_secret_value() for secret in configured if secret is not None)
    if settings.webhook_secret is not None:
        return WebhookSecrets(valid)
    if settings.production:
        raise Misconfigured(
            "ALEXANDRIA_WEBHOOK_SECRET is not set, and with DATABASE_URL set none is invented",
            hint="set it in the environment or as a file in ALEXANDRIA_SECRETS_DIR",
        )
    path = settings.data_dir / FILE
    return WebhookSecrets((_read_or_make(path), *valid), path)


def weak(settings: Settings) -> list[str]:
    """Names of the settings whose secret somebody chose too short."""
    chosen = {
        "ALEXANDRIA_WEBHOOK_SECRET": settings.webhook_secret,
        "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS": settings.webhook_secret_previous,
        "ALEXANDRIA_ALARM_SECRET": settings.alarm_secret,
    }
    return [name for name, secret in chosen.items() if secret and len(secret.get_secret_value()) < SHORTEST]


def _read_or_make(path: Path) -> str:
    """The secret in `path`, made on first use. Several processes may come at once: all get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600 from birth
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
    return path.read_text(encoding="utf-8").strip()
