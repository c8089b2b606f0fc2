"""A month in a real database, as a Backfill of a test schedules, processes and reads it."""

from alexandria.backfill.composition import compose
from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.core.month import Month

NOVEMBER = Month(2023, 11)


async def process(backfill, *wanted, size=20):
    """Make an attempt at each month."""
    for month in wanted:
        async with backfill.scheduler.database.transaction() as connection:
            await months.seed(connection, month.year, month.year)
            await connection.execute("UPDATE backfill_log SET batch_size = %s", (size,))
            await connection.execute(
                "UPDATE backfill_log SET status = CASE WHEN (year, month) = (%s, %s) THEN 'pending' ELSE 'completed' END"
                " WHERE status IN ('pending', 'retry') OR (year, month) = (%s, %s)",
                (month.year, month.month) * 2,
            )
        await backfill.scheduler.schedule(Selection(batch_size=1, first_year=month.year, last_year=month.year), "test")
        row = await row_of(backfill, month)
        await backfill.runner.process(row["attempt_token"], "test")


async def row_of(backfill, month=NOVEMBER):
    async with backfill.scheduler.database.transaction() as connection:
        row = await months.one(connection, month)
    assert row is not None
    return row


async def books_of(backfill, month=NOVEMBER):
    async with backfill.scheduler.database.transaction() as connection:
        return await candidates.of_month(connection, month)


def changed(backfill, *, generators=None, sources=None, **others):
    """The same backfill with other generators, sources, clock or budget."""
    return compose(
        backfill.scheduler.database,
        backfill.scheduler.queue,
        backfill.runner.generators if generators is None else generators,
        backfill.runner.sources if sources is None else SourcePool(sources, Policy.BALANCED),
        **others,
    )
