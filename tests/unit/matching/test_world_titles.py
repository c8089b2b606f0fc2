"""Titles of all languages: scripts, romanisations, translated subtitles, and what language a title is in."""

import pytest

from alexandria.catalogue.languages import of_edition, of_isbn
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE, choose, score
from alexandria.catalogue.matching.titles import read
from alexandria.catalogue.matching.tongues import may_be
from alexandria.catalogue.matching.transliteration import (
    ALIKE,
    PERHAPS,
    UNLIKE,
    UNREADABLE,
    compare,
    reads_in_part,
    script_of,
)
from alexandria.catalogue.models import Candidate

SCRIPTS = [
    ("Преступление и наказание", "Prestuplenie i nakazanie", ALIKE), ("Кладбища", "Kladbishcha", ALIKE), ("Юность", "I︠U︡nostʹ", ALIKE),
    ("Μεταποίηση", "Metapoiēsē", ALIKE), ("Σελανίκ", "Selanik", ALIKE), ("عوارض الدعوى المدنية", "ʻAwāriḍ al-daʻwá al-madanīyah", ALIKE),
    ("شغف", "Shaghaf", PERHAPS), ("בית", "Bayit", PERHAPS), ("הארכיאולוגיה של ארץ-ישראל", "ha-Arkheʼologyah shel Erets-Yiśraʼel", ALIKE),
    ("뜻 으로 본 한국 역사", "Ttŭt ŭro pon Han'guk yŏksa", ALIKE), ("뜻 으로 본 한국 역사", "Tteut euro bon hanguk yeoksa", ALIKE),
    ("红高粱家族", "Hong gao liang jia zu", ALIKE), ("ゆうじょこう", "Yūjokō", ALIKE), ("小原国芳選集", "Obara Kuniyoshi senshu", UNREADABLE),
    ("Кладбища", "Prestuplenie", UNLIKE), ("Том 1", "Tom 2", UNLIKE), ("…", "Tom", UNLIKE),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "level"), SCRIPTS)
def test_how_two_scripts_compare(one, other, level):
    assert (compare(one, other), compare(other, one)) == (level, level)


READINGS = [
    ("荒野のペットショップ", "Areno no petto shoppu", True), ("つめたい荒野へ", "Tsumetai areno e", True), ("荒野はつめたい", "Kōya wa tsumetai", True),
    ("きゃべつ畑のファン", "Kyabetsubatake no fan", True), ("荒野のペットショップ", "Areno no pan'ya", False), ("荒野のペットショップ", "Petto shoppu no areno", False),
    ("荒野のペットショップ", "No petto shoppu", False), ("荒野の刃", "Areno no yaiba", False), ("つめたい荒野X", "Tsumetai areno X", False), ("つめたい", "Tsumetai", False),
    ("荒野", "Kōya", False), ("Tsumetai", "Tsumetai areno", False), ("つめたい荒野", "Цумэтай арэно", False),
]  # fmt: skip


@pytest.mark.parametrize(("japanese", "latin", "agrees"), READINGS)
def test_the_syllables_of_a_japanese_title_have_their_places(japanese, latin, agrees):
    assert (reads_in_part(japanese, latin), reads_in_part(latin, japanese)) == (agrees, agrees)


def test_a_title_that_is_read_in_part_needs_a_second_fact(verdict):
    asked, held = ("Areno no petto shoppu", "Namiko Morita"), ("荒野のペットショップ", "もりたなみこ")
    assert verdict(asked, held) == DOUBT
    assert verdict((*asked, {"published": "2011"}), (*held, {"published": "2011"})) == ACCEPT


def test_small_syllables_are_read_with_the_one_before():
    for japanese, latin in (("ウィキ", "Wiki"), ("ティファ", "Tifa"), ("チョコ", "Choko"), ("きゃべつ", "Kyabetsu")):
        assert compare(japanese, latin) == ALIKE


def test_the_script_of_a_text():
    texts = {"Moor": "latin", "Mö1": "latin", "Степь": "alphabet", "שלום": "abjad", "شغف": "abjad", "荒野": "han",
             "荒野の刃": "kana", "한강": "hangul", "Moor 荒野": "han"}  # fmt: skip
    assert {text: script_of(text) for text in texts} == texts


