"""What persons and other systems see of a catalogue on which persons decide."""

from alexandria.catalogue import detail, search
from alexandria.catalogue.decision_log import Curator
from alexandria.catalogue.export.query import editions
from alexandria.catalogue.search import Sort, WorkFilter

ANN = Curator("Ann", "the same book")


async def act(system, function, *values, person=ANN):
    async with system.scheduler.database.transaction() as connection:
        return await function(connection, *values, person)


async def listed(system, text=""):
    async with system.scheduler.database.transaction() as connection:
        found = await search.page(connection, WorkFilter(text), Sort.NEWEST, None, 10)
    return {row["id"]: row for row in found.rows}


async def shown(system, work_id):
    async with system.scheduler.database.transaction() as connection:
        return await detail.work(connection, work_id)


async def exported(system, since=None):
    return {entry.isbn13: entry async for entry in editions(system.scheduler.database, since)}
