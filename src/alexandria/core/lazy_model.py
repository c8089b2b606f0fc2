"""The base of most pydantic models: what checks their values is built when the first value is checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LazyModel(BaseModel):
    """A model that costs a process that never uses it little more than its class.

    Bodies and queries of requests derive from BaseModel: FastAPI silences a warning of pydantic only while it builds them
    for a route.
    """

    model_config = ConfigDict(defer_build=True)
