"""Few connections are shared out so that a worker and a server fit in, or a worker says at its start that it does not."""

import pytest

from alexandria.core.errors import DatabaseUnavailable
from alexandria.database.capacity import (
    COMMAND_CONNECTIONS,
    LOG_CONNECTIONS,
    Shares,
    least_connections,
    require_connections,
    shares,
)

SESSIONS = 9  # of the limiters of the default generators and sources


def used(few):
    """What a worker and a server use, and commands."""
    return few.pool + few.queue + few.server + SESSIONS + 2 * LOG_CONNECTIONS + COMMAND_CONNECTIONS


def test_a_worker_and_a_server_fit_in_however_few_connections_there_are():
    least = least_connections(SESSIONS) + 5
    for allowed in range(least, 200):
        few = shares(allowed, SESSIONS)
        assert used(few) <= allowed, allowed
        assert (few.pool, few.queue, few.server) >= (3, 3, 2), allowed
    assert shares(100, SESSIONS) == Shares()
    assert shares(21, SESSIONS) == Shares(3, 3, 2)


@pytest.mark.parametrize("sessions", [2, SESSIONS])
def test_too_few_for_a_worker_alone_are_one_sentence_with_the_fix(sessions):
    least = least_connections(sessions)
    require_connections(least, sessions)
    with pytest.raises(DatabaseUnavailable, match=f"lets in {least - 1} connections.*needs at least {least}") as few:
        require_connections(least - 1, sessions)
    assert f"to {least + 5} or more" in few.value.hint
