"""The rules by which the words of a title are compared: folding, slips of the pen, numbers and articles."""

import pytest
from spellchecker import SpellChecker

from alexandria.catalogue.matching import vocabulary
from alexandria.catalogue.matching.folding import MAX_GROWTH, MAX_TEXT_LENGTH, fold, repaired
from alexandria.catalogue.matching.titles import slip, words_of

FOLDED = {
    "capitals": ("The STAND", "the stand"),
    "spaces": ("  The \t Stand\n", "the stand"),
    "accents": ("Cien Años de Soledád", "cien anos de soledad"),
    "a letter and its accent apart": ("Cafe\u0301", "cafe"),
    "letters with a stroke or ligature": ("Øłđðþæœıßħ", "olddthaeoeissh"),
    "typographic apostrophes": ("’‘`ʼ", "''''"),
    "a blessing behind a name": ("Muhammad ﷺ", "muhammad"),
    "typographic quotation marks": ("“It”", '"it"'),
    "dashes of all lengths": ("–—‒‑‐", "-----"),
    "full-width punctuation": ("：（）【】。．", ":()[].."),
    "full-width letters": ("ＡＢＣ", "abc"),
    "capitals that are two letters": ("STRASSE", "strasse"),
    "Hebrew points": ("שָׁלוֹם", "שלום"),
    "Arabic vowel signs": ("كِتَاب", "كتاب"),
    "vowel signs that are letters stay": ("गोदान", "गोदान"),
    "Japanese voicing marks stay": ("ガラス", "ガラス"),
}  # fmt: skip


MISREAD = {
    "read as Windows-1252": ("Les MisÃ©rables", "Les Misérables"),
    "read as Latin-1": ("Ã\x89mile", "Émile"),
    "typographic marks": ("Ender\u00e2\u20ac\u2122s Game", "Ender’s Game"),
    "nothing misread": ("Ägypten", "Ägypten"),
    "plain letters": ("Emma", "Emma"),
    "a letter that looks misread": ("Ã© и", "Ã© и"),
}


@pytest.mark.parametrize("rule", MISREAD)
def test_utf_8_that_was_misread_is_repaired(rule):
    """And nothing else is touched; a text that cannot have been UTF-8 stays."""
    printed, meant = MISREAD[rule]
    assert repaired(printed) == meant


@pytest.mark.parametrize("rule", FOLDED)
def test_spelling_is_folded_away(rule):
    """Text that is folded already stays as it is."""
    printed, plain = FOLDED[rule]
    assert fold(printed) == plain
    assert fold(plain) == plain


@pytest.mark.parametrize("letter", ["ﷺ", "㌖", "㍿", "½", "ᾷ", "한", "ẫ", "㌖\u0301"])
def test_signs_of_whole_words_make_a_text_little_longer(letter):
    """And letters of many marks lose none of them, or all, as in any text."""
    for count in (1, 300, MAX_TEXT_LENGTH):
        folded = fold(letter * count)
        assert len(folded) <= min(count * len(letter) + MAX_GROWTH, MAX_TEXT_LENGTH)
        assert fold(folded) == folded
    assert fold("한" * 300) == "한" * 300
    assert fold("ẫ" * 300) == "a" * 300


SLIPS = {
    "a letter too many": ("huntress", "hunttress", True),
    "a letter too few": ("huntress", "hntress", True),
    "a wrong letter": ("huntress", "hantress", True),
    "two letters swapped": ("river", "rievr", True),
    "the same word": ("river", "river", False),
    "two slips": ("river", "rvar", False),
    "lengths two apart": ("river", "riverra", False),
    "three letters are enough": ("the", "teh", True),
    "two letters are too few": ("an", "and", False),
    "number words of one letter's difference": ("seven", "sevens", True),
    "two numbers as words": ("nine", "fine", True),
    "two numbers, one letter apart": ("sixteen", "sixten", True),
    "two number words": ("six", "sixt", True),
    "two Roman numerals": ("xiii", "xii", False),
    "two ordinals": ("fourth", "forth", True),
    "digits": ("1984", "1985", False),
    "a digit in a word": ("b52s", "b53s", False),
    "a digit against its misspelt word": ("8", "eigth", True),
    "an ordinal in digits against its misspelt word": ("5th", "fith", True),
    "a number against another": ("6", "7", False),
    "Greek letters": ("λόγος", "λόγοσ", True),
    "Chinese characters": ("平凡的世界", "平凡的世间", False),
    "Hebrew letters": ("שלום", "שלומ", False),
    "one word Latin, one Hebrew": ("abcd", "שלומ", False),
}  # fmt: skip


@pytest.mark.parametrize("rule", SLIPS)
def test_one_slip_of_the_pen(rule):
    """Either way round."""
    one, other, expected = SLIPS[rule]
    assert (slip(one, other), slip(other, one)) == (expected, expected)


