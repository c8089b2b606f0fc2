"""Which webhook secrets open the API, and how are they changed? Configured ones, or those the embedded default makes."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from alexandria.core import config, logging
from alexandria.core.config import Settings, secret_folders
from alexandria.core.errors import BadInput, Misconfigured, Unknown

FILE, PREVIOUS_FILE = "webhook-secret", "webhook-secret-previous"
NAMES = ("ALEXANDRIA_WEBHOOK_SECRET", "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS")
SHORTEST = 16  # characters of a secret that can hardly be guessed

_Stamp = tuple[tuple[int, int, int] | None, ...]


class WebhookSecrets:
    """The secrets that are valid now, newest first, and the file they come from, if it is ours.

    With `read` they are read anew whenever one of `files` has changed, so that a rotation needs no restart.
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
        logging.protect(self._valid)

    @property
    def valid(self) -> tuple[str, ...]:
        if self._stamp() != self._seen:
            self.reread()
        return self._valid

    def admits(self, shown: str | None) -> bool:
        """Whether `shown` is one of the valid secrets, in time that does not depend on where it differs."""
        offered = (shown or "").encode()
        return any([secrets.compare_digest(offered, secret.encode()) for secret in self.valid])  # noqa: C419 # all are compared, whichever matches

    def reread(self) -> None:
        """Take over what is there now; what cannot be read leaves the present secrets in force."""
        if self._read is None:
            return
        seen = self._stamp()
        try:
            self._valid = self._read()
        except (OSError, Misconfigured):
            return
        self._seen = seen
        logging.protect(self._valid)

    def _stamp(self) -> _Stamp:
        return tuple(map(_stamp_of, self._files))


def webhook_secrets(settings: Settings) -> WebhookSecrets:
    """Raises Misconfigured in production mode without a secret: an open door is worse than no start."""
    if settings.webhook_secret is not None:
        files = [folder / spelt for folder in secret_folders() for name in NAMES for spelt in (name, name.lower())]
        return WebhookSecrets(files=files, read=_configured)
    if settings.production:
        raise Misconfigured(
            "ALEXANDRIA_WEBHOOK_SECRET is not set, and with DATABASE_URL set none is invented",
            hint="set it in the environment or as a file in ALEXANDRIA_SECRETS_DIR",
        )
    path, previous = settings.data_dir / FILE, settings.data_dir / PREVIOUS_FILE
    also = settings.webhook_secret_previous
    configured = () if also is None else (also.get_secret_value(),)
    return WebhookSecrets(
        path=path, files=[path, previous], read=lambda: (_read_or_make(path), *_read_if_there(previous), *configured)
    )


def rotate(settings: Settings, *, dry_run: bool = False) -> Path:
    """Make a new secret; the old one stays valid until `finish`. Returns the file with the new one.

    Raises BadInput if the secret is not ours to change, or an earlier rotation is not finished.
    """
    path = _ours(settings)
    previous = path.with_name(PREVIOUS_FILE)
    if dry_run:
        if previous.exists():
            raise _under_way()
        return path
    try:
        _write_new(previous, _read_or_make(path))
    except FileExistsError:
        raise _under_way() from None
    draft = _draft(path, secrets.token_urlsafe(32))
    draft.replace(path)
    return path


def finish(settings: Settings, *, dry_run: bool = False) -> None:
    """The previous secret is valid no more. Raises Unknown if there is none, BadInput if it is not ours to change."""
    previous = _ours(settings).with_name(PREVIOUS_FILE)
    if not previous.exists():
        raise Unknown("no rotation is under way", hint="begin one: alexandria secret rotate")
    if not dry_run:
        previous.unlink(missing_ok=True)


def weak(settings: Settings) -> list[str]:
    """Names of the settings whose secret somebody chose too short."""
    chosen = {
        "ALEXANDRIA_WEBHOOK_SECRET": settings.webhook_secret,
        "ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS": settings.webhook_secret_previous,
        "ALEXANDRIA_ALARM_SECRET": settings.alarm_secret,
    }
    return [name for name, secret in chosen.items() if secret and len(secret.get_secret_value()) < SHORTEST]


def _configured() -> tuple[str, ...]:
    settings = config.load()
    if settings.webhook_secret is None:
        raise Misconfigured("ALEXANDRIA_WEBHOOK_SECRET is not set any more")
    both = (settings.webhook_secret, settings.webhook_secret_previous)
    return tuple(secret.get_secret_value() for secret in both if secret is not None)


def _ours(settings: Settings) -> Path:
    if settings.webhook_secret is None and not settings.production:
        return settings.data_dir / FILE
    raise BadInput(
        "the webhook secret is configured, and not made by alexandria",
        hint="put the old one into ALEXANDRIA_WEBHOOK_SECRET_PREVIOUS and a new one into ALEXANDRIA_WEBHOOK_SECRET; "
        "files are read again by themselves",
    )


def _under_way() -> BadInput:
    return BadInput(
        "a rotation is under way: the previous secret is still valid",
        hint="once all callers have the new one: alexandria secret rotate --finish",
    )


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        told = file.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_ino, told.st_size


def _read_or_make(path: Path) -> str:
    """The secret in `path`, made on first use. Several processes may come at once: all get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another was first
            _write_new(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def _read_if_there(path: Path) -> tuple[str, ...]:
    try:
        return (path.read_text(encoding="utf-8").strip(),)
    except FileNotFoundError:
        return ()


def _write_new(path: Path, text: str) -> None:
    """A whole file or none. Raises FileExistsError."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600 from birth
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return Path(draft)
