"""The job queue: tasks, periodic tasks, rescue of lost attempts."""
