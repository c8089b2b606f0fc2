"""The benchmark of matching counts cases, languages and wrong acceptances as it states."""

import csv
import gzip
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
EDITION = {"isbn13": "", "subtitle": "", "authors": [], "publisher": "", "published": "", "language": "", "binding": "",
           "pages": "", "series": ""}  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the program in this process, which spares it the imports, and returns its figures."""
    monkeypatch.syspath_prepend(BENCHMARKS)

    def run(kind, gold, *arguments):
        program = str(BENCHMARKS / "matching.py")
        monkeypatch.setattr(sys, "argv", [program, "--kind", kind, "--gold", *map(str, (gold, *arguments))])
        runpy.run_path(program, run_name="__main__")
        return json.loads(capsys.readouterr().out)

    return run


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_cases_of_the_field_by_kind_with_wrong_acceptances(run, tmp_path):
    orbital = {"title": "Orbital", "authors": ["Samantha Harvey"]}
    other = {"title": "The Western Wind", "authors": ["Samantha Harvey"]}
    hit = orbital | {"key": "book", "isbn13": "9780802163622", "provider": "isbndb"}
    candidate = {"title": "Orbital", "author": "Samantha Harvey"}
    cases: list[dict[str, Any]] = [
        {"mode": "pair", "kind": "pair", "a": orbital, "b": orbital, "expected": "accept"},
        {"mode": "pair", "kind": "pair", "a": orbital, "b": other, "expected": "accept"},
        {"mode": "pair", "kind": "same", "a": orbital, "b": orbital, "expected": "not accept"},
        {"mode": "choose", "kind": "hits", "candidate": candidate, "hits": [hit], "expected": "book|another"},
        {"mode": "choose", "kind": "hits", "candidate": candidate, "hits": [hit], "expected": None},
        {"mode": "isbn", "kind": "isbn", "a": {"isbn13": "0-306-40615-2"}, "expected": "9780306406157"},
        {"mode": "isbn", "kind": "isbn", "a": {"isbn13": "none"}, "expected": "9780306406157"},
    ]
    gold = written(tmp_path / "cases.jsonl", [{"id": f"x{at}", **case} for at, case in enumerate(cases)])
    assert run("field", gold) == {
        "kind": "field", "passed": 3, "n": 7, "wrong_accepts": 2,
        "by_kind": {"hits": "1 of 2", "isbn": "1 of 2", "pair": "1 of 2", "same": "0 of 1"},
    }  # fmt: skip


def test_pairs_of_the_world_by_language(run, tmp_path):
    one = EDITION | {"title": "Brida", "authors": ["Paulo Coelho"]}
    other = EDITION | {"title": "Adultério", "authors": ["Paulo Coelho"]}
    pairs: list[dict[str, Any]] = [{"a": one, "b": one, "languages": "pt", "label": "same_work"}] * 3
    pairs.append({"a": one, "b": other, "languages": "pt-en", "label": "same_work"})
    figures = run(
        "world-dedup", written(tmp_path / "pairs.jsonl", [{"id": "w", "type": "editions", **pair} for pair in pairs])
    )
    assert (figures["precision"], figures["recall"]) == (1.0, 0.75)
    assert figures["by_language"]["pt"]["recall"] == [1.0, 0.4385, 1.0]
    assert figures["by_language"]["pt-en"]["recall"] == [0.0, 0.0, 0.7935]


@pytest.mark.parametrize("name", ["reviewed_duplicates.csv", "reviewed_answers.csv"])
def test_what_was_reviewed_is_little_and_reasoned(name):
    text = (BENCHMARKS / name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(text.splitlines()) <= 40
    assert all(len(row) == 3 and all(row.values()) and len(set(row.values())) == 3 for row in rows)


def catalogue_of(path, books):
    """A catalogue of Cornelia Funke's books: ISBN-13, title, language and work of each."""
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, [*EDITION, "title", "work_id", "work_first_date"])
        writer.writeheader()
        for isbn, title, language, work in books:
            facts = {"isbn13": isbn, "title": title, "language": language, "work_id": work, "published": "2005"}
            writer.writerow(EDITION | facts | {"authors": "Cornelia Funke"})
    return path


def test_answers_are_judged_by_the_labels_and_again_with_the_reviewed_ones(run, tmp_path):
    """Two queries without an answer get one each. One of the answers was reviewed: the label errs."""
    with (BENCHMARKS / "reviewed_answers.csv").open(encoding="utf-8") as text:
        known = next(csv.DictReader(text))
    books = [(known["isbn13"], "Inkspell", "en", "w1"), ("9780439709101", "Dragon Rider", "en", "w2")]
    labels = {
        "acceptable_isbn13": [],
        "neutral_isbn13": [],
        "must_not_isbn13": [],
        "expect": "no_match",
        "neg_type": "absent",
    }
    asked = [(known["id"], "Inkspell"), ("another", "Dragon Rider")]
    gold = [{"id": at, "query": {"title": title, "author": "Cornelia Funke"}, **labels} for at, title in asked]
    catalogue = catalogue_of(tmp_path / "catalogue.csv.gz", books)
    figures = run("match", written(tmp_path / "gold.jsonl", gold), "--catalogue", catalogue, "--retrieval", "local")
    assert (figures["outcomes"], figures["negatives_taken"]) == ({"taken": 2}, 1.0)
    assert figures["reviewed"]["outcomes"] == {"right": 1, "taken": 1}
    assert (figures["reviewed"]["precision"], figures["reviewed"]["negatives_taken"]) == (0.5, 1.0)


