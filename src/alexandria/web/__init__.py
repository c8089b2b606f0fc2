"""The HTTP API and the dashboard."""

from pydantic import BaseModel

# FastAPI's models of OpenAPI are for the description of the API, which few processes are asked for: build them then.
BaseModel.model_config["defer_build"] = True
try:
    import fastapi  # noqa: F401
finally:
    del BaseModel.model_config["defer_build"]
