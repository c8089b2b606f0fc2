"""Finds what a record is instead of the plain book: a guide, an adaptation, a box set, a part; and its format.

A kind is evidence if only one of two records shows it. What is shared by both, or belongs to the title of the book
itself, is none: "The Golden Notebook", "Capital: A Critical Analysis of Capitalist Production".
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from alexandria.catalogue.matching.folding import CACHE_SIZE, MAX_TEXT_LENGTH, fold

GUIDE, COMPANION, BOX_SET = "a study guide or summary", "a companion", "a box set or omnibus"
TEACHERS = "a book for teachers"
BLANK_BOOK, COMIC, ADAPTATION = "a colouring, activity or blank book", "a graphic novel", "an adaptation"
HALF, EXCERPT = "a part of a divided book", "an excerpt"

# English, then other languages as folded; \b where a word of the title itself could begin or end so.
_KINDS = {
    GUIDE: r"study guide|summary (?:of|and)|summaries|\bsummary\b[^:]{0,300}$|spark ?notes|cliffs? ?notes|york notes|"
    r"instaread|supersummary|bookrags|lit ?charts|key takeaways|conversation starters|discussion (?:questions|guide)|"
    r"(?:reading|reader'?s'?|teachers?'?s?|teaching|literature|study|book ?club) (?:group )?guide|lesson plans?|"
    r"novel (?:study|units?)|trivia|quiz|workbook|critical interpretations|bloom's|^analysis (?:of|and)|summary$|"
    r"(?:summary|review|notes) (?:and|&) analysis|[:(\[] ?(?:an? )?(?:\w+ )?analysis(?: of (?:the )?(?:book|novel))?[)\]]?$|"
    r"\bpocket guide\b|book ?club kit|book ?club[- ]in[- ]a[- ]box|maxnotes|gradesaver|blinkist|12 ?minute summary|"
    r"fiches? de lecture|analyses? (?:de l'oeuvre|du livre|litteraire)|^analyse ?:|profil d'une oeuvre|commentaire de texte|"
    r"resume (?:complet|detaille|et analyse)|etude de l'oeuvre|"
    r"guia de (?:lectura|estudio|leitura|estudo)|guida (?:alla lettura|di lettura|allo studio)|resumen (?:y|completo|de)\b|"
    r"analisis (?:de la obra|literario|del libro)|^comentario (?:de|a|sobre)\b|"
    r"analise da obra|resumo (?:e|da|do|de)\b|riassunto|analisi (?:del libro|dell'opera)|"
    r"lekturehilfe|lektureschlussel|konigs erlauterungen|erlauterungen (?:und|zu)|interpretationshilfe|textanalyse|"
    r"zusammenfassung|unterrichtshilfe|inhaltsangabe|"
    r"samenvatting|streszczenie|opracowanie\b|\bozeti?\b|uzerine inceleme(?:ler)?|incelemesi\b|"
    r"путеводитель по|краткое содержание|анализ (?:произведения|романа)|учебное пособие|"
    r"[:(\[] ?(?:resumo|resumen|resume|ozet|요약|줄거리)[)\]]?$|"
    r"دليل القراءة|ملخص|دراسة تحليلية|导读|導讀|読解|読書ガイド|解説書|해설서",
    COMPANION: r"companion(?: to\b|$)|unofficial|unauthori[sz]ed|(?:^|: )(?:the )?making of|\band philosophy\b|"
    r"^a (?:guide|handbook) to|visual dictionary|behind the scenes|(?:illustrated|official|movie|visual) companion|"
    r"\bculinary companion|\bofficial (?:guide|handbook|cookbook)|compagnon officiel|guia oficial|begleitbuch",
    BOX_SET: r"\s/\s|^[^:(]*;[^:;(]*;|box(?:ed)? ?set|slip ?case|omnibus|compendium|collection set\b|"
    r"books? (?:collection |box )?(?:set|bundle)\b|book collection\b|books box\b|\bbundle\b|complete (?:series|trilogy|saga)|"
    r"(?:trilogy|series|saga) set\b|(?:books|novels) in (?:1|one)\b|\bcoffret\b|\bintegrale\b|\bestuche\b|\bcofanetto\b|"
    r"\bsammelband\b|\bschuber\b|gesamtausgabe",
    BLANK_BOOK: r"colou?ring book|activity book|sticker book|calendar\b|\bplanner\b|"
    r"\bdeluxe journal|guided journal|\bnotebook$|puzzle book|word search|postcards?\b|paper dolls|pop-up|"
    r"malbuch|livre de coloriage|libro para colorear|\bkalender 20\d\d|\bnotizbuch$",
    COMIC: r"graphic (?:novel|history|adaptation|edition|biography|retelling)|\bmanga\b|\bcomic adaptation|bande dessinee|roman graphique|novela grafica|romanzo a fumetti|"
    r"graphic-novel|\bfumetto\b|cizgi roman|графический роман|комикс|комиксы|\bkomiks\b|stripverhaal|beeldverhaal|tegneserie|"
    r"serieroman|quadrinhos|(?:^|\s)(?:漫画|漫畫|マンガ|まんが|コミック)(?:\s|$)|漫画版|コミック版|マンガ版|漫畫版|만화|[(\[][^()\[\]]{0,20}(?:まんが|マンガ|漫画|コミック)",
    ADAPTATION: r"\babridged|\badapted\b|young (?:readers?|adults?|people)'?s? (?:edition|version|adaptation)|"
    r"for young (?:readers|adults|people)|(?:children|kid)'?s'? (?:edition|version|adaptation)|[(\[]for (?:kids|children|teens)[)\]]|"
    r"[:(\[] ?(?:(?:retold|adapted|simplified)\b|(?:das )?drehbuch\b|(?:\w+ )?adapta(?:cion|cao)|adaptad[oa]|"
    r"sceneggiatura|ridotto|adattamento|roteiro|senaryo|uyarlama|(?:кино)?сценарий|(?:نسخة )?مختصرة?\b)|dramati[sz](?:ed\b|ation)|"
    r"screenplay|stage play|shooting script|(?:film|movie|original|radio|tv|rehearsal) ?script\b|"
    r"[(\[][^()\[\]]{0,40}\b(?:tv|television) (?:tie-in )?series[)\]]|radio (?:play|drama)|"
    r"the (?:play|musical)$|junior novel|no fear shakespeare|great illustrated classics|classic starts|"
    r"(?:penguin|oxford|macmillan|cambridge|longman|pearson|collins) (?:active |classics? |english )?readers?\b|oxford bookworms|"
    r"graded reader|easy reader|\b(?:readers?|reading) level \d|"
    r"\bhorspiel|gekurzt|leicht gemacht|in einfacher sprache|fur kinder (?:erzahlt|bearbeitet)|filmdrehbuch|"
    r"[:(\[,] ?(?:texte )?abrege\b|version abregee|adapte (?:pour|par)|adaptation (?:theatrale|cinematographique)|raconte aux enfants|"
    r"version abreviada|guion (?:cinematografico|de)|contad[oa] a los ninos|lectura facil|"
    r"adattamento (?:di|da|per|teatrale)|versao (?:reduzida|adaptada)|"
    r"(?:edition|version) (?:abregee|(?:pour la )?jeunesse)|(?:edicion|version|edicao|versao) (?:infantil|juvenil|abreviada)|"
    r"(?:edizione|versione) (?:ridotta|per (?:ragazzi|bambini))|leichter sprache|kinderausgabe|verkorte|wersja skrocona|"
    r"dla dzieci\b|lattlast|letlaest|lettlest|selkokirja|selkomukaut|forkorta[dt]|forkortet|lyhennetty|kisaltilmis|kolay okuma|"
    r"cocuklar icin|сокращенн|少儿版|少兒版|青少年?版|缩写版|縮寫版|绘本版|繪本版|拼音版|児童版|ジュニア版|絵本版|こども版|"
    r"어린이판|어린이용|청소년판|축약|מקוצר|"
    r"hoorspel|bewerkt voor|sluchowisko|адаптаци|в пересказе|для детей|"
    r"تلخيص|سيناريو|للأطفال|改编|改編|儿童版|兒童版|子ども版|シナリオ|脚本",
    TEACHERS: r"teacher'?s'? (?:book|edition|manual|resource)|instructor'?s'? manual|answer key|lehrerband|lehrerhandbuch|"
    r"libro del profesor|livre du professeur|guide du professeur|guida per l'insegnante",
    HALF: r"\bpart \w+ of (?:\d|two|three|four)\b|[(\[,:] ?chapters? \d+(?: ?(?:-|to) ?\d+)?\b",
    EXCERPT: r"\bexcerpt|\bsampler\b|sneak peek|free preview|\bpreview\b|\bleseprobe\b|\bextrait\b|\bextracto\b",
}  # fmt: skip
# "(with Reading Group Guide)", "(Includes Reader's Guide)": printed behind the whole book.
_INCLUDED = re.compile(
    r"(?:[(\[:,-]\s*|(?<!\s)\s+)?\b(?:with|includes?|including|plus|featuring|mit|avec|con)\b (?:(?:an?|the|its|new|bonus) )?"
    r"[\w' ]{0,40}(?:guide|questions|excerpt|preview|material|chapter)s?\b[^()\[\]]{0,60}[)\]]?"
)
# The genre of the book itself, not a version of another: "Smile: A Graphic Novel".
_GENRE = re.compile(r"(?:^|[:(,-]) ?an? (?:[\w'-]+ ){0,2}graphic (?:novel|memoir)\b")
_WORD = re.compile(r"\w+")


@lru_cache(CACHE_SIZE)
def kinds_of(folded: str) -> frozenset[str]:
    """What the book is instead of the plain book: "a study guide or summary", "a box set or omnibus"..."""
    return frozenset(_signs(folded[:MAX_TEXT_LENGTH]))


def one_sided(one: str, other: str) -> list[str]:
    """Return the kinds that one of two folded titles shows, and the other neither shows nor has the words of."""
    one, other = one[:MAX_TEXT_LENGTH], other[:MAX_TEXT_LENGTH]
    mine, yours = _signs(one), _signs(other)
    if not mine and not yours:
        return []
    found = [
        kind
        for kind in mine.keys() ^ yours.keys()
        if _telling(mine.get(kind) or yours[kind], other if kind in mine else one)
    ]
    return sorted(found)


def is_comic(one: str, other: str) -> bool:
    """Return whether one of two folded titles, and not the other, calls the book itself a graphic novel."""
    return bool(_GENRE.search(one[:MAX_TEXT_LENGTH])) != bool(_GENRE.search(other[:MAX_TEXT_LENGTH]))


@lru_cache(CACHE_SIZE)
def _signs(folded: str) -> dict[str, str]:
    """Each kind and the words that show it."""
    text = _GENRE.sub("", _INCLUDED.sub("", folded))
    return {kind: sign[0] for kind, pattern in _patterns().items() if (sign := pattern.search(text))}


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """Made at the first title: the API and most commands import this module and read none, and it takes long."""
    return {kind: re.compile(fold(pattern)) for kind, pattern in _KINDS.items()}


def _telling(sign: str, other: str) -> bool:
    """Return whether the words of a sign are not all in the other's title. Marks have no words."""
    words = set(_WORD.findall(sign)) - {"a", "an", "the"}
    return not words or not words <= set(_WORD.findall(other))


