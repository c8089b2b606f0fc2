"""Lists of books as programs export them and people save them: read by their columns' names, answered in their own form."""

import csv
import io
import json

import pytest

from alexandria.backfill.lists import answer_file, answer_forms, columns, files, questions
from alexandria.backfill.lists.questions import Answer, Question
from alexandria.core.errors import BadInput

GOODREADS = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,"
    "Number of Pages,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves,Exclusive Shelf,My Review\r\n"
    '17,"The Tin Orchard (Vale Cycle, #2)",Ada Quillon,"Quillon, Ada","Bo Marsh",="0306406152",="9780306406157",5,4.10,'
    'Lantern,Paperback,311,2014,2009,,2020/05/01,fiction,read,"Good.\n""Very"" good, even"\r\n'
    '18,Snowfield Letters,Bo Marsh,"Marsh, Bo",,="",="",0,3.90,,,,,,,2020/05/02,,to-read,\r\n'
)
STORYGRAPH = (
    "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,Dates Read,Read Count,Star Rating,Owned?\n"
    'The Tin Orchard,"Ada Quillon, Bo Marsh",,9780306406157,paperback,read,2021/02/01,2021/02/14,,1,4.5,Yes\n'
    "Snowfield Letters,Bo Marsh,,d3c1a4f0-77aa,digital,to-read,2021/02/01,,,0,,No\n"
)
LIBRARYTHING = (
    "Book Id\tTitle\tSort Character\tPrimary Author\tPrimary Author Role\tSecondary Author\tPublication\tDate\tISBN\tISBNs\n"
    '501\t"T" is for Orchard\t1\tQuillon, Ada\t\tMarsh, Bo\tLantern (2009), Paperback, 311 pages\t2009\t[0306406152]\t0306406152, 9780306406157\n'
    "502\tSnowfield Letters\t1\tMarsh, Bo\t\t\t\t?\t[]\t\n"
)
CALIBRE = (
    "author_sort,authors,comments,cover,formats,id,identifiers,isbn,languages,pubdate,publisher,title,title_sort,uuid\n"
    '"Quillon, Ada","Ada Quillon & Bo Marsh",,,epub,7,"isbn:9780306406157,amazon:B000FC1PWA",9780306406157,eng,'
    '2009-03-01T00:00:00+00:00,Lantern,The Tin Orchard,"Tin Orchard, The",4f\n'
)


def asked(content, **named):
    return [
        line.read() for line in files.read(content if isinstance(content, bytes) else content.encode(), named).lines
    ]


def facts(question):
    assert isinstance(question, Question), question
    book = question.candidate
    return book.title, book.author, book.year, book.month, question.isbns


@pytest.mark.parametrize(
    ("content", "first", "second"),
    [
        (GOODREADS, ("The Tin Orchard (Vale Cycle, #2)", "Ada Quillon", 2009, None, ("9780306406157",)), ("Snowfield Letters", "Bo Marsh", None, None, ())),
        (STORYGRAPH, ("The Tin Orchard", "Ada Quillon, Bo Marsh", None, None, ("9780306406157",)), ("Snowfield Letters", "Bo Marsh", None, None, ())),
        (LIBRARYTHING, ('"T" is for Orchard', "Quillon, Ada", 2009, None, ("9780306406157",)), ("Snowfield Letters", "Marsh, Bo", None, None, ())),
        (CALIBRE, ("The Tin Orchard", "Ada Quillon", 2009, 3, ("9780306406157",)), None),
    ],
    ids=["Goodreads", "StoryGraph", "LibraryThing", "Calibre"],
)  # fmt: skip
def test_exports_are_read_by_the_names_of_their_columns(content, first, second):
    found = [facts(question) for question in asked(content)]
    assert found == [first, second][: 2 if second else 1]