SAME = {
    "another script, without the subtitle": (("Маргинал: роман", "Александр Волков"), ("Marginal", "Aleksandr Volkov")),
    "a short title in a script without vowels, of one year": (
        ("שלט", "אורן טל", {"published": "2011"}), ("Shelet", "Oren Tal", {"published": "2011"})),
    "marks of a romanisation": (("ʻAwlamat al-tajrīm", "Jalāl Maghribī"), ("Awlamat al-tajrim", "Jalal Maghribi")),
    "halves of ligatures": (("Serii︠a︡ vsadnikov", "I︠U︡riĭ Miloslavskiĭ"), ("Seriia vsadnikov", "Iurii Miloslavskii")),
    "two romanisations": (("Glavnyĭ dirizher", "Pavel Volkov"), ("Glavnyy dirizher", "Pavel Volkov")),
    "umlauts written out": (("Die Tränen der Götter", "Anna Moor"), ("Die Traenen der Goetter", "Anna Moor")),
    "simplified and traditional characters": (("黄金时代", "王小波"), ("黃金時代", "王小波")),
    "a subtitle in another language": (
        ("Peatonomics: The Hidden Side of Moors", "Ann Lee", {"language": "en"}), ("Peatonomics: El lado oculto de la turba", "Ann Lee", {"language": "es"})),
}  # fmt: skip


@pytest.mark.parametrize("rule", SAME)
def test_one_title_in_the_forms_of_the_world(rule, verdict):
    one, other = SAME[rule]
    assert verdict(one, other) == ACCEPT


def test_a_word_in_another_script_behind_a_title_is_not_part_of_it(verdict):
    assert verdict(("Die Tränen der Moorgötter", "Anna Moor"), ("Die Tränen der Moorgötter 絵本", "Anna Moor")) == DOUBT


def test_a_second_volume_in_another_script_is_another_book(verdict):
    assert verdict(("Синдром Волкова", "Дина Волкова"), ("Sindrom Volkova II", "Dina Volkova")) == REFUSE
    counted = ("Khronika no. 13: Rasskazy, stsenarii, pesy, esse", "Dina Volkova")
    assert verdict(("Хроника nо. 13: Рассказы, сценарий, пьесы, эссе", "Дина Волкова"), counted) == ACCEPT
    assert verdict(("Синдром Волкова II", "Дина Волкова"), ("Sindrom Volkova II", "Dina Volkova")) == ACCEPT


def test_two_subtitles_of_one_language_are_not_translations(verdict):
    one = ("Peatonomics: The Hidden Side of Moors", "Ann Lee", {"language": "es"})
    assert verdict(one, ("Peatonomics: El lado oculto de la turba", "Ann Lee", {"language": "es"})) == DOUBT
    assert verdict(one[:2], ("Peatonomics: El lado oculto de la turba", "Ann Lee")) == DOUBT


TONGUES = {
    "en": ["Verity", "The Moor", "Chase Me"],
    "": ["Brida", "Jugada maestra", "Sang Pemimpi", "Noël", "Un"],
    "de": ["Straße"], "es": ["¡Horton escucha!"], "pt": ["Corações"], "tr": ["Kürk Mantolu Işık"], "pl": ["Łąka"], "hu": ["Az ajtó"],
    "sv": ["Män som hatar och älskar"], "da": ["Frøken Smilla"],
}  # fmt: skip


def test_a_title_whose_language_is_unsure_is_not_called_english():
    """Letters with marks are looked at before they are folded."""
    found = {printed: read(printed).tongue for examples in TONGUES.values() for printed in examples}
    assert found == {printed: tongue for tongue, examples in TONGUES.items() for printed in examples}


def test_little_words_that_two_languages_share_prove_neither():
    assert may_be("Am Boden des Himmels", "de")
    assert may_be("Den skräddarsydda sorgen", "sv")
    assert not may_be("The Moor", "de")
    assert not may_be("Moor", "de")


