"""The webhook secrets that open the API, and their rotation: configured ones, or those made in the data folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from alexandria.core import config
from alexandria.core.config import Settings
from alexandria.core.errors import BadInput, Misconfigured, Unknown, usable_data_dir
from alexandria.core.redaction import protect
from alexandria.core.secret_files import secret_folders

FILE, PREVIOUS_FILE = "webhook-secret", "webhook-secret-previous"
NAMES = ("ALEXANDRIA_WEBHOOK_SECRET", "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS")
MIN_SECRET_LENGTH = 16  # characters; a shorter one could be guessed

_Stamp = tuple[tuple[int, int, int] | None, ...]


class WebhookSecrets:
    """The secrets that are valid now, newest first, and the file that Alexandria made for them, if it did.

    With `read` they are read again whenever one of `files` has changed: a rotation needs no restart.
    """

    def __init__(
        self,
        valid: tuple[str, ...] = (),
        path: Path | None = None,
        *,
        files: Sequence[Path] = (),
        read: Callable[[], tuple[str, ...]] | None = None,
    ) -> None:
        self.path = path
        self._files, self._read = files, read
        self._seen = self._stamp()  # before reading: what changes meanwhile is read again
        self._valid = valid if read is None else read()
        protect(self._valid)

    @property
    def valid(self) -> tuple[str, ...]:
        if self._stamp() != self._seen:
            self.reread()
        return self._valid

    def admits(self, offered: str | None) -> bool:
        """Return whether `offered` is a valid secret, in a time that does not depend on where it differs."""
        candidate = (offered or "").encode(errors="surrogatepass")
        return any([secrets.compare_digest(candidate, secret.encode()) for secret in self.valid])  # noqa: C419 # the time must not show which one matches

    def reread(self) -> None:
        """Read the secrets again; if they cannot be read, the present ones stay valid."""
        if self._read is None:
            return
        seen = self._stamp()
        try:
            self._valid = self._read()
        except (OSError, Misconfigured):
            return
        self._seen = seen
        protect(self._valid)

    def _stamp(self) -> _Stamp:
        return tuple(map(_stamp_of, self._files))


def webhook_secrets(settings: Settings) -> WebhookSecrets:
    """Return the secrets of these settings. Raises Misconfigured in production mode without a secret."""
    if settings.webhook_secret is not None:
        files = [folder / spelt for folder in secret_folders() for name in NAMES for spelt in (name, name.lower())]
        return WebhookSecrets(files=files, read=_configured)
    if settings.production:
        raise Misconfigured(
            "ALEXANDRIA_WEBHOOK_SECRET is not set; with DATABASE_URL set, no secret is generated",
            hint="set it in the environment or as a file in ALEXANDRIA_SECRETS_DIR",
        )
    path, previous = settings.data_dir / FILE, settings.data_dir / PREVIOUS_FILE
    also = settings.webhook_secret_previous
    configured = () if also is None else (also.get_secret_value(),)
    with usable_data_dir(settings.data_dir):
        return WebhookSecrets(
            path=path,
            files=[path, previous],
            read=lambda: (_read_or_make(path), *_read_if_there(previous), *configured),
        )


def rotate(settings: Settings, *, dry_run: bool = False) -> Path:
    """Make a new secret; the old one stays valid until `finish`. Returns the file with the new one.

    Raises BadInput if the secret is configured elsewhere, or an earlier rotation is not finished, and Misconfigured
    if the data folder cannot be written to.
    """
    path = _own_file(settings)
    previous = path.with_name(PREVIOUS_FILE)
    if dry_run:
        if previous.exists():
            raise _in_progress()
        return path
    with usable_data_dir(settings.data_dir):
        try:
            _write_new(previous, _read_or_make(path))
        except FileExistsError:
            raise _in_progress() from None
        draft = _draft(path, secrets.token_urlsafe(32))
        draft.replace(path)
    return path


def finish(settings: Settings, *, dry_run: bool = False) -> None:
    """End a rotation: the previous secret stops working. Raises Unknown without one, BadInput for configured secrets."""
    previous = _own_file(settings).with_name(PREVIOUS_FILE)
    if not previous.exists():
        raise Unknown("no rotation is in progress", hint="start one: alexandria secret rotate")
    if not dry_run:
        with usable_data_dir(settings.data_dir):
            previous.unlink(missing_ok=True)


def weak(settings: Settings) -> list[str]:
    """Return the names of the settings whose secret is too short."""
    chosen = {
        "ALEXANDRIA_WEBHOOK_SECRET": settings.webhook_secret,
        "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS": settings.webhook_secret_previous,
        "ALEXANDRIA_ALARM_SECRET": settings.alarm_secret,
    }
    return [name for name, secret in chosen.items() if secret and len(secret.get_secret_value()) < MIN_SECRET_LENGTH]


def _configured() -> tuple[str, ...]:
    settings = config.load()
    if settings.webhook_secret is None:
        raise Misconfigured("ALEXANDRIA_WEBHOOK_SECRET is no longer set")
    both = (settings.webhook_secret, settings.webhook_secret_previous)
    return tuple(secret.get_secret_value() for secret in both if secret is not None)


def _own_file(settings: Settings) -> Path:
    if settings.webhook_secret is None and not settings.production:
        return settings.data_dir / FILE
    raise BadInput(
        "the webhook secret is set in the configuration, so alexandria cannot change it",
        hint="put the old one into ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS and a new one into ALEXANDRIA_WEBHOOK_SECRET; "
        "changed files are read automatically",
    )


def _in_progress() -> BadInput:
    return BadInput(
        "a rotation is in progress: the previous secret is still valid",
        hint="when all callers use the new one: alexandria secret rotate --finish",
    )


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read_or_make(path: Path) -> str:
    """Return the secret in `path`, made on first use. Several processes at once all get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another process was first
            _write_new(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def _read_if_there(path: Path) -> tuple[str, ...]:
    try:
        return (path.read_text(encoding="utf-8").strip(),)
    except FileNotFoundError:
        return ()


def _write_new(path: Path, text: str) -> None:
    """Write the whole file or nothing. Raises FileExistsError."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # created with mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return Path(draft)
