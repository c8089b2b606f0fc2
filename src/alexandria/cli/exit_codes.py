"""The exit codes, the same for every command, so that scripts can rely on them."""

DONE = 0
UNEXPECTED = 1  # from doctor: a check failed
USAGE = 2
NOTHING = 3  # matched
SOME_FAILED = 4
BLOCKED = 5
NO_DATABASE = 6  # unreachable, or not migrated
INTERRUPTED = 130
