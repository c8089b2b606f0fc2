"""The commands books and book: what they print on a narrow terminal, as JSON, and about wrong input."""

import pytest

from tests.support.shelf import HOBBIT, MISERABLES, PAPERBACK, fill


@pytest.fixture(scope="module")
def ids(shared_database_url):
    return fill(shared_database_url)


@pytest.fixture
def said(alexandria, shared_database_url, ids):
    return lambda *arguments: alexandria(*arguments, url=shared_database_url)


def test_books_are_found_with_their_decision(said, ids):
    code, out, _ = said("books", "hobbit")
    assert code == 0
    assert out.splitlines() == [
        f"{HOBBIT}  The Hobbit",
        f"               J. R. R. Tolkien, 1937-09; Open Library 98.6 %; needs review; 2019-07 contradicted; book {ids['The Hobbit']}",
    ]
    code, out, _ = said("books", "--unresolved", "--month", "2019-08", "--sort", "title")
    assert [line[:35].rstrip() for line in out.splitlines()] == [
        "no ISBN        A Book <i>Nobody</i>",
        "               Ann Other; no record",
        "no ISBN        Doubtful Pages",
        "               Bob Doubt; doubtful",
    ]


def test_a_page_leads_to_the_next(said):
    code, _, message = said("books", "--limit", 2)
    assert code == 0
    after = message.split("--after ")[1].strip()
    _, out, message = said("books", "--limit", 2, "--after", after)
    assert out.splitlines()[0].split("  ")[0] in {HOBBIT, MISERABLES, "9780441478125"}
    assert "--after" in message


@pytest.mark.parametrize("isbn", [HOBBIT, PAPERBACK, "0-261-10221-4"])
def test_a_book_is_shown_with_its_evidence(said, ids, isbn):
    code, out, _ = said("book", isbn)
    assert code == 0
    assert said("book", ids["The Hobbit"])[1] == out
    for part in (
        f"{HOBBIT}  The Hobbit",
        "publisher: Open Library /books/OL1M https://openlibrary.org/books/OL1M",
        f"2019-07  {HOBBIT}: The Hobbit by J. R. R. Tolkien",
        "refuse 2.1 %, Open Library /books/OL2M: The Hobbit: A Guide by Gene Wolf <b>, 9780764585951, 1991-05, a study guide",
    ):
        assert part in out


def test_on_eighty_columns_no_isbn_and_no_title_is_cut(said, monkeypatch):
    monkeypatch.setattr("alexandria.cli.output.console.DEFAULT_WIDTH", 80)
    for arguments in (("books",), ("book", HOBBIT)):
        out = said(*arguments)[1]
        assert max(map(len, out.splitlines())) <= 80
        assert "…" not in out
    assert "9780764585951" in said("book", HOBBIT)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("books", "--month", "2019-13"), 2, "month: a month must look like 2019-07"),
        (("books", "--source", "isbdb"), 2, "source: a source is one of"),
        (("books", "--limit", "501"), 2, "limit: input should be less than or equal to 500"),
        (("books", "zzzz"), 3, "no book matches"),
        (("book", "99999"), 3, "no book has the number 99999"),
        (("book", "9780306406157"), 3, "no edition has the ISBN 9780306406157"),
        (("book", "x"), 2, "id: 'x' is not the number of a book"),
    ],
)
def test_wrong_input_is_explained(said, arguments, code, error):
    ended, _, message = said(*arguments)
    assert error in " ".join(message.split())
    assert ended == code


def test_json_is_the_answer_of_the_api(asked, shared_database_url, ids):
    code, found = asked("books", "tolkien", url=shared_database_url)
    assert (code, found["data"]["books"][0]["isbn13"]) == (0, HOBBIT)
    code, found = asked("book", HOBBIT, url=shared_database_url)
    assert found["data"]["decisions"][0]["evidence"][1]["verdict"] == "refuse"