def test_titles_of_another_language_with_the_titles_of_all_works_and_without(run, tmp_path):
    """A work of two languages is asked for twice, each time by the title of editions that are taken away."""
    books = [("9780439554008", "Inkspell", "en", "w1"), ("9783791504674", "Tintenblut", "de", "w1"), ("9780439709101", "Dragon Rider", "en", "w2")]  # fmt: skip
    catalogue = catalogue_of(tmp_path / "catalogue.csv.gz", books)
    figures = run("known-titles", catalogue)
    assert (figures["n"], figures["recall"][0], figures["without"]["recall"][0]) == (2, 1.0, 0.0)
    assert figures["taken_without_the_work"][0] == 0.0


def test_calibration_in_equal_bins_with_the_diagram(run, tmp_path):
    """Each pair counts as it is and as two sources print it. No bin is smaller than fifty pairs."""
    one = EDITION | {"title": "Brida", "authors": ["Paulo Coelho"]}
    other = EDITION | {"title": "Adultério", "authors": ["Paulo Coelho"]}
    pairs = [{"id": f"s{at}", "a": one, "b": one, "label": "same_work"} for at in range(25)]
    pairs += [{"id": f"d{at}", "a": one, "b": other, "label": "different_work"} for at in range(25)]
    gold, diagram = written(tmp_path / "pairs.jsonl", pairs), tmp_path / "bins.svg"
    figures = run("calibration", gold, "--diagram", diagram)
    assert (figures["n"], figures["brier_of_a_constant"]) == (150, 0.25)
    assert [size for *_, size in figures["bins"]] == [50, 50, 50]
    assert [share for _, share, _ in figures["bins"]] == [0, 0.5, 1]
    expected = sum(abs(mean - share) for mean, share, _ in figures["bins"]) / 3
    assert abs(figures["ece"] - expected) < 0.001
    assert figures["brier"] < 0.1
    assert sum(half["n"] for half in figures["halves"].values()) == 150
    assert diagram.read_text().count("<circle") == 3


REVIEWED = {"title": "The Hobbit", "subtitle": "", "authors": ["J. R. R. Tolkien"], "isbn13": "9780261102217",
          "publisher": "", "published": None, "language": "en", "binding": "", "source": "open_library",
          "source_id": "/books/OL1M"}  # fmt: skip


def pair(number, label, stratum, title="The Hobbit"):
    return {
        "id": f"decision {number}", "label": label, "query": {"title": title, "author": "J. R. R. Tolkien"},
        "record": REVIEWED, "accepted": True, "stratum": stratum, "strata": {"suspected": 100, "sampled": 900},
    }  # fmt: skip


def test_precision_is_weighed_by_the_sizes_of_the_strata(run, tmp_path):
    rows = [pair(n, "same_work" if n % 2 else "another_work", "suspected") for n in range(20)]
    rows += [pair(100 + n, "same_work", "sampled") for n in range(50)]
    found = run("reviewed", written(tmp_path / "gold", rows))
    assert found["catalogue"]["suspected"] == {"reviewed": 20, "of": 100, "precision": [0.5, 0.2993, 0.7007]}
    assert found["catalogue"]["sampled"] == {"reviewed": 50, "of": 900, "precision": [1.0, 0.9287, 1.0]}
    share, low, high = found["catalogue"]["precision"]
    assert share == pytest.approx(0.95)
    assert low == pytest.approx(0.95 - ((0.1 * 0.2007) ** 2 + (0.9 * 0.0713) ** 2) ** 0.5, abs=2e-4)
    assert high == pytest.approx(0.95 + 0.1 * 0.2007, abs=2e-4)
    assert found["outcomes"] == {"right": 60, "wrong": 10}


def test_nothing_is_claimed_of_a_stratum_that_nobody_reviewed(run, tmp_path):
    found = run(
        "reviewed",
        written(tmp_path / "gold", [pair(1, "same_work", "sampled"), pair(2, "same_work", "other", title="Emma")]),
    )
    assert found["catalogue"]["suspected"]["precision"] is None
    assert found["catalogue"]["precision"] is None
    assert found["outcomes"] == {"right": 1, "missed": 1}
    assert run("reviewed", written(tmp_path / "gold", []))["catalogue"] == {"precision": None}
