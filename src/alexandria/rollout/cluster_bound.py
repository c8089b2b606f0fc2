"""Bounds of a share of books, which allow for months that differ: books of one month are more alike than others. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

CONFIDENCE_DEVIATIONS = (
    1.96  # standard deviations on each side of an estimated share: 95 % of the true shares lie between them
)
PRIOR_VARIANCE_SHARE = 0.08  # of the variance of books, between months: at 85 % these differ by 10 points
PRIOR_WEIGHT = 4  # months: the prior counts as much as so many months do
MIN_FREEDOM = 3  # degrees of freedom: of two or three months, beside the prior
MIN_SAMPLE_SIZE = 1e-6  # books; for a bound of 0

MonthShare = tuple[float, float]  # the hits among a month's checked books, and how many books were checked


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Lower and upper bound of the true share when `hits` of `n` > 0 were sampled (Wilson score interval)."""
    share, z2 = hits / n, CONFIDENCE_DEVIATIONS**2
    middle = share + z2 / (2 * n)
    width = CONFIDENCE_DEVIATIONS * math.sqrt(max(share * (1 - share) / n + z2 / (4 * n * n), 0.0))
    return max((middle - width) / (1 + z2 / n), 0.0), min((middle + width) / (1 + z2 / n), 1.0)


def cluster_lower_bound(months: Sequence[MonthShare]) -> float:
    """Lower bound of the true share, of which the books of these months are a sample. Never above `wilson` of their sums.

    It solves (share - bound)² = t² (bound (1 - bound) / books + E). That is Wilson's equation with the variance E that
    unlike months add, which is estimated from the months and a prior, and with a t between the normal deviation and
    Student's, according to the part of the deviation that the months had to show.

    >>> round(cluster_lower_bound([(18, 20)] * 10), 3)  # alike: Wilson's bound of 180 of 200
    0.851
    >>> round(cluster_lower_bound([(20, 20), (16, 20)] * 5), 3)
    0.818
    """
    hits_of, books_of = [hits for hits, _ in months], [n for _, n in months]
    hits, books, number = sum(hits_of), sum(books_of), sum(map(bool, books_of))
    share, squares = hits / books, sum(map(mul, books_of, books_of))
    chance = share * (1 - share) / books
    excess = PRIOR_WEIGHT * PRIOR_VARIANCE_SHARE * (squares / books - 1) * chance
    if number > 1:
        apart = sum(map(mul, hits_of, hits_of)) + share * (share * squares - 2 * sum(map(mul, hits_of, books_of)))
        excess += number * apart / books**2 - (number - 1) * chance
    if excess <= 0:  # no more unlike than by chance
        return wilson(hits, books)[0]
    excess /= number - 1 + PRIOR_WEIGHT
    estimated = math.sqrt(excess / (chance + excess))
    t = CONFIDENCE_DEVIATIONS + estimated * (_student(max(number - 1, MIN_FREEDOM)) - CONFIDENCE_DEVIATIONS)
    c = t * t / books
    width = t * math.sqrt(chance + c / (4 * books) + excess * (1 + c))
    return max((share + c / 2 - width) / (1 + c), 0.0)


def least_lower_bound(months: Sequence[MonthShare], unchecked: Sequence[int]) -> float:
    """The lower bound that is left when the `unchecked` books of each month turn out in the worst way.

    That is not always that none of them is a hit: a hit in a good month makes the months more unlike.
    """
    worst = [(hits, n + more) for (hits, n), more in zip(months, unchecked, strict=True)]
    bound = cluster_lower_bound(worst)
    hits, books = _sums(worst)
    for number, more in enumerate(unchecked):
        found, n = worst[number]
        if more and (found + more) * books > hits * n:
            other = [*worst[:number], (found + more, n), *worst[number + 1 :]]
            lower = cluster_lower_bound(other)
            if lower < bound:
                worst, bound = other, lower
    return bound


def effective_sample(months: Sequence[MonthShare]) -> tuple[float, float]:
    """The sample of independent books, as hits and books, that has the share and the lower bound of these months."""
    hits, books = _sums(months)
    bound, share = cluster_lower_bound(months), hits / books
    if bound >= wilson(hits, books)[0]:
        return hits, books
    n = max((CONFIDENCE_DEVIATIONS / (share - bound)) ** 2 * bound * (1 - bound), MIN_SAMPLE_SIZE)
    return share * n, n


def _sums(months: Sequence[MonthShare]) -> MonthShare:
    return sum(hits for hits, _ in months), sum(n for _, n in months)


def _student(freedom: float) -> float:
    """The quantile of Student's distribution in the place of 1.96, within 1 % from 3 degrees of freedom on."""
    z = CONFIDENCE_DEVIATIONS
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))