@pytest.mark.parametrize("title", ["Brida", "Jugada maestra", "Sang Pemimpi"])
def test_an_exact_title_in_an_unsure_language_is_taken_in_any(title, record):
    hit = record(title, "Ann Lee", isbn="9780316556347", language="es")
    assert choose(Candidate(title, "Ann Lee"), [hit])[0] == hit


def test_the_year_of_a_translation_does_not_make_it_the_edition_that_was_meant(record):
    german = record("Verity", "Ann Lee", isbn="9780316556347", language="de", published="2019-10")
    assert score(Candidate("Verity", "Ann Lee", 2018, 12), german).verdict == DOUBT
    assert score(Candidate("Verity", "Ann Lee"), german).verdict == DOUBT
    first = record("Verity", "Ann Lee", isbn="9780316556347", language="de", published="2018-10")
    assert score(Candidate("Verity", "Ann Lee", 2018, 12), first).verdict == ACCEPT


NAMED = {
    "The Moor (Turkish Edition)": "tr", "The Moor (German)": "de", "The Moor [in French]": "fr", "El páramo (Edición en español)": "es",
    "Das Moor (Deutsche Ausgabe)": "de", "La lande (Édition française)": "fr", "The Moor (Spanish Language Edition)": "es", "The Last Edition": "",
    "The Moor (Signed)": "",
}  # fmt: skip


def test_the_language_that_a_title_calls_its_edition_s():
    assert {printed: of_edition(fold(printed)) for printed in NAMED} == NAMED


def test_the_language_of_the_agency_that_gave_an_isbn():
    isbns = {"9783455006537": "de", "9782070386703": "fr", "9788432216060": "es", "9786052953198": "tr", "9784091256423": "ja",
             "9789100454821": "sv", "9780316556347": "", "9781432852474": "", "9791090636071": "fr"}  # fmt: skip
    assert {isbn: of_isbn(isbn) for isbn in isbns} == isbns
    assert of_isbn(None) == ""


def test_an_edition_without_a_language_has_that_of_its_isbn(record):
    """As a weak sign: it ranks behind an edition whose language is that of the title."""
    german = record("The Long Moor", "Ann Lee", isbn="9783455006537", published="2001-05")
    english = record("The Long Moor", "Ann Lee", isbn="9780316556347", published="2001-09")
    candidate = Candidate("The Long Moor", "Ann Lee", 2001, 5)
    assert score(candidate, german).verdict == ACCEPT
    assert choose(candidate, [german, english])[0] == english


@pytest.mark.parametrize(
    ("title", "author", "own", "foreign"),
    [("砂の女", "安部公房", "ja", "zh"), ("Тіні", "Іван", "uk", "ru"), ("پرنده", "صادق", "fa", "ar")],
)  # fmt: skip
def test_the_edition_in_the_language_of_the_title_goes_first(title, author, own, foreign, record):
    """The other one fits as well, and is older."""
    editions = [
        record(title, author, isbn="9780316556347", language=own, published="2001"),
        record(title, author, isbn="9781432852474", language=foreign, published="1999"),
    ]
    for hits in (editions, editions[::-1]):
        assert choose(Candidate(title, author), hits)[0] is editions[0]


KIN = [
    ("雪国", "ja", ACCEPT), ("砂の女", "zh", DOUBT), ("Мир", "uk", ACCEPT), ("Тіні", "be", ACCEPT), ("Їжак", "ru", DOUBT), ("Мајка", "mk", ACCEPT),
    ("شعر", "fa", ACCEPT), ("کلیدر", "ur", ACCEPT), ("کلیدر", "ar", ACCEPT), ("کلیدر", "he", DOUBT), ("בית", "yi", ACCEPT), ("গোরা", "as", ACCEPT),
    ("ፍቅር", "ti", ACCEPT),
]  # fmt: skip


@pytest.mark.parametrize(("title", "language", "expected"), KIN)
def test_an_edition_in_a_language_that_shares_the_letters_of_the_title_is_no_translation(
    title, language, expected, record
):
    assert score(Candidate(title, "Ann Lee"), record(title, "Ann Lee", language=language)).verdict == expected
