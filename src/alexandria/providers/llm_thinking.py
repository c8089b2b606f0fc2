"""Translates ALEXANDRIA_THINKING into the settings of each vendor's models, so that reasoning costs what it is worth.

A list of books needs little reasoning, and its tokens are billed: low by default. A model that cannot reason, or whose
levels are not known, is sent no setting, as many servers refuse a request that has one.
"""

from __future__ import annotations

from typing import Any

from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModelSettings
from pydantic_ai.profiles.grok import grok_model_profile
from pydantic_ai.settings import ModelSettings

XAI_EFFORTS = ("none", "low", "medium", "high")  # from least to most


def thinking_settings(provider: str, model: Model, thinking: str) -> ModelSettings | None:
    """Return the settings of a request to `model` for a value of ALEXANDRIA_THINKING, or None for the model's own."""
    if thinking == "default":
        return None
    if provider == "xai":
        return _of_xai(model.model_name, thinking)
    if not model.profile.get("supports_thinking", False):
        return None
    level: Any = False if thinking == "off" else thinking
    return ModelSettings(thinking=level)


def _of_xai(model_name: str, thinking: str) -> ModelSettings | None:
    """The nearest effort that the model knows; the profile of a compatible server has no entry for xAI's models."""
    profile: Any = grok_model_profile(model_name) or {}
    known = [effort for effort in XAI_EFFORTS if effort in profile.get("grok_reasoning_efforts", ())]
    if not known:
        return None
    wanted = XAI_EFFORTS.index({"off": "none", "minimal": "low"}.get(thinking, thinking))
    nearest: Any = next((effort for effort in known if XAI_EFFORTS.index(effort) >= wanted), known[-1])
    return OpenAIChatModelSettings(openai_reasoning_effort=nearest)
