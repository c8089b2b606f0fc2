"""Where is our SQL? In the named blocks of the .sql files beside this one."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import LiteralString, cast

_BLOCK = re.compile(r"^-- name: (?P<name>\w+)\n(?P<body>.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


@functools.cache
def load(file: str) -> dict[str, LiteralString]:
    """The blocks of `file`.sql by name, each one statement with psycopg's %(name)s parameters."""
    text = resources.files(__package__).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    return {found["name"]: cast("LiteralString", found["body"].strip()) for found in _BLOCK.finditer(text)}


def files() -> list[str]:
    """Names of all files of blocks, for the test that prepares every one."""
    return sorted(
        path.name.removesuffix(".sql") for path in resources.files(__package__).iterdir() if path.name.endswith(".sql")
    )
