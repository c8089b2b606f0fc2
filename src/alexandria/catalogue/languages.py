"""Reads languages. Sources write "eng", "Eng English", "/languages/eng", "pt-BR" or "English"; the result is ISO 639-1."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum import isbn as stdnum_isbn

# Two letters, three letters (with the bibliographic form where it differs), English name.
TABLE = """
aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic; an arg Aragonese;
ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara; az aze Azerbaijani; ba bak Bashkir; be bel Belarusian;
bg bul Bulgarian; bh bih Bihari; bi bis Bislama; bm bam Bambara; bn ben Bengali; bo bod/tib Tibetan;
br bre Breton; bs bos Bosnian; ca cat Catalan; ce che Chechen; ch cha Chamorro; co cos Corsican; cr cre Cree;
cs ces/cze Czech; cu chu Church Slavic; cv chv Chuvash; cy cym/wel Welsh; da dan Danish; de deu/ger German;
dv div Divehi; dz dzo Dzongkha; ee ewe Ewe; el ell/gre Greek; en eng English; eo epo Esperanto; es spa Spanish;
et est Estonian; eu eus/baq Basque; fa fas/per Persian; ff ful Fulah; fi fin Finnish; fj fij Fijian; fo fao Faroese;
fr fra/fre French; fy fry Frisian; ga gle Irish; gd gla Gaelic; gl glg Galician; gn grn Guarani;
gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew; hi hin Hindi; ho hmo Hiri Motu; hr hrv Croatian;
ht hat Haitian; hu hun Hungarian; hy hye/arm Armenian; hz her Herero; ia ina Interlingua; id ind Indonesian;
ie ile Interlingue; ig ibo Igbo; ii iii Sichuan Yi; ik ipk Inupiaq; io ido Ido; is isl/ice Icelandic; it ita Italian;
iu iku Inuktitut; ja jpn Japanese; jv jav Javanese; ka kat/geo Georgian; kg kon Kongo; ki kik Kikuyu;
kj kua Kuanyama; kk kaz Kazakh; kl kal Kalaallisut; km khm Khmer; kn kan Kannada; ko kor Korean;
kr kau Kanuri; ks kas Kashmiri; ku kur Kurdish; kv kom Komi; kw cor Cornish; ky kir Kirghiz; la lat Latin;
lb ltz Luxembourgish; lg lug Ganda; li lim Limburgan; ln lin Lingala; lo lao Lao; lt lit Lithuanian;
lu lub Luba-Katanga; lv lav Latvian; mg mlg Malagasy; mh mah Marshallese; mi mri/mao Maori; mk mkd/mac Macedonian;
ml mal Malayalam; mn mon Mongolian; mr mar Marathi; ms msa/may Malay; mt mlt Maltese; my mya/bur Burmese;
na nau Nauru; nb nob Bokmål; nd nde Ndebele; ne nep Nepali; ng ndo Ndonga; nl nld/dut Dutch;
nn nno Norwegian Nynorsk; no nor Norwegian; nr nbl Ndebele; nv nav Navajo; ny nya Chichewa; oc oci Occitan;
oj oji Ojibwa; om orm Oromo; or ori Oriya; os oss Ossetian; pa pan Panjabi; pi pli Pali; pl pol Polish;
ps pus Pushto; pt por Portuguese; qu que Quechua; rm roh Romansh; rn run Rundi; ro ron/rum Romanian; ru rus Russian;
rw kin Kinyarwanda; sa san Sanskrit; sc srd Sardinian; sd snd Sindhi; se sme Northern Sami; sg sag Sango;
si sin Sinhala; sk slk/slo Slovak; sl slv Slovenian; sm smo Samoan; sn sna Shona; so som Somali; sq sqi/alb Albanian;
sr srp Serbian; ss ssw Swati; st sot Sotho; su sun Sundanese; sv swe Swedish; sw swa Swahili; ta tam Tamil;
te tel Telugu; tg tgk Tajik; th tha Thai; ti tir Tigrinya; tk tuk Turkmen; tl tgl Tagalog; tn tsn Tswana;
to ton Tonga; tr tur Turkish; ts tso Tsonga; tt tat Tatar; tw twi Twi; ty tah Tahitian; ug uig Uighur;
uk ukr Ukrainian; ur urd Urdu; uz uzb Uzbek; ve ven Venda; vi vie Vietnamese; vo vol Volapük; wa wln Walloon;
wo wol Wolof; xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; za zha Zhuang; zh zho/chi Chinese; zu zul Zulu
"""
OTHER_NAMES = {"farsi": "fa", "castilian": "es", "flemish": "nl", "mandarin": "zh", "cmn": "zh", "filipino": "tl",
               "bokmal": "nb", "volapuk": "vo", "punjabi": "pa", "pashto": "ps", "slovene": "sl", "scc": "sr", "scr": "hr",
               "iw": "he"}  # fmt: skip


_EDITION = re.compile(r"\b(\w+)(?:[ -]language)? (?:edition|version|translation)\b|[(\[]in (\w+)[)\]]|[(\[](\w+)[)\]]$")
# The same in other languages, as folded.
NATIVE_EDITIONS = {
    "deutsche ausgabe": "de", "deutschsprachige ausgabe": "de", "auf deutsch": "de", "edition francaise": "fr",
    "version francaise": "fr", "en francais": "fr", "edicion en espanol": "es", "edicion espanola": "es", "en espanol": "es",
    "version espanola": "es", "edizione italiana": "it", "in italiano": "it", "edicao portuguesa": "pt", "em portugues": "pt",
    "edicao brasileira": "pt", "nederlandse editie": "nl", "turkce": "tr", "wydanie polskie": "pl", "svensk utgava": "sv",
    "dansk udgave": "da", "norsk utgave": "no", "на русском": "ru", "издание на русском": "ru",
}  # fmt: skip
# Registration groups of ISBNs, after the prefix, whose agencies give numbers to books in one language. Those of 0, 1, 979-8,
# and of countries with several languages, prove none.
ISBN_GROUPS = """
978 fr 2; 978 de 3; 978 ja 4; 978 ru 5; 978 fa 600 622 964; 978 kk 601; 978 id 602 623 979; 978 ar 603 614 977 9953 9957 9933;
978 vi 604; 978 tr 605 625 975 9944; 978 ro 606 630 973; 978 es 607 612 628 631 84 950 956 958 968 970 980 987 9972;
978 mk 608 9989; 978 lt 609 9955 9986; 978 th 611 616 974; 978 hu 615 963; 978 uk 617 966; 978 el 618 960; 978 bg 619 954;
978 zh 626 7 957 986; 978 pt 65 85 972 989; 978 cs 80; 978 no 82; 978 pl 83; 978 sr 86; 978 da 87; 978 it 88; 978 ko 89;
978 nl 90 94; 978 sv 91; 978 fi 951 952; 978 hr 953; 978 sl 961; 978 he 965; 978 is 9979 9935; 978 lv 9984; 978 et 9985 9949;
979 fr 10; 979 ko 11; 979 it 12; 979 es 13
"""


def _codes() -> dict[str, str]:
    known = dict(OTHER_NAMES)
    for line in TABLE.replace("\n", " ").split(";"):
        short, long, name = line.strip().split(" ", 2)
        known.setdefault(name.lower(), short)
        known.update(dict.fromkeys([short, *long.split("/")], short))
    return known


def _names() -> dict[str, str]:
    """The English names of one word, and the other names; of two languages with one name the first."""
    listed = [line.strip().split(" ", 2) for line in reversed(TABLE.replace("\n", " ").split(";"))]
    known = {name.lower(): short for short, _, name in listed if " " not in name}
    return known | {name: short for name, short in OTHER_NAMES.items() if len(name) > 3}


def _groups() -> dict[tuple[str, str], str]:
    known = {}
    for line in ISBN_GROUPS.replace("\n", " ").split(";"):
        prefix, code, *groups = line.split()
        known.update({(prefix, group): code for group in groups})
    return known


GROUPS = _groups()
CODES = _codes()
NAMES = _names()
ENGLISH_NAMES = {line.split()[0]: line.strip().split(" ", 2)[2] for line in TABLE.replace("\n", " ").split(";")}
LIBRARY_CODES = {line.split()[0]: line.split()[1].split("/")[-1] for line in TABLE.split(";")}


def language(printed: object) -> str:
    """Two lower-case letters, or "" when the source is silent or unclear. A list is read by its first entry."""
    if isinstance(printed, list):
        printed = printed[0] if printed else None
    if isinstance(printed, dict):
        printed = printed.get("key")
    if not isinstance(printed, str):
        return ""
    known = CODES.get(printed)
    if known is not None:
        return known
    text = printed.rsplit("/", 1)[-1].strip().lower()
    first = re.split(r"[^\w]|_", text, maxsplit=1)[0]
    return CODES.get(text) or CODES.get(first, "")


def of_edition(folded: str) -> str:
    """Return the language that a folded title calls its edition's, as in "(Turkish Edition)", or "".

    Only names of languages count there: "no edition" and "it edition" are no Norwegian and no Italian.
    """
    for found in _EDITION.findall(folded):
        for name in found:
            if name in NAMES:
                return NAMES[name]
    return next((code for phrase, code in NATIVE_EDITIONS.items() if phrase in folded), "") if "(" in folded else ""


@lru_cache(1 << 14)
def of_isbn(isbn13: str | None) -> str:
    """Return the language of the agency that gave an ISBN, or "" if it proves none."""
    if not isbn13:
        return ""
    prefix, group, *_ = stdnum_isbn.split(isbn13)
    return GROUPS.get((prefix, group), "")


def three_letters(code: str) -> str:
    """The code that libraries write for one of two letters, the bibliographic one where there are two; "" if unknown."""
    return LIBRARY_CODES.get(code, "")
