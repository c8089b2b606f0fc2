"""HTTP routes that start a rollout, show it, and hold, release, approve or override it."""

from __future__ import annotations

from alexandria.operations import rollout
from alexandria.operations import rollout_schemas as schemas
from alexandria.web.errors import documented
from alexandria.web.routing import AUDIT_NAME, WRITES, Running, internal_router

router = internal_router()

ACTS = {**WRITES, **documented(404)}


@router.get("/rollout", responses=documented(404), summary="State of the rollout: phases, gate, next step, log")
async def show_rollout(system: Running) -> schemas.RolloutAnswer:
    return await rollout.show(system)


@router.get("/rollout/verdicts", responses=documented(404), summary="History of the gate verdicts, with their inputs")
async def show_verdicts(system: Running) -> schemas.VerdictsAnswer:
    return await rollout.verdicts(system)


@router.post("/rollout/start", responses=WRITES, summary="Start a plan of phases and gates")
async def start_rollout(request: schemas.StartRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.start(system, request, AUDIT_NAME)


@router.post(
    "/rollout/hold", responses=ACTS, summary="Hold the rollout: schedule nothing and pass no gate until released"
)
async def hold_rollout(request: schemas.ReasonedRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.act(system, "hold", request, AUDIT_NAME)


@router.post("/rollout/release", responses=ACTS, summary="End the hold")
async def release_rollout(request: schemas.ReleaseRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.act(system, "release", request, AUDIT_NAME)


@router.post(
    "/rollout/approve", responses=ACTS, summary="Approve the start of the next phase, at a gate that requires it"
)
async def approve_rollout(request: schemas.ApproveRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.act(system, "approve", request, AUDIT_NAME)


@router.post(
    "/rollout/override", responses=ACTS, summary="Ignore the current gate, which is pending or has failed, and continue"
)
async def override_rollout(request: schemas.ReasonedRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.act(system, "override", request, AUDIT_NAME)


@router.post(
    "/rollout/override-in-advance",
    responses=ACTS,
    summary="Let the gate of the present phase, which must be named, pass whatever its months come to",
)
async def override_rollout_in_advance(request: schemas.InAdvanceRequest, system: Running) -> schemas.RolloutAnswer:
    return await rollout.act(system, "override_in_advance", request, AUDIT_NAME)