@pytest.mark.parametrize(
    ("codec", "mark", "prelude"),
    [
        ("utf-8", b"", ""), ("utf-8-sig", b"", ""), ("cp1252", b"", ""), ("utf-16", b"", ""), ("utf-16-le", b"", ""),
        ("utf-16-be", b"", ""), ("utf-16-be", b"\xfe\xff", ""), ("utf-32", b"", ""), ("utf-8-sig", b"", "sep=;\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_table_of_excel_in_any_encoding(codec, mark, prelude, newline):
    text = 'Titel;Verfasser;Jahr;ISBN\n"Grüße; aus Köln";Müller, Jörg;2023.0;="9780306406157"\n;;;\nÜber;Änne Groß;1999,0;\n'
    content = mark + (prelude + text.replace("\n", newline)).encode(codec)
    assert [facts(question) for question in asked(content)] == [
        ("Grüße; aus Köln", "Müller, Jörg", 2023, None, ("9780306406157",)),
        ("Über", "Änne Groß", 1999, None, ()),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "title,author", "Book Title,Author(s)", "TITEL;AUTOR", "Titre\tAuteur", "Título;Autor", "Titolo,Autore", "Titel,Auteur",
        "Tytuł;Autor", "Kitap Adı;Yazar", "BAŞLIK,YAZAR", "Название;Автор", "書名,著者", "书名,作者", "제목,저자", "כותר,מחבר",
        "العنوان,المؤلف", "Τίτλος;Συγγραφέας", "Titel,Författare", "Název;Autor", "  Title  ,  Author ", "Titel|Verfasser/in|x",
    ],
)  # fmt: skip
def test_headers_in_other_languages(header):
    delimiter = next(sign for sign in "\t;|," if sign in header)
    body = delimiter.join(["The Tin Orchard", "Ada Quillon", ""][: header.count(delimiter) + 1])
    if "Verfasser/in" in header:
        header = header.replace("Verfasser/in", "Verfasserin")
    assert facts(asked(f"{header}\n{body}\n")[0])[:2] == ("The Tin Orchard", "Ada Quillon")


def test_a_column_is_named_by_hand():
    text = "Werk,Von,Erst\nThe Tin Orchard,Ada Quillon,2009\n"
    named = columns.mapping(["title=Werk", "author=von", "year = Erst"])
    assert facts(asked(text, **named)[0]) == ("The Tin Orchard", "Ada Quillon", 2009, None, ())
    for wrong in (["title"], ["titel=Werk"], ["title="], ["title=Werk", "title=Von"]):
        with pytest.raises(BadInput, match="--map"):
            columns.mapping(wrong)
    with pytest.raises(BadInput, match="no column is named 'Werke'; the columns are 'Werk', 'Von', 'Erst'"):
        asked(text, **(named | {"title": "Werke"}))


@pytest.mark.parametrize(
    "rows",
    [
        [{"title": "The Tin Orchard", "author": "Ada Quillon", "isbn": 9780306406157, "year": 2009}],
        [{"Title": "The Tin Orchard", "Authors": ["Ada Quillon", "Bo Marsh"], "ISBN13": "978-0-306-40615-7", "year": "2009.0"}],
        {"501": {"title": "The Tin Orchard", "primaryauthor": "Ada Quillon", "isbn": {"0": "0306406152", "2": "9780306406157"}, "date": "2009", "authors": [{"lf": "Quillon, Ada", "fl": "Ada Quillon"}]}},
        [{"title": "The Tin Orchard", "authors": [{"name": "Ada Quillon"}], "isbns": ["0306406152"], "published": "c2009"}],
    ],
)  # fmt: skip
def test_json_arrays_and_objects(rows):
    for text in (json.dumps(rows), json.dumps(rows, indent=2), "\ufeff" + json.dumps(rows)):
        [question] = asked(text)
        assert facts(question) == ("The Tin Orchard", "Ada Quillon", 2009, None, ("9780306406157",))


def test_json_lines_of_another_make_are_rows_and_ours_are_lines():
    other = (
        '{"Title": "The Tin Orchard", "Author": "Ada Quillon"}\n{"Title": "Snowfield Letters", "Author": "Bo Marsh"}\n'
    )
    books = files.read(other.encode(), {})
    assert [facts(line.read())[0] for line in books.lines] == ["The Tin Orchard", "Snowfield Letters"]
    ours = (
        '{"id": 1, "title": "The Tin Orchard", "author": "Ada Quillon", "isbn": ["0306406152", "9780306406158"]}\n{\n'
    )
    books = files.read(ours.encode("utf-16"), {})
    first, second = (line.read() for line in books.lines)
    assert (first.id, facts(first)[4]) == (1, ("9780306406157",))
    assert isinstance(second, Answer)
    assert (second.verdict, second.reasons[0][:16]) == ("refused", "line 2: not JSON")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("Name of book,Date Read\nx,y\n", "no column has a usual name for the title and the author; the columns are"),
        ("Title,Date Read\nx,y\n", "no column has a usual name for the author; the columns are 'Title', 'Date Read'"),
        (b"PK\x03\x04rest", "the list is an Excel or zip file"),
        (b"\x1f\x8brest", "the list is a compressed file"),
        ('[{"title": "T", "author": "A"}', "the list is not JSON"),
        ('[{"title": "T", "author": "A"}, 5]', "entry 2 of the JSON array is no object"),
        ('{"Title": "T"}\n{"Title": "U"}\n', "no column has a usual name for the author"),
    ],
)
def test_one_sentence_for_one_mistake_in_a_whole_list(content, sentence):
    with pytest.raises(BadInput) as refused:
        asked(content)
    assert refused.value.message.startswith(sentence)
    assert refused.value.hint


