"""The generator of the bibliography: names the notable books of a month without a model or a request."""

from __future__ import annotations

from alexandria.bibliography import rows
from alexandria.bibliography.lookup import NAME
from alexandria.catalogue.models import Candidate
from alexandria.core.errors import NotMigrated, ProviderDown
from alexandria.core.month import Month
from alexandria.database.pool import Database, Row
from alexandria.database.sql import load
from alexandria.providers import prompts
from alexandria.providers.base import SuggestResult

SQL = load(__name__)


class BibliographyGenerator:
    """The generator "bibliography"."""

    name = label = NAME

    def __init__(self, database: Database) -> None:
        self._database = database

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        """The `count` works first published in `month` that have most editions, ratings and readers.

        Every `variant` gives the same. Raises BadInput for an unknown one, ProviderDown if no bibliography is loaded, and
        DatabaseUnavailable.
        """
        prompts.known(variant)
        try:
            found = await self._notable(month, count)
        except NotMigrated:  # it was dropped meanwhile
            found = None
        if found is None:
            hint = "months go on once one is loaded: alexandria bibliography load"
            raise ProviderDown(self.name, "names no book, as none is loaded", hint=hint)
        return SuggestResult(
            tuple(
                Candidate(
                    row["title"],
                    ", ".join(row["authors"].split(rows.BETWEEN_NAMES)),
                    month.year,
                    month.month,
                    named_by=(self.name,),
                )
                for row in found
            )
        )

    async def _notable(self, month: Month, count: int) -> list[Row] | None:
        async with self._database.transaction() as connection:
            there = await (await connection.execute(SQL["is_there"])).fetchone()
            if there is None or not there["there"]:
                return None
            values = {"month": month.year * 100 + month.month, "limit": count}
            return await (await connection.execute(SQL["notable"], values)).fetchall()
