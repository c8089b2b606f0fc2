"""The rules by which a title gives away its script and its language."""

import pytest

from alexandria.catalogue.matching.titles import read
from alexandria.catalogue.matching.tongues import is_sure, tongue_of


@pytest.mark.parametrize(
    ("printed", "latin"), [("Война", False), ("War", True), ("", True), ("Ω", False), ("Zażółć", True)]
)
def test_the_script_of_a_title(printed, latin):
    assert read(printed).latin is latin


TONGUES = {
    "en": [
        "Emma",
        "Emma of Highbury",
        "Emma with the Dog",
        "My Year",
        "Nobody When Asleep",
        "Die Trying",
        "O Pioneers",
    ],
    "fr": ["Voyage au bout de la nuit", "Les fleurs du mal", "Une vie", "Contes pour Noël et Pâques"],
    "es": ["Cien años para el amor", "El amor y los tiempos", "La sombra del viento y una luz"],
    "de": ["Der Prozess", "Die Verwandlung und das Urteil", "Im Westen nicht viel", "Zum Leben von heute"],
    "it": ["Il nome della rosa", "Se questo che di una notte", "I promessi di Roma nel blu"],
    "pt": ["O alquimista do mar", "Os homens em guerra", "Não com uma flor"],
    "nl": ["Het diner", "Het leven van een man", "Voor niet veel"],
    "": ["Un"],
    "el": ["Ζορμπάς"],
    "ru": ["Война и мир"],
    "he": ["שלום"],
    "ar": ["المدينة"],
    "hi": ["गोदान"],
    "th": ["ไทย"],
    "ja": ["のだめ"],
    "ko": ["채식주의자"],
    "zh": ["平凡的世界"],
}


def test_the_language_that_a_title_gives_away():
    found = {printed: read(printed).tongue for examples in TONGUES.values() for printed in examples}
    assert found == {printed: tongue for tongue, examples in TONGUES.items() for printed in examples}


SCRIPTS = {
    "el": "\u0370\u03ff", "ru": "\u0400\u052f", "he": "\u0590\u05ff", "ar": "\u0600\u06ff", "hi": "\u0900\u097f",
    "th": "\u0e00\u0e7f", "ja": "\u3040\u30ff", "ko": "\uac00\ud7af", "zh": "\u4e00\u9fff",
}  # fmt: skip


def test_each_script_from_its_first_letter_to_its_last():
    found = {tongue: [tongue_of(f"Emma {letter}") for letter in ends] for tongue, ends in SCRIPTS.items()}
    assert found == {tongue: [tongue, tongue] for tongue in SCRIPTS}
    beyond = {tongue: [chr(ord(ends[0]) - 1), chr(ord(ends[1]) + 1)] for tongue, ends in SCRIPTS.items()}
    assert [tongue for tongue, letters in beyond.items() if tongue in map(tongue_of, letters)] == []


TELLING = {
    "ja": ["砂の女", "図書館戦争", "佐々木", "東京スカイツリー", "戦", "峠の道", "ｶﾞﾝﾀﾞﾑ", "桜「物語」"],
    "ko": ["三國史記 이야기", "韓國의 美", "\u1112\u1161\u11ab\u1100\u1161\u11bc"],
    "zh": ["雪国", "哈利・波特「魔法石」", "紅樓夢", "红楼梦", "人"],
    "uk": ["Тіні забутих предків", "Їжак", "Земля є", "Ґава", "\u0406\u0308жак"],
    "be": ["Каласы пад сярпом тваім", "Воўк", "Чорны замак Альшанскі"],
    "ru": ["Отцы и дѣти", "Война и миръ", "Обломовъ", "Объект", "Живые и мёртвые", "Мир"],
    "sr": ["На Дрини ћуприја", "Мајка", "Ђак", "Људи"],
    "mk": ["Ѕвезда", "Куќа на крајот"],
    "kk": ["Ұлпан"],
    "bg": ["Път", "Кръв и злато"],
    "fa": ["بوف کور", "پرنده", "چشمهایش", "گلستان", "ژاله", "کلیدر"],
    "ur": ["اردو کے ناول", "آنگن میں", "پہاڑ", "ٹوبہ"],
    "ps": ["ښځه", "ګل"],
    "ku": ["ڕۆمان"],
    "ar": ["ألف ليلة وليلة", "رسالة", "موسم"],
    "yi": ["װײַט"],
    "he": ["בית"],
    "hy": ["Վերք"], "ka": ["ვეფხისტყაოსანი"], "ta": ["பொன்னி"], "bn": ["গোরা"], "am": ["ፍቅር"], "km": ["ផ្កា"], "dv": ["ދިވެހި"],
}  # fmt: skip


def test_a_letter_that_only_one_language_uses_decides_wherever_it_stands():
    """Brackets and the dot between foreign names are Chinese as well as Japanese."""
    found = {printed: tongue_of(printed) for examples in TELLING.values() for printed in examples}
    assert found == {printed: tongue for tongue, examples in TELLING.items() for printed in examples}


LITTLE_WORDS = {
    "fr": ["le", "les", "du", "des", "et", "une", "au", "aux", "dans", "sur", "pour", "est"],
    "es": ["el", "los", "las", "del", "y", "por", "para", "con", "una los"],
    "de": ["der", "das", "und", "ein", "eine", "von", "im", "dem", "mit", "den", "ist", "nicht", "zum"],
    "it": ["il", "gli", "della", "di", "dei", "nel", "che", "una il"],
    "pt": ["os", "do", "dos", "uma", "em", "nao", "com"],
    "nl": ["het", "een", "van", "voor", "niet"],
}
ENGLISH = [
    "the", "of", "and", "to", "with", "from", "my", "you", "your", "is", "at", "for", "who", "when", "her", "his",
]  # fmt: skip


def test_every_little_word_gives_its_language_away():
    """An English one beside a Spanish one leaves the language unsure."""
    found = {text: read(f"Emma {text}").tongue for texts in LITTLE_WORDS.values() for text in texts}
    assert found == {text: tongue for tongue, texts in LITTLE_WORDS.items() for text in texts}
    assert [word for word in ENGLISH if read(f"Emma {word} los").tongue] == []


@pytest.mark.parametrize(
    ("printed", "sure"), [("Emma", False), ("Brida", False), ("The Stand", True), ("Émile", True), ("Война", True)]
)
def test_a_language_is_sure_by_script_letters_or_little_words(printed, sure):
    assert is_sure(printed) is sure


def test_a_title_is_english_if_more_than_two_thirds_of_its_words_are():
    assert [tongue_of(title) for title in ("Dog Cat Xqzk", "Dog Cat Mouse Xqzk")] == ["", "en"]
