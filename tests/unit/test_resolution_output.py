"""What `resolve` prints of a book."""

from __future__ import annotations

from alexandria.catalogue.models import Candidate, Resolution
from alexandria.cli.output.resolution import render


def test_a_source_that_was_not_asked_is_named_once():
    found = Resolution(Candidate("Orbital", "Samantha Harvey"), None, unavailable={"isbndb": "isbndb: answered 503"})
    assert [line for line in map(str, render(found)) if "isbndb" in line] == ["not asked: isbndb: answered 503"]
