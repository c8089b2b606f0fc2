"""Finding a work again: among many that are like it, and under every spelling it had."""

from alexandria.backfill.resolve import recognise
from alexandria.catalogue import repository
from alexandria.catalogue.models import Candidate
from alexandria.database.pool import Database

ISBN = "9780007141081"


async def _add(connection, title, *authors):
    return await repository.add_work(connection, title, authors, first_published=None, language="en")


async def _edition(connection, work_id):
    await connection.execute(
        "INSERT INTO edition (isbn13, work_id, title) SELECT %s, id, title FROM work WHERE id = %s", (ISBN, work_id)
    )


async def _isbn(database, title, author):
    held, _ = await recognise(Candidate(title, author), database)
    return held and held.isbn13


async def test_one_of_very_many_of_its_name_is_found(database_url):
    """Reading a common key stops somewhere; what is rare about the work still finds it, even misspelt."""
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await connection.execute(
                "WITH w AS (INSERT INTO work (key, title, author) SELECT n::text, 'Home', 'Anna Smith ' || n"
                " FROM generate_series(1, %s) AS n RETURNING id)"
                " INSERT INTO work_block (key, work_id) SELECT key, id FROM w, unnest(%s::text[]) AS b (key)",
                (repository.MAX_WORKS_PER_BLOCK + 1000, ["= home a", "= home s"]),
            )
            await _edition(connection, await _add(connection, "Home", "Sandra Aldous"))
        assert await _isbn(database, "Home", "Aldous, Sandra") == ISBN
        assert await _isbn(database, "Home", "Sandra Ng") is None


async def test_a_work_that_took_over_a_spelling_is_found_by_both(database_url):
    """A model's spelling is corrected by the first source that knows the work; neither is forgotten."""
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            work_id = await _add(connection, "Red Sorghum", "Mo Yan")
            assert await _add(connection, "The Red Sorghum", "Yan Mo") == work_id
            await _edition(connection, work_id)
            keys = await (
                await connection.execute("SELECT key FROM work_block WHERE work_id = %s", (work_id,))
            ).fetchall()
        assert {row["key"] for row in keys} >= {"yan red", "mo red", "= redsorghum m"}
        assert await _isbn(database, "Red Sorghum", "Mo Yan") == ISBN
