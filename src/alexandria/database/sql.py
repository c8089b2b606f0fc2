"""Loads SQL from the named blocks of the .sql files that stand beside the modules that use them."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import LiteralString, cast

_BLOCK = re.compile(r"^-- name: (?P<name>\w+)\n(?P<body>.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


@functools.cache
def load(module: str) -> dict[str, LiteralString]:
    """Return the blocks of the .sql file beside `module` (a dotted name) by name.

    Each block is one statement with psycopg's %(name)s parameters. `SQL = load(__name__)` is the usual call.
    """
    package, _, file = module.rpartition(".")
    text = resources.files(package).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    return {found["name"]: cast("LiteralString", found["body"].strip()) for found in _BLOCK.finditer(text)}
