"""Cases of the field, each with one right answer: how many the product passes, by kind of case, and its wrong acceptances."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from alexandria.catalogue.matching.scoring import ACCEPT, choose, same_work
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from labelled import FETCHED, Row

ACCEPTED, NOT_ACCEPTED = "accept", "not accept"


def judge_cases(cases: Sequence[Row], errors: int) -> Row:
    """The figures of all cases; the first `errors` wrong ones are printed to stderr."""
    passed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    wrong_accepts = shown = 0
    for case in cases:
        answers, allowed = answers_to(case), allowed_in(case)
        right = answers <= allowed
        passed[case["kind"]][0] += right
        passed[case["kind"]][1] += 1
        wrong_accepts += bool(answers - allowed - {None, NOT_ACCEPTED})
        if not right and shown < errors:
            shown += 1
            print(
                f"{case['id']} {case['kind']}: {answers}, should be {allowed}\n  {case.get('why', '')}", file=sys.stderr
            )
    return {
        "passed": sum(count for count, _ in passed.values()),
        "n": len(cases),
        "by_kind": {kind: f"{count} of {total}" for kind, (count, total) in sorted(passed.items())},
        "wrong_accepts": wrong_accepts,
    }


def answers_to(case: Row) -> set[Any]:
    """What the product answers; of a pair, both ways round."""
    if case["mode"] == "isbn":
        return {Isbn13.read(case["a"]["isbn13"])}
    if case["mode"] == "choose":
        chosen, *_ = choose(Candidate(**case["candidate"]), [record_of(hit) for hit in case["hits"]])
        return {chosen.source.id if chosen else None}
    one, other = record_of(case["a"]), record_of(case["b"])
    verdicts = {same_work(one, other).verdict, same_work(other, one).verdict}
    return {ACCEPTED if verdict == ACCEPT else NOT_ACCEPTED for verdict in verdicts}


def allowed_in(case: Row) -> set[Any]:
    """The right answers. Of several hits that are equally right any may be taken: they are listed, or joined by |."""
    expected = case["expected"]
    if case["mode"] == "choose" and isinstance(expected, str):
        return set(expected.split("|"))
    return set(expected) if isinstance(expected, list) else {expected}


def record_of(facts: Row) -> EditionRecord:
    date = str(facts.get("published") or facts.get("year") or "")
    return EditionRecord(
        SourceRecord(facts.get("provider") or "field", str(facts.get("key") or facts.get("isbn13") or ""), FETCHED),
        facts["title"],
        subtitle=facts.get("subtitle") or "",
        authors=tuple(facts.get("authors") or ()),
        isbn13=Isbn13.read(facts.get("isbn13")),
        publisher=facts.get("publisher") or "",
        published=PartialDate.parse(date) if date else None,
        first_published=facts.get("first_published"),
        language=facts.get("language") or "",
        binding=facts.get("binding") or "",
        series=facts.get("series") or "",
    )
