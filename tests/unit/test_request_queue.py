"""Requests of one process wait for a provider by their place, not by the time at which they came."""

from alexandria.core.month import Month
from alexandria.providers.charging import charged_to, place
from alexandria.providers.limits.request_queue import QueuedRequest, RequestQueue


def order(queue):
    taken = []
    while (queued := queue.front()) is not None:
        taken.append(queued.units)
        queue.take()
    return taken


async def test_the_least_place_is_next_and_of_equal_ones_the_first_that_came():
    queue: RequestQueue[object] = RequestQueue()
    for number, at in enumerate([2.0, 1.0, 2.0, 1.0]):
        queue.add(QueuedRequest(number, reports_sent=False, place=at))
    assert order(queue) == [1, 3, 0, 2]


async def test_one_that_was_next_stays_so_before_others_of_its_place():
    queue: RequestQueue[object] = RequestQueue()
    queue.add(QueuedRequest(1, reports_sent=False, place=1.0))
    queue.add(QueuedRequest(2, reports_sent=False, place=1.0), again=True)
    assert order(queue) == [2, 1]


async def test_a_cancelled_request_is_left_out():
    queue: RequestQueue[object] = RequestQueue()
    first: QueuedRequest[object] = QueuedRequest(1, reports_sent=False, place=1.0)
    second: QueuedRequest[object] = QueuedRequest(2, reports_sent=False, place=1.0)
    queue.add(first)
    queue.add(second)
    first.turn.cancel()
    assert queue.front() is second


async def test_requests_of_a_month_have_the_place_of_its_begin_and_others_that_of_their_own():
    with charged_to(Month(2023, 1), None):
        before = place()
    with charged_to(Month(2023, 2), None):
        within, again = place(), place()
    assert before < within == again < place()
