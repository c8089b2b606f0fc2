"""HTTP routes by which persons decide about books of the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from alexandria.operations import bulk_curation, curation
from alexandria.operations.bulk_curation import BulkAnswer, BulkRequest
from alexandria.web.errors import documented
from alexandria.web.routing import AUDIT_NAME, WRITES, Running, secret_router

router = secret_router("/api/catalogue", "catalogue")

WorkId = Annotated[int, Path(ge=1, le=curation.MAX_ID)]
DecisionId = Annotated[int, Path(ge=1, le=curation.MAX_ID)]
ACTS = {**WRITES, **documented(404)}


@router.post(
    "/works/{work_id}/reject", responses=ACTS, summary="Reject an ISBN: it is never stored for this book again"
)
async def reject_isbn(work_id: WorkId, request: curation.IsbnRequest, system: Running) -> curation.CurationAnswer:
    return await curation.reject(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/pin", responses=ACTS, summary="Pin an ISBN: it is the one of this book")
async def pin_isbn(work_id: WorkId, request: curation.IsbnRequest, system: Running) -> curation.CurationAnswer:
    return await curation.pin(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/accept", responses=ACTS, summary="Accept an ISBN, or a book of a month, as it was found")
async def accept(work_id: WorkId, request: curation.AcceptRequest, system: Running) -> curation.CurationAnswer:
    return await curation.accept(system, work_id, request, AUDIT_NAME)


@router.post(
    "/works/{work_id}/exclude", responses=ACTS, summary="Exclude a book from a month, or from all as not notable"
)
async def exclude_work(work_id: WorkId, request: curation.ExcludeRequest, system: Running) -> curation.CurationAnswer:
    return await curation.exclude(system, work_id, request, AUDIT_NAME)


@router.post(
    "/works/{work_id}/correct",
    responses=ACTS,
    summary="Correct a field of an edition or of the book; sources no longer change it",
)
async def correct_field(work_id: WorkId, request: curation.CorrectRequest, system: Running) -> curation.CurationAnswer:
    return await curation.correct(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/merge", responses=ACTS, summary="Merge a book into another one: both are one book")
async def merge_work(work_id: WorkId, request: curation.OtherBookRequest, system: Running) -> curation.CurationAnswer:
    return await curation.merge(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/same", responses=ACTS, summary="Merge two books under the one with more editions")
async def mark_same(work_id: WorkId, request: curation.OtherBookRequest, system: Running) -> curation.CurationAnswer:
    return await curation.same(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/different", responses=ACTS, summary="Mark two books as different: nothing merges them")
async def mark_different(
    work_id: WorkId, request: curation.OtherBookRequest, system: Running
) -> curation.CurationAnswer:
    return await curation.different(system, work_id, request, AUDIT_NAME)


@router.post("/works/{work_id}/split", responses=ACTS, summary="Split a book: some editions are of another one")
async def split_work(work_id: WorkId, request: curation.SplitRequest, system: Running) -> curation.CurationAnswer:
    return await curation.split(system, work_id, request, AUDIT_NAME)


@router.post("/decisions", responses=ACTS, summary="Decide about several books at once: all or none")
async def decide_on_books(request: BulkRequest, system: Running) -> BulkAnswer:
    return await bulk_curation.decide(system, request, AUDIT_NAME)


@router.post("/decisions/{decision_id}/undo", responses=ACTS, summary="Undo a decision")
async def undo_decision(
    decision_id: DecisionId, request: curation.UndoRequest, system: Running
) -> curation.CurationAnswer:
    return await curation.undo(system, decision_id, request, AUDIT_NAME)