def test_one_sentence_for_one_mistake_of_many_lines():
    text = "Title,Author\nA,\nB,Bo Marsh\nC,\n,\nD,x,surplus\n"
    lines = files.read(text.encode(), {}).lines
    assert questions.mistakes(lines) == [
        "2 lines cannot be read, the first is line 2: author: is empty",
        "1 line cannot be read, the first is line 6: row: has 3 cells, and the header has 2",
    ]
    with pytest.raises(BadInput, match="no line of the list can be read: author: is empty"):
        questions.mistakes(files.read(b"Title,Author\nA,\nB,\n", {}).lines)
    ours = [questions.Line(n, b'{"id": 1, "title": "T", "autor": "A"}') for n in range(3)]
    with pytest.raises(BadInput, match="author: field required"):
        questions.mistakes(ours)


def test_a_misprint_in_place_of_an_isbn_is_named():
    text = "Title,Author,ISBN\nA,B,978-0-306-40615-8\nA,B,B000FC1PWA\nA,B,none\n"
    assert [question.misread for question in asked(text)] == ["978-0-306-40615-8", "", ""]


# Answers


def answer(number=1, isbn="9780306406157", verdict="accept", reasons=("same title", "same author")):
    return Answer(number, isbn, verdict, 98.5, "isbndb", list(reasons))


def whole(content, target, *, answers=None, named=None):
    """The file that is written for a list, as bytes."""
    books = files.read(content, named or {})
    form = answer_forms.form_of(books, target)
    lines = books.lines
    given = answers or [line.read() if isinstance(line.read(), Answer) else answer() for line in lines]
    parts = [form.entry(line, one) for line, one in zip(lines, given, strict=True)]
    return form.head + form.between.join(parts) + form.tail


