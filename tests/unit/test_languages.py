"""Languages by code and name, as sources print them and as titles state them."""

import pytest

from alexandria.catalogue import languages
from alexandria.catalogue.matching.folding import fold


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("en", "en"),
        ("eng", "en"),
        ("Eng English", "en"),
        ("pt-BR", "pt"),
        ("pt_BR", "pt"),
        ("mul", ""),
        ("mu", ""),
        ("und", ""),
        ("un", ""),
        ("zxx", ""),
        ("", ""),
        ("/languages/eng", "en"),
        ("/type/languages/ENG ", "en"),
        ("spa, fre and eng", "es"),
        ({"key": "/languages/ger"}, "de"),
        ({}, ""),
        (["fre", "eng"], "fr"),
        ([{"key": "/languages/ger"}, "eng"], "de"),
        ([], ""),
        (None, ""),
        (9, ""),
        ("mandarin", "zh"),
        ("cmn", "zh"),
        ("iw", "he"),
    ],
)
def test_codes_and_names_of_languages(printed, code):
    assert languages.language(printed) == code


LANGUAGES = {
    "en": ["eng", "English"], "fr": ["fre", "fra", "French"], "de": ["ger", "deu", "German"], "es": ["spa", "Spanish"],
    "it": ["ita", "Italian"], "pt": ["por", "Portuguese"], "nl": ["dut", "nld", "Dutch"], "ru": ["rus", "Russian"],
    "ja": ["jpn", "Japanese"], "zh": ["chi", "zho", "Chinese"], "ko": ["kor", "Korean"], "ar": ["ara", "Arabic"],
    "fa": ["per", "fas"], "he": ["heb"], "el": ["gre", "ell"], "hi": ["hin"], "pl": ["pol", "Polish"], "sv": ["swe"],
    "uk": ["ukr"],
}  # fmt: skip


def test_every_language_under_each_of_its_names():
    found = {printed: languages.language(printed) for names in LANGUAGES.values() for printed in names}
    assert found == {printed: code for code, names in LANGUAGES.items() for printed in names}
    names = {name: code for code, printed in LANGUAGES.items() for name in printed if len(name) > 3}
    stated = {name: languages.of_edition(fold(f"Emma ({name} Edition)")) for name in names}
    assert stated == names


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("Emma (Deluxe Edition)", ""),
        ("Emma (Deluxe Edition) (French Edition)", "fr"),
        ("French Editions", ""),
        ("French", ""),
        ("The Hobbit (Turkish Edition)", "tr"),
        ("The Hobbit (Turkish-language edition)", "tr"),
        ("The Hobbit: Turkish language edition", "tr"),
        ("The Hobbit (No Edition)", ""),
        ("The Hobbit (Cmn Edition)", ""),
        ("The Hobbit (Farsi Edition)", "fa"),
        ("The Hobbit: the it edition", ""),
    ],
)
def test_the_language_that_a_title_states(printed, code):
    assert languages.of_edition(fold(printed)) == code


@pytest.mark.parametrize(
    ("code", "letters"),
    [("en", "eng"), ("de", "ger"), ("fr", "fre"), ("zu", "zul"), ("aa", "aar"), ("xx", ""), ("", "")],
)
def test_the_code_that_libraries_write(code, letters):
    """The bibliographic one where there are two."""
    assert languages.three_letters(code) == letters


def test_every_language_of_the_table_is_known_as_that_of_an_edition():
    """By its English name of one word; a name that two languages share is the first one's."""
    named = [line.split(" ", 2) for line in languages.TABLE.replace("\n", " ").strip().split("; ")]
    stated = {name: languages.of_edition(fold(f"Emma ({name} Edition)")) for _, _, name in named if name.isalpha()}
    shared = {"Ndebele": "nd"}
    assert stated == {name: code for code, _, name in named if name.isalpha()} | shared
    assert len(stated) > 170
