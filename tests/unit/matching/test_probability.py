"""A score is the probability that its findings have on labelled pairs, and changes only with its version."""

import ast
import hashlib
import math
from pathlib import Path

import pytest

from alexandria.catalogue import matching
from alexandria.catalogue.matching.findings import Finding
from alexandria.catalogue.matching.probability import (
    MAX_SCORE,
    MIN_SCORE,
    WEIGHTS,
    ScoreModel,
    score_model,
    signs_of,
)
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, same_work, score
from alexandria.catalogue.models import Candidate
from alexandria.operations.status_style import describe_score
from tests.support.edition_records import record

# Stored scores have their version beside them. Whoever fits the weights again adds a version, and changes none.
DIGESTS = {2: "548c35c6d4fb509dfeba10df7e77ff91367fdd6f72e3ee7a3874ad4957719b7c"}
LEE = "Ann Lee"


def test_other_weights_are_another_version():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == DIGESTS[max(DIGESTS)]
    assert score_model().version == max(DIGESTS)


def test_the_words_of_every_weight_are_those_of_a_finding():
    """A finding that is put in other words loses its weight."""
    texts = set()
    for path in Path(matching.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    words = {words for words, _ in score_model().weights}
    assert len(words) > 40
    assert words - texts == set()


def test_log_odds_add_up():
    model = ScoreModel(2, 1.0, -0.1, -0.05, {("same title", 0): 2.0, ("slip", 7): -1.5}, {})
    within = Finding(6, "before the colon", within=(Finding(7, "slip"),))
    assert list(signs_of([Finding(0, "same title"), within])) == [
        ("same title", 0), ("slip", 7), ("before the colon", 6),
    ]  # fmt: skip
    odds = 1.0 + 2.0 - 1.5 - 0.6
    assert model.score([Finding(0, "same title"), within]) == round(100 / (1 + math.exp(-odds)), 1)


def test_a_finding_that_was_never_seen_goes_by_its_points():
    model = ScoreModel(2, 1.0, -0.1, -0.05, {("slip", 7): -1.5}, {})
    assert model.weight(("slip", 30)) == pytest.approx(-3.0)
    assert model.weight(("another title", 100)) == pytest.approx(-5.0)


@pytest.mark.parametrize(("start", "bound"), [(50.0, MAX_SCORE), (-50.0, MIN_SCORE)])
def test_no_score_is_certain(start, bound):
    assert ScoreModel(2, start, 0, 0, {}, {}).score([]) == bound


def test_scores_agree_with_verdicts_where_the_findings_are_clear():
    emma = record("Emma", LEE)
    same, doubted = same_work(emma, emma), same_work(emma, record("Emma: Winter", LEE))
    other, namesake = same_work(emma, record("Persuasion", LEE)), same_work(emma, record("Emma", "Bob Cole"))
    assert [found.verdict for found in (same, doubted, other, namesake)] == [ACCEPT, DOUBT, REFUSE, REFUSE]
    assert same.score > 98
    assert 10 < doubted.score < 90
    assert max(other.score, namesake.score) < 3


def test_two_sources_of_one_isbn_give_the_doubted_record_the_score_of_the_better():
    named = record("Emma", LEE, isbn="9780316556347", source="isbndb")
    bare = record("Emma", isbn="9780316556347", source="google_books")
    _, considered, _ = choose(Candidate("Emma", LEE), [named, bare])
    assert [found.verdict for found in considered] == [ACCEPT, ACCEPT]
    assert considered[0].score == considered[1].score == score(Candidate("Emma", LEE), named).score
    alone = choose(Candidate("Emma", LEE), [bare])[1][0]
    assert (alone.verdict, alone.score < considered[0].score) == (DOUBT, True)


def test_evidence_is_listed_by_verdict_and_score():
    hits = [record("Persuasion", LEE), record("Emma: Winter", LEE), record("Emma", "A. Lee"), record("Emma", LEE)]
    _, considered, _ = choose(Candidate("Emma", LEE), hits)
    order = [([ACCEPT, DOUBT, REFUSE].index(found.verdict), -found.score) for found in considered]
    assert order == sorted(order)
    assert {verdict for verdict, _ in order} == {0, 1, 2}


def test_a_stored_score_is_described_by_its_version():
    assert describe_score(96, 1) == "96 points"
    assert describe_score(98.6, 2) == "98.6 %"
    assert describe_score(98.6, 3) == "98.6 %"
