"""Translates ALEXANDRIA_THINKING into the settings of each vendor's models, so that reasoning costs what it is worth.

A list of books needs little reasoning, and its tokens are billed: low by default. A model that cannot reason, or whose
levels are not known, is sent no setting, as many servers refuse a request that has one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

LEVELS = ("none", "minimal", "low", "medium", "high")  # from least to most
VENDORS = {"xai": "x-ai", "openai": "openai"}  # of models whose names have none, by provider

# What models take as "reasoning_effort". The first row that fits counts; a model without a row takes none.
EFFORTS = (
    ("openai/gpt-5-chat*", ""),
    ("openai/gpt-5-pro*", "high"),
    ("openai/gpt-5.?-pro*", "medium high"),
    ("openai/gpt-5.[123]-chat*", "medium"),
    ("openai/gpt-5*-codex*", "low medium high"),
    ("openai/gpt-5.*", "none low medium high"),
    ("openai/gpt-5*", "minimal low medium high"),
    ("openai/gpt-6-sol*", "none low medium high"),
    ("openai/gpt-6-luna*", "none low medium high"),
    ("openai/o1*", "low medium high"),
    ("openai/o3*", "low medium high"),
    ("openai/o4-mini*", "low medium high"),
    ("x-ai/grok-3", "none low medium high"),  # this and the next four names lead to grok-4.3
    ("x-ai/grok-4-0709", "none low medium high"),
    ("x-ai/grok-4-fast-*reasoning", "none low medium high"),
    ("x-ai/grok-4-1-fast-*reasoning", "none low medium high"),
    ("x-ai/grok-latest", "none low medium high"),
    ("x-ai/grok-3-mini", "none low high"),
    ("x-ai/grok-3-mini-fast", "none low high"),
    ("x-ai/grok-3-mini-*", "low high"),
    ("x-ai/grok-4.3*", "none low medium high"),
    ("x-ai/grok-4.[567]*", "low medium high"),
    ("x-ai/grok-build-latest", "low medium high"),
    ("google/gemini-[12].0*", ""),
    ("google/gemini-1.5*", ""),
    ("google/gemini-*-pro*", "minimal low medium high"),
    ("google/gemini-*", "none minimal low medium high"),
)
# What Gemini takes as "thinking_level"; the generation before takes a budget.
THINKING_LEVELS = (
    ("gemini-1*", ""),
    ("gemini-2.0*", ""),
    ("gemini-pro", ""),
    ("gemini-3-pro-preview*", "low high"),
    ("gemini-3.1-pro-preview*", "low medium high"),
    ("gemini-3.[78]-flash*", "low medium high"),
    ("gemini-4-argon*", "low medium high"),
    ("gemini-4-carbon*", "low medium high"),
    ("gemini-*", "minimal low medium high"),
)
BUDGETED = "gemini-2.5-*"
BUDGETS = {"none": 0, "minimal": 128, "low": 2048, "medium": 8192, "high": 24_576}  # tokens


def thinking_settings(provider: str, model: str, thinking: str) -> dict[str, Any] | None:
    """Return the settings of a request to `model` for a value of ALEXANDRIA_THINKING, or None for the model's own."""
    if thinking == "default":
        return None
    wanted = "none" if thinking == "off" else thinking
    if provider == "gemini":
        found = _of_gemini(model.removeprefix("models/"), wanted)
        return None if found is None else {"thinkingConfig": found}
    effort = _nearest(wanted, _levels_of(_with_vendor(provider, model), EFFORTS))
    return None if effort is None else {"reasoning_effort": effort}


def _of_gemini(model: str, wanted: str) -> dict[str, Any] | None:
    if fnmatchcase(model, "gemini-2.5-flash-image*"):
        return None
    if fnmatchcase(model, BUDGETED):
        always = fnmatchcase(model, "gemini-2.5-pro*")  # a budget of 0 is refused
        return {"thinking_budget": BUDGETS["minimal" if always and wanted == "none" else wanted]}
    level = _nearest(wanted, _levels_of(model, THINKING_LEVELS))
    return None if level is None else {"thinking_level": level.upper()}


def _with_vendor(provider: str, model: str) -> str:
    """The name with its vendor, as OpenRouter and others write it."""
    name = model if "/" in model else f"{VENDORS[provider]}/{model}"
    return re.sub(r"^xai/", "x-ai/", name)


def _levels_of(model: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    return next((levels.split() for pattern, levels in rows if fnmatchcase(model, pattern)), [])


def _nearest(wanted: str, known: list[str]) -> str | None:
    """The least level that is no less than wanted, else the most; None if there is none."""
    enough = [level for level in known if LEVELS.index(level) >= LEVELS.index(wanted)]
    return next(iter(enough), known[-1] if known else None)
