"""Repeats calls that failed. What stamina itself reports of a retry is off: every request is a row of the database already."""

from __future__ import annotations

import stamina

__all__ = ["RetryingCaller"]

RetryingCaller = stamina.AsyncRetryingCaller
stamina.instrumentation.set_on_retry_hooks([])