@pytest.mark.parametrize(
    ("content", "codec", "delimiter"),
    [
        (GOODREADS.encode(), "utf-8", ","), (GOODREADS.encode("utf-8-sig"), "utf-8-sig", ","), (STORYGRAPH.encode(), "utf-8", ","),
        (CALIBRE.encode(), "utf-8", ","), ("Titel;Autor\r\nGrün;Ä\r\n".encode("cp1252"), "cp1252", ";"),
        ('Titel\tAutor\r\n"a\tb"\tÄ\r\n'.encode("utf-16"), "utf-16", "\t"),
    ],
)  # fmt: skip
def test_the_own_columns_stay_as_they_are_and_in_order(content, codec, delimiter):
    before = list(csv.reader(io.StringIO(content.decode(codec), newline=""), delimiter=delimiter))
    written = whole(content, None)
    after = list(csv.reader(io.StringIO(written.decode(codec), newline=""), delimiter=delimiter))
    width = len(before[0])
    assert [row[:width] for row in after] == before
    assert after[0][width:] == [
        "alexandria_isbn13" if "ISBN13" in before[0] else "isbn13", "verdict", "score", "source", "reasons",
    ]  # fmt: skip
    assert after[1][width:] == ["9780306406157", "accept", "98.5", "isbndb", "same title; same author"]
    assert written[:2] == content[:2]


def test_tabs_without_quotes_and_a_line_that_names_the_delimiter():
    written = whole(LIBRARYTHING.encode(), None).decode().split("\n")
    assert [line.split("\t")[:10] for line in written[:3]] == [
        line.split("\t") for line in LIBRARYTHING.split("\n")[:3]
    ]
    excel = "sep=;\r\nTitle;Author\r\nA;B\r\n"
    assert whole(excel.encode(), None).decode().startswith("sep=;\r\nTitle;Author;isbn13;")


def test_no_text_of_an_answer_is_a_command_to_a_spreadsheet_or_a_terminal():
    odd = answer(reasons=("=HYPERLINK(1)", "two\nlines \x1b[2J"))
    [_, row] = csv.reader(io.StringIO(whole(b"Title,Author\n=1+1,B\n", None, answers=[odd]).decode(), newline=""))
    assert row[0] == "=1+1"
    assert row[-1] == "'=HYPERLINK(1); two lines \\x1b[2J"


@pytest.mark.parametrize(
    ("content", "name", "read"),
    [
        (GOODREADS.encode(), "a.json", json.loads),
        (GOODREADS.encode(), "a.jsonl", lambda text: [json.loads(line) for line in text.splitlines()]),
        (GOODREADS.encode(), "a.tsv", lambda text: list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))),
        (json.dumps([{"Title": "T", "Author": "A", "n": {"x": 1}}]).encode(), "a.csv", lambda text: list(csv.DictReader(io.StringIO(text, newline="")))),
        (b'{"id": 1, "title": "T", "author": "A"}\n', "a.csv", lambda text: list(csv.DictReader(io.StringIO(text, newline="")))),
        (json.dumps({"7": {"Title": "T", "Author": "A"}}).encode(), "a.json", lambda text: list(json.loads(text).values())),
        (b"Title;Author\nT;A\n", "a.csv", lambda text: list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))),
    ],
)  # fmt: skip
def test_the_name_of_the_output_asks_for_a_form(content, name, read, tmp_path):
    rows = read(whole(content, tmp_path / name).decode())
    first = rows[0]
    assert (first.get("alexandria_isbn13") or first["isbn13"]) == "9780306406157"
    assert first.get("Title") or first["title"]
    assert first["verdict"] == "accept"


def test_our_json_lines_are_answered_as_before(tmp_path):
    line = b'{"id": 1, "title": "T", "author": "A", "shelf": "x"}\n'
    assert whole(line, tmp_path / "a.jsonl") == whole(line, None) == answer().line


