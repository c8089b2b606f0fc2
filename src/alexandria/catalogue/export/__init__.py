"""Exports the catalogue, edition by edition, in one of three formats."""

from enum import StrEnum


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    MARC = "marc"
