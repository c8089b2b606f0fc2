"""Fills one month at a time: schedule, suggest, resolve, record, enrich, retry and rescue."""