FORMS = [
    pytest.param(GOODREADS.encode("utf-8-sig"), id="Goodreads"),
    pytest.param(GOODREADS.replace(",", ";").encode("utf-16"), id="UTF-16"),
    pytest.param(LIBRARYTHING.encode(), id="LibraryThing"),
    pytest.param(json.dumps([{"Title": "T", "Author": "A"}, {"Title": "U", "Author": "B"}]).encode(), id="array"),
    pytest.param(json.dumps({"1": {"Title": "T", "Author": "A"}, "2": {"Title": "U", "Author": "B"}}).encode(), id="object"),
    pytest.param(b'{"Title": "T", "Author": "A"}\n{"Title": "U", "Author": "B"}\n', id="rows"),
    pytest.param(b'{"id": 1, "title": "T", "author": "A"}\n{"id": 2, "title": "U", "author": "B"}\n', id="lines"),
]  # fmt: skip


@pytest.mark.parametrize("content", FORMS)
def test_a_file_cut_anywhere_is_continued_to_the_same_file(content, tmp_path):
    books = files.read(content, {})
    form = answer_forms.form_of(books, None)
    answers = [answer(line.read().id) for line in books.lines]
    complete = whole(content, None, answers=answers)
    path = tmp_path / "a"
    for cut in range(len(complete), -1, -3):
        path.write_bytes(complete[:cut])
        with answer_file.answer_file(path, io.BytesIO(), form, books.lines) as file:
            for one in answers[file.before :]:
                file.add(one)
            file.end()
        assert path.read_bytes() == complete, cut


@pytest.mark.parametrize("content", FORMS)
def test_a_file_of_another_list_is_refused_and_left(content, tmp_path):
    books = files.read(content, {})
    form = answer_forms.form_of(books, None)
    path = tmp_path / "a"
    lines = list(books.lines)
    parts = [form.entry(line, answer(line.read().id)) for line in reversed(lines)]
    for foreign in (
        form.head + form.between.join(parts) + form.tail,
        b"something else\n",
        b"something else",
        form.head + form.between.join([*parts[::-1], parts[0]]),
    ):
        path.write_bytes(foreign)
        with pytest.raises(BadInput):
            answer_file.held_answers(path, form, lines)
        assert path.read_bytes() == foreign


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Title,Author\nT,A\nU,\nV,C\n", "Title,Author\nT,A\nU,B\nV,C\n"),
        (json.dumps([{"Title": "T", "Author": "A"}, {"Title": "U"}, {"Title": "V", "Author": "C"}]),
         json.dumps([{"Title": "T", "Author": "A"}, {"Title": "U", "Author": "B"}, {"Title": "V", "Author": "C"}])),
        ('{"id": 1, "title": "T", "author": "A"}\n{"id": 2, "title": "U"\n{"id": 3, "title": "V", "author": "C"}\n',
         '{"id": 1, "title": "T", "author": "A"}\n{"id": 2, "title": "U", "author": "B"}\n{"id": 3, "title": "V", "author": "C"}\n'),
    ],
)  # fmt: skip
def test_a_refused_line_is_asked_again_when_it_changes(before, after, tmp_path):
    """The answers before and after it stay, and nothing else is asked. Unchanged, it stays refused."""
    path = tmp_path / "a"
    path.write_bytes(whole(before.encode(), None, answers=[
        line.read() if isinstance(line.read(), Answer) else answer(line.read().id) for line in files.read(before.encode(), {}).lines
    ]))  # fmt: skip
    unchanged = path.read_bytes()
    books = files.read(before.encode(), {})
    with answer_file.answer_file(path, io.BytesIO(), answer_forms.form_of(books, None), books.lines) as file:
        assert (file.before, file.left) == (3, [])
        file.end()
    assert path.read_bytes() == unchanged
    books = files.read(after.encode(), {})
    with answer_file.answer_file(path, io.BytesIO(), answer_forms.form_of(books, None), books.lines) as file:
        assert file.before == 2
        [line] = file.left
        assert facts(line.read())[:2] == ("U", "B")
        file.add(answer(2, isbn="9780385504201"))
        file.end()
    answers = [answer(1), answer(2, isbn="9780385504201"), answer(3)]
    assert path.read_bytes() == whole(after.encode(), None, answers=answers)
