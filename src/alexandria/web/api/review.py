"""HTTP route that lists the review queue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Security

from alexandria.operations import review
from alexandria.web.errors import documented
from alexandria.web.routing import DESCRIBED_SECRET, Running, ViewingRoute

router = APIRouter(
    prefix="/api/review",
    route_class=ViewingRoute,
    dependencies=[Security(DESCRIBED_SECRET)],
    responses=documented(401, 422, 429, 500, 503),
    tags=["catalogue"],
)


@router.get("", summary="Books that a person should look at, what is most likely wrong first, a page at a time")
async def list_questions(query: Annotated[review.ReviewQuery, Query()], system: Running) -> review.ReviewAnswer:
    return await review.queue(system, query)
