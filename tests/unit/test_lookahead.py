"""A worker begins another month while its sources would soon have nothing to do."""

from alexandria.backfill.lookahead import AHEAD_SECONDS, Lookahead


def test_a_month_is_begun_until_the_look_ups_that_wait_take_longer_than_a_list():
    waiting = 0.0
    lookahead = Lookahead(lambda: waiting)
    assert lookahead.has_room(1)
    waiting = AHEAD_SECONDS
    assert not lookahead.has_room(1)


def test_a_worker_without_a_month_begins_one_whatever_waits():
    assert Lookahead(lambda: 10 * AHEAD_SECONDS).has_room(0)


def test_months_that_are_not_named_yet_count_with_what_they_will_add():
    lookahead = Lookahead(lambda: 0.0, AHEAD_SECONDS / 2)
    assert lookahead.has_room(1)
    assert not lookahead.has_room(2)
    with lookahead.looking_up():
        assert lookahead.has_room(2)
    assert not lookahead.has_room(2)
