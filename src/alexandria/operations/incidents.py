"""Lists incidents: what needs attention now, since when and what to do about it, and what cleared lately."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from alexandria.core.lazy_model import LazyModel
from alexandria.database.pool import Connection
from alexandria.operations.alerts import incidents
from alexandria.operations.alerts.rules import fix_of
from alexandria.operations.schemas import Meta
from alexandria.operations.system import System

MAX_HISTORY_AGE = timedelta(days=7)  # for which a cleared incident is listed
MAX_LISTED = 50


class RecordedIncident(LazyModel):
    """A problem that lasts, or that cleared lately."""

    id: int
    kind: Annotated[str, Field(description="one of IncidentKind, or of a later version")]
    subject: Annotated[str, Field(description="the provider that it concerns, or empty")]
    reason: Annotated[str, Field(description="as last seen")]
    fix: Annotated[str, Field(description="what a person does about it")]
    began_at: datetime
    cleared_at: Annotated[datetime | None, Field(description="null: it lasts")]


class IncidentsAnswer(LazyModel):
    """The incidents that last, then those that cleared within a week; each newest first."""

    success: bool
    incidents: list[RecordedIncident]
    meta: Meta


async def show(system: System) -> list[RecordedIncident]:
    """The incidents that last, then those that cleared within a week; each newest first."""
    async with system.database.transaction() as connection:
        return await read(connection)


async def read(connection: Connection) -> list[RecordedIncident]:
    """The same in the transaction of `connection`."""
    found = await incidents.recent(connection, MAX_HISTORY_AGE, MAX_LISTED)
    return [RecordedIncident(**row, fix=fix_of(row["kind"], row["subject"])) for row in found]
