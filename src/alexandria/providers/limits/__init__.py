"""Rate limits, concurrency limits and daily quotas of the providers, across all processes."""
