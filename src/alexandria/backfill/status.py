"""The statuses of a month and the arrows between them. The database repeats both as constraints."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"  # not scheduled yet, or reset by a person
    PROCESSING = "processing"  # an attempt holds its token
    COMPLETED = "completed"  # books recorded
    FAILED = "failed"  # gave up, error_message has the reason
    RETRY = "retry"  # waits until next_attempt_at: after an error, or snoozed


ARROWS: dict[tuple[Status, Status], str] = {
    (Status.PENDING, Status.PROCESSING): "a schedule call claims it",
    (Status.RETRY, Status.PROCESSING): "its time has come, or a schedule call claims it, when due or by its name",
    (Status.PROCESSING, Status.COMPLETED): "its books are recorded",
    (Status.PROCESSING, Status.RETRY): "a transient error, a snooze, or its worker was lost",
    (Status.PROCESSING, Status.FAILED): "the last failed attempt, or a permanent error",
    (Status.COMPLETED, Status.PENDING): "a person asks for it again",
    (Status.FAILED, Status.PENDING): "a person asks for it again",
    (Status.RETRY, Status.PENDING): "a person resets it",
    (Status.PROCESSING, Status.PENDING): "a person resets it; the running attempt loses its token",
}
