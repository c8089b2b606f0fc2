"""Stores the people of a work as persons name them: in the order of the title page, each with a role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching.names import ROLES, name_key, natural
from alexandria.core.errors import BadInput
from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)
People: TypeAlias = Sequence[tuple[str, str]]  # name and role
AUTHOR = "author"
MAX_NAMED, MAX_NAME_LENGTH = 20, 200


def read_people(text: str) -> People:
    """Read "Ann Leckie; Bernhard Kempen (translator)"; the first one is the main author. Raises BadInput."""
    if len(text) > MAX_NAMED * MAX_NAME_LENGTH:
        raise BadInput(f"value: at most {MAX_NAMED} contributors of {MAX_NAME_LENGTH} characters each")
    people = [_person(name) for part in text.split(";") if (name := " ".join(part.split()))]
    if not people:
        raise BadInput("value: contributors are names, separated by semicolons")
    if len(people) > MAX_NAMED or any(len(name) > MAX_NAME_LENGTH for name, _ in people):
        raise BadInput(f"value: at most {MAX_NAMED} contributors of {MAX_NAME_LENGTH} characters each")
    if len({*people}) < len(people):
        raise BadInput("value: one of the contributors is there twice")
    return people


def written(people: People) -> str:
    """People as `read_people` reads them."""
    return "; ".join(name if role == AUTHOR else f"{name} ({role})" for name, role in people)


async def people_of(connection: Connection, work_id: int) -> People:
    """Return the people of a work."""
    rows = await (await connection.execute(SQL["people"], {"work_id": work_id})).fetchall()
    return [(row["name"], row["role"]) for row in rows]


async def link(connection: Connection, work_id: int, people: People) -> None:
    """Make these the people of a work, spelled so, whatever the spelling in other works."""
    await connection.execute(SQL["unlink"], {"work_id": work_id})
    for position, (name, role) in enumerate(people):
        key = name_key(name)
        values = {"key": key, "own_key": bounded(f"{key} = {name}"), "name": name}
        row = await (await connection.execute(SQL["person"], values)).fetchone()
        row = row or await (await connection.execute(SQL["add_person"], values)).fetchone()
        assert row is not None
        part = {"work_id": work_id, "contributor_id": row["id"], "role": role, "position": position}
        await connection.execute(SQL["link"], part)


def _person(text: str) -> tuple[str, str]:
    name, opening, role = text.rpartition(" (")
    if opening and role.endswith(")") and role[:-1].lower() in ROLES and name.strip():
        return natural(name.strip()), role[:-1].lower()
    return natural(text), AUTHOR
