"""ISBNs as catalogues, shops and spreadsheets print them, and numbers that are none."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria.catalogue.models import Isbn13
from alexandria.catalogue.printed_isbn import MAX_TEXT_LENGTH
from tests.support.processor_time import seconds_of

GIVEN = "9780306406157"
WITH_X = "9780804429573"
OTHER = "9780385504201"


@pytest.mark.parametrize(
    "printed",
    [
        "9780306406157", "0306406152", "978-0-306-40615-7", "0-306-40615-2", "978 0 306 40615 7", "0 306 40615 2",
        "9780306406157 (pbk.)", "0306406152 (pbk.)", "0306406152 (alk. paper) :", "0306406152 : $12.50",
        "0306406152 (v. 1) : £7.95", "0306406152pbk.", "9780306406157pbk", "ISBN 0306406152", "ISBN: 9780306406157",
        "ISBN-13: 978-0-306-40615-7", "ISBN-10: 0-306-40615-2", "ISBN13 9780306406157", "ISBN 13: 9780306406157",
        "isbn139780306406157", "e-ISBN 9780306406157", "ISBN-13 (hardcover): 0306406152", "urn:isbn:0306406152",
        "URN:ISBN:978-0-306-40615-7", "isbn_9780306406157", '="9780306406157"', '"0306406152"', "'0306406152",
        "[0306406152]", "(9780306406157)", "0306406152 / 9780306406157", "0306406152; 9780306406157",
        "9780306406157 0306406152", "9780306406157.0", "9780306406157, 12", "Paperback, 0306406152", "Paperback 0-306-40615-2",
        "9780306406157 51299", "978‐0‐306‐40615‐7", "978‑0‑306‑40615‑7", "978–0–306–40615–7", "978—0—306—40615—7",
        "978−0−306−40615−7", "978\u00ad0306406157", "978－0－306－40615－7", "978﹣0306406157", "9780306406157\u200b",
        "\ufeff9780306406157", "97803\u200d06406157", "\u200e9780306406157\u200f", "9780306406157\ufe0f",
        "978\u00a00\u202f306\u200940615\u30007", "٩٧٨٠٣٠٦٤٠٦١٥٧", "۹۷۸۰۳۰۶۴۰۶۱۵۷", "९७८०३०६४०६१५७", "９７８０３０６４０６１５７",
        "９７８－０－３０６－４０６１５－７", "ＩＳＢＮ：０３０６４０６１５２", "𝟗𝟕𝟖𝟎𝟑𝟎𝟔𝟒𝟎𝟔𝟏𝟓𝟕", "9780306406158 ; 9780306406157",
    ],
)  # fmt: skip
def test_one_number_in_any_print(printed):
    assert Isbn13.read(printed) == GIVEN
    assert Isbn13.all_in(printed) == (GIVEN,)


@pytest.mark.parametrize(
    "printed",
    ["080442957X", "080442957x", "0-8044-2957-X", "0 8044 2957 x", "080442957Ⅹ", "080442957ｘ", "080442957Х", "080442957Χ",
     "080442957× (hbk.)", "ISBN 0-8044-2957-х", "０８０４４２９５７Ｘ"],
)  # fmt: skip
def test_the_letter_that_stands_for_ten_in_any_case_and_script(printed):
    assert Isbn13.read(printed) == WITH_X


@pytest.mark.parametrize(
    "printed",
    [
        "", "none", "9780306406158", "0306406153", "978030640615", "97803064061570", "A9780306406157", "9780306406157A1",
        "0000000000", "1111111111", "9999999999", "9780000000002", "9781111111113", "123456789X", "9781234567897",
        "9876543210", "9790230671187", "979-0-2306-7118-7", "9770317847001", "urn:oclc:record:0306406152", "OCLC 0306406152",
        "1-9780306406157", "9780306406157-2", "978 0306406158", "0306406152" * 3, "X", "080442957XY", "08044295X 7", "97803064061X 7", "ISBN", "ISBN: n/a",
        "B0306406152", "Bd. 3, S. 12-34", "²9780306406157²²", "9 780306 406158",
    ],
)  # fmt: skip
def test_other_numbers_than_isbns_of_books_are_refused(printed):
    assert Isbn13.read(printed) is None
    assert Isbn13.all_in(printed) == ()


@pytest.mark.parametrize(
    "printed",
    [
        "0306406152 (pbk.) 0385504209 (hbk.)", "0306406152,0385504209", "9780306406157 9780385504201", "0306406152|0385504209",
        "9780306406157\n9780385504201", "ISBN 0306406152 ISBN 0385504209", "isbn:9780306406157,amazon:B000FC1PWA,isbn:0385504209",
        "0306406152 : $12.50; 0385504209 (v. 2)", "0306406152 / 0385504209", "9780306406157 (set) 9790230671187 9780385504201",
    ],
)  # fmt: skip
def test_several_numbers_in_a_field_are_of_several_editions(printed):
    assert Isbn13.all_in(printed) == (GIVEN, OTHER)
    assert Isbn13.read(printed) is None


def test_numbers_that_are_no_text():
    assert Isbn13.read(9780306406157) == GIVEN
    assert Isbn13.read(9780306406157.0) == GIVEN
    assert Isbn13.read(10**5000) is None
    for other in (None, True, [GIVEN], b"9780306406157", float("nan"), float("inf"), -9780306406157):
        assert Isbn13.read(other) is None


ISBNS = st.integers(0, 10**9 - 1).map(lambda body: f"{body:09d}")
HYPHENS = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Pd"]
ZEROS = [ord(digit) for digit in "0٠۰०০０๐"]


def checked(body):
    ten = sum((10 - at) * int(digit) for at, digit in enumerate(body))
    return body + "0123456789X"[-ten % 11]


def is_none(body):
    return len(set(body)) == 1 or body in ("123456789", "987654321")


@given(ISBNS, st.sampled_from(["", " ", *HYPHENS]), st.sampled_from(ZEROS), st.booleans(), st.data())
def test_any_isbn_survives_hyphens_digits_and_marks(body, hyphen, zero, thirteen, data):
    printed = checked(body)
    whole = Isbn13.read(printed)
    assert (whole is None) == is_none(body)
    if whole is None:
        return
    digits = str(whole) if thirteen else printed
    cuts = sorted(data.draw(st.sets(st.integers(1, len(digits) - 1), max_size=4)))
    parts = [digits[a:b] for a, b in zip([0, *cuts], [*cuts, len(digits)], strict=True)]
    dressed = "".join(chr(zero + int(sign)) if sign.isdigit() else sign for sign in hyphen.join(parts))
    at = data.draw(st.integers(0, len(dressed)))
    dressed = dressed[:at] + data.draw(st.sampled_from(["", "\u200b", "\u200f", "\u2060"])) + dressed[at:]
    before = data.draw(st.sampled_from(["", "ISBN ", "ISBN-13: ", "(", "Pb., "]))
    after = data.draw(st.sampled_from(["", " (pbk.)", " : $12.50", ")", ".", "; 1"]))
    assert Isbn13.read(before + dressed + after) == whole


@given(st.text(alphabet="0123456789xX-‐ ().:;,/|ISBN\u200b٠٩\n$pbk", max_size=200))
def test_whatever_is_found_is_valid_and_in_the_text(text):
    found = Isbn13.all_in(text)
    assert len(set(found)) == len(found)
    plain = "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign.upper() for sign in text if sign.isalnum()
    )
    for isbn in found:
        assert Isbn13.read(isbn) == isbn
        assert isbn in plain or isbn[3:12] in plain
        assert not isbn.startswith("9790")


@pytest.mark.parametrize(
    "piece",
    [
        "9",
        "9-",
        "978-0-306-40615-7 ",
        "0306406152x",
        "(",
        "(9",
        "isbn",
        "isbn-13: ",
        "978 0",
        "x ",
        "\u0301",
        "٩",
        "9\u200b",
        "[(",
        "0 ",
    ],
)
def test_a_long_text_takes_linear_time(piece):
    def seconds(length):
        text = (piece * length)[:length]
        return min(seconds_of(Isbn13.all_in, text) for _ in range(3))

    seconds(MAX_TEXT_LENGTH)
    assert seconds(MAX_TEXT_LENGTH) < 40 * seconds(MAX_TEXT_LENGTH // 16) + 0.05
    assert seconds(MAX_TEXT_LENGTH) < 1.0
    assert Isbn13.all_in(GIVEN + " " + piece * (MAX_TEXT_LENGTH + 1)) == ()