WORDS = {
    "apostrophes close up": ("ender's game", "enders game"),
    "an ampersand is and": ("war & peace", "war and peace"),
    "a plus is and": ("eleanor + park", "eleanor and park"),
    "punctuation separates": ("click, clack, moo", "click clack moo"),
    "initials close up": ("the f.b.i. story", "fbi story"),
    "initials with spaces close up": ("j. r. tolkien", "jr tolkien"),
    "an initial alone": ("george w. bush", "george w bush"),
    "no. before a number": ("no. 5", "# 5"),
    "nos. before numbers": ("nos. 5", "# 5"),
    "nr. before a number": ("nr. 5", "# 5"),
    "the sign for number": ("№ 5", "# 5"),
    "no without a number": ("no. thank you", "no thank you"),
    "thousands with a comma": ("20,000 leagues", "20000 leagues"),
    "thousands with a full stop": ("20.000 leagues", "20000 leagues"),
    "a comma between other numbers": ("1,2 and 20,0000", "1 2 and 20 0000"),
    "a range of numbers": ("books 1-3", "books 1to3"),
    "a range with spaces": ("books 1 - 3", "books 1to3"),
    "years are no range": ("1939-1945", "1939 1945"),
    "a number of days is no range": ("2-21 day plan", "2 21 day plan"),
    "a number of weeks is no range": ("2-21 week plan", "2 21 week plan"),
    "a number of minutes is no range": ("2-21 minute plan", "2 21 minute plan"),
    "a number of steps is no range": ("2-21 step plan", "2 21 step plan"),
    "doctor, mister, saint, versus, mount, und": ("at doctor mister saint versus mount und", "at dr mr st vs mt and"),
    "a leading article goes": ("the whistler", "whistler"),
    "only the first article goes": ("the the whistler", "the whistler"),
    "an article alone stays": ("the", "the"),
    "an article inside stays": ("of the whistler", "of the whistler"),
    # numbers
    "units": ("zero and seven and nineteen", "0 and 7 and 19"),
    "tens": ("twenty of ninety", "20 of 90"),
    "tens and units": ("twenty one", "21"),
    "tens and one": ("at sixty one", "at 61"),
    "tens and nine": ("at sixty nine", "at 69"),
    "tens and zero are two numbers": ("at sixty zero", "at 60 0"),
    "tens and ten are two numbers": ("at sixty ten", "at 60 10"),
    "tens at the end": ("at sixty", "at 60"),
    "hundreds": ("two hundred", "200"),
    "hundreds and units": ("two hundred and six", "206"),
    "hundreds and tens without and": ("two hundred sixty", "260"),
    "hundreds and no number": ("two hundred and more", "200 and more"),
    "thousands": ("two thousand and one", "2001"),
    "a hundred without a number": ("a hundred years", "hundred years"),
    "digits and hundred": ("20 thousand leagues", "20000 leagues"),
    "a spoken year": ("nineteen eighty four", "1984"),
    "a spoken year before twenty": ("ten sixty six", "1066"),
    "a spoken year after twenty": ("twenty thirty", "2030"),
    "nine and tens are two numbers": ("nine sixty", "9 60"),
    "twenty one and tens are two numbers": ("twenty one sixty", "21 60"),
    "five digits are no number to count with": ("12345 hundred", "12345 hundred"),
    "four digits are": ("1234 hundred", "123400"),
    "digits of another script": ("٣ sixty", "٣ 60"),
    "ordinals": ("the seventh heaven", "7th heaven"),
    "first, second, third and fourth": ("at first second third fourth", "at 1st 2nd 3rd 4th"),
    "twelfth and twentieth": ("at twelfth twentieth", "at 12th 20th"),
    "Roman numerals": ("henry viii ii", "henry 8 2"),
    "Roman numerals up to twenty": ("louis xx xix xiv", "louis 20 19 14"),
    "single Roman numerals at the end": ("malcolm x", "malcolm 10"),
    "a single one at the end": ("henry i", "henry 1"),
    "a single five at the end": ("henry v", "henry 5"),
    "single Roman letters elsewhere": ("i and v for x men", "i and v for x men"),
    "a single Roman letter alone": ("v", "v"),
    "a spoken year at the very end": ("love nineteen", "love 19"),
}  # fmt: skip


@pytest.mark.parametrize("rule", WORDS)
def test_words_of_folded_text(rule):
    text, words = WORDS[rule]
    assert words_of(text) == words.split()


NUMBERS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]  # fmt: skip
ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
]  # fmt: skip
ROMANS = [
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xvii", "xviii",
    "xix", "xx",
]  # fmt: skip
TENS = ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def test_every_number_word_is_its_number():
    read_as = {word: words_of(f"at {word}")[1] for word in (*NUMBERS, *TENS, *ORDINALS, *ROMANS)}
    assert [read_as[word] for word in NUMBERS] == [str(number) for number in range(21)]
    assert [read_as[word] for word in TENS] == [str(number) for number in range(10, 100, 10)]
    assert [read_as[word][:-2] for word in ORDINALS] == [str(number) for number in range(1, 21)]
    assert [read_as[word] for word in ROMANS] == [str(number) for number in range(1, 21)]


def test_leading_articles_of_seven_languages_go():
    """Except those that begin English titles as words of their own."""
    articles = [
        "a", "an", "the", "le", "les", "un", "une", "el", "il", "gli", "der", "das", "ein", "eine", "um", "uma", "de", "het", "een",
    ]  # fmt: skip
    assert [article for article in articles if words_of(f"{article} whistler") != ["whistler"]] == []
    assert words_of("la la land") == ["la", "la", "land"]
    kept = ["die", "o", "os", "los", "las", "lo", "la"]
    assert [word for word in kept if words_of(f"{word} whistler") != [word, "whistler"]] == []


def test_the_dictionary_is_that_of_its_library():
    """It is read without the library's checker, which has it in another form."""
    assert vocabulary._counted() == dict(SpellChecker(language="en").word_frequency.items())
