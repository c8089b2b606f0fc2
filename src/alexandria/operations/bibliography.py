"""Reports how large and how old the bibliography is, and how many books it settles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from alexandria.backfill.repositories import bibliography_use as usage
from alexandria.backfill.repositories.bibliography_use import BibliographyState
from alexandria.core.lazy_model import LazyModel
from alexandria.operations.system import System


class BibliographyUse(LazyModel):
    """The loaded bibliography, and the books that were looked up in it within seven days."""

    editions: int
    titles: int
    bytes: Annotated[int, Field(description="on disk, with indexes")]
    loaded_at: datetime
    as_of: Annotated[datetime, Field(description="its newest record, or when it was loaded if records have no date")]
    outdated: Annotated[bool, Field(description="another version has indexed its titles: load it again")]
    books_asked: int
    books_settled: Annotated[int, Field(description="of these, resolved without a request to any source")]

    @property
    def size(self) -> str:
        """Its size and age, as a clause."""
        return usage.size(self.editions, self.bytes, self.as_of)

    @property
    def use(self) -> str:
        """What it settled, as a clause."""
        return usage.use(self.books_settled, self.books_asked)


async def show(system: System) -> BibliographyState | None:
    """Return the state of the bibliography; None if none is loaded, or it is not asked."""
    return await usage.read(system.database) if system.settings.bibliography else None


async def use(system: System) -> BibliographyUse | None:
    """Return the same as the API has it."""
    held = await show(system)
    return (
        None
        if held is None
        else BibliographyUse(
            editions=held.editions,
            titles=held.titles,
            bytes=held.bytes,
            loaded_at=held.loaded_at,
            as_of=held.as_of,
            outdated=held.outdated,
            books_asked=held.asked,
            books_settled=held.settled,
        )
    )
