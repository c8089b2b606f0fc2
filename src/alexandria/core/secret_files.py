"""The folders from which settings are read that are files, and keys that are added to one of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from alexandria.core.errors import usable_data_dir

PREFIX = "ALEXANDRIA_"  # of the names of our own settings
SECRETS_DIR, DATA_DIR = f"{PREFIX}SECRETS_DIR", f"{PREFIX}DATA_DIR"
SERVICE_DATA_DIR = Path("/var/lib/alexandria")  # for a user without a home directory
CONTAINER_SECRETS = Path("/run/secrets")
FOLDER = "secrets"  # in the data folder


def default_data_dir() -> Path:
    """The user's data folder, or that of a system service for a user without a home, as in some containers."""
    try:
        return Path(platformdirs.user_data_dir("alexandria")).expanduser()
    except RuntimeError:  # as pathlib reports a missing home directory
        return SERVICE_DATA_DIR


def own_folder() -> Path:
    """The folder that keys are added to: the one that is configured, else one in the data folder."""
    if configured := os.environ.get(SECRETS_DIR):
        return Path(configured)
    data_dir = os.environ.get(DATA_DIR)
    try:
        return (Path(data_dir).expanduser() if data_dir else default_data_dir()) / FOLDER
    except RuntimeError:  # a user without a home directory, whose setting is refused when it is read
        return SERVICE_DATA_DIR / FOLDER


def secret_folders() -> list[Path]:
    """The folders that are read; what is in a later one counts before an earlier one."""
    own = own_folder()
    if os.environ.get(SECRETS_DIR):
        return [own]
    readable = os.access(own, os.R_OK | os.X_OK)  # the data folder may be that of another user
    return [CONTAINER_SECRETS, own] if readable else [CONTAINER_SECRETS]


def file_of(name: str) -> Path:
    """The file that holds the setting `name`, or would hold it once it is added; capitals do not matter."""
    own = own_folder()
    present = (file for file in own.glob("*") if file.name.upper() == name)
    return next(present, own / name)


def add(name: str, text: str) -> Path:
    """Store the setting `name` in a file that only this user can read, whole or not at all. Raises Misconfigured."""
    file = file_of(name)
    with usable_data_dir(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(prefix=f".{name}-", dir=file.parent)  # created with mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            opened.write(f"{text}\n")
        Path(draft).replace(file)
    return file
