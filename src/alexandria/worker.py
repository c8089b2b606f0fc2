"""A worker process: takes months from the queue until it is told to stop."""
