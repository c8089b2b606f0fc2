"""Loads SQL from the named blocks of the .sql files that stand beside the modules that use them."""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import LiteralString, cast

_BLOCK = re.compile(
    r"^-- (?P<kind>name|condition): (?P<name>\w+)\n(?P<body>.*?)(?=^-- (?:name|condition): |\Z)",
    re.MULTILINE | re.DOTALL,
)


@functools.cache
def load(module: str) -> dict[str, LiteralString]:
    """Return the blocks of the .sql file beside `module` (a dotted name) by name.

    Each block is one statement with psycopg's %(name)s parameters. `SQL = load(__name__)` is the usual call. A condition
    that several blocks share is written once, as `-- condition: x`, and used as `{x}`.
    """
    package, _, file = module.rpartition(".")
    text = resources.files(package).joinpath(f"{file}.sql").read_text(encoding="utf-8")
    found = {(block["kind"], block["name"]): block["body"].strip() for block in _BLOCK.finditer(text)}
    statements = {name: body for (kind, name), body in found.items() if kind == "name"}
    for (kind, condition), body in found.items():
        if kind == "condition":
            part = f"({body})"
            statements = {name: text.replace(f"{{{condition}}}", part) for name, text in statements.items()}
    return {name: cast("LiteralString", body) for name, body in statements.items()}