# Formats

AUDIO, LARGE_PRINT, EBOOK = "audio", "large print", "e-book"
_FORMATS = {
    AUDIO: re.compile(
        r"audio|\bunabridged|cassette|\bcds?\b|\bmp3|audible|spoken word|full[- ]cast|h[öo]rbuch|lydbog|lydbok|ljudbok|"
        r"luisterboek|äänikirja|аудиокнига",
        re.IGNORECASE,
    ),
    LARGE_PRINT: re.compile(
        r"large[- ]print|large type|gro(?:ß|ss)druck|gros caract[eè]res|letra grande", re.IGNORECASE
    ),
    EBOOK: re.compile(r"kindle|e-?book|\bepub|digital", re.IGNORECASE),
}
# Publishers that print nothing else.
_PUBLISHERS = {
    AUDIO: re.compile(
        r"\b(?:recorded books|books on tape|books in motion|blackstone(?: publishing)? audio|brilliance corporation|tantor|"
        r"naxos|listening library|highbridge|dreamscape media|chivers sound|sound library|whole story|oakhill|soundings|"
        r"argon verlag|der h[öo]rverlag|steinbach sprechende|audiolib|storyside|audiobuch)\b",
        re.IGNORECASE,
    ),
    LARGE_PRINT: re.compile(
        r"\b(?:thorndike|center point|ulverscroft|wheeler (?:publishing|pub)|kennebec|f\.? ?a\.? thorpe|magna (?:large|print|books)|"
        r"charnwood|linford|harperluxe|isis large|chivers (?:large|press)|g\.? ?k\.? hall|walker large|severn house large)\b",
        re.IGNORECASE,
    ),
}


def formats_of(text: str) -> frozenset[str]:
    """Formats that `text` (a title, binding or publisher) names: audio, large print, e-book."""
    text = text[:MAX_TEXT_LENGTH]
    return frozenset(name for name, pattern in _FORMATS.items() if pattern.search(text))


@lru_cache(CACHE_SIZE)
def formats_of_publisher(publisher: str) -> frozenset[str]:
    """Formats of which a publisher makes nothing else: Thorndike prints large print only."""
    publisher = publisher[:MAX_TEXT_LENGTH]
    return frozenset(name for name, pattern in _PUBLISHERS.items() if pattern.search(publisher))
