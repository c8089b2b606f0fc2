"""Lists pen names beside the names behind them, as facts that a name alone cannot tell."""

from __future__ import annotations

from functools import lru_cache

from alexandria.catalogue.matching.folding import fold

# Names of one person, or of the persons who write under one name together. Where a name is used by several, it stands
# in several lines; names that differ by an initial alone are compared as names.
_PEN_NAMES = """
Robert Galbraith; J. K. Rowling; Joanne Rowling; Kennilworthy Whisp; Newt Scamander
Richard Bachman; Stephen King; John Swithen
Mark Twain; Samuel Clemens; Samuel Langhorne Clemens
George Orwell; Eric Blair; Eric Arthur Blair
George Eliot; Mary Ann Evans; Marian Evans
Lewis Carroll; Charles Dodgson; Charles Lutwidge Dodgson
Currer Bell; Charlotte Brontë
Ellis Bell; Emily Brontë
Acton Bell; Anne Brontë
J. D. Robb; Nora Roberts; Jill March
Barbara Vine; Ruth Rendell
Benjamin Black; John Banville
Mary Westmacott; Agatha Christie
Claire Morgan; Patricia Highsmith
James S. A. Corey; Daniel Abraham
James S. A. Corey; Ty Franck
M. L. N. Hanover; Daniel Abraham
Lemony Snicket; Daniel Handler
Dr. Seuss; Theodor Geisel; Theodor Seuss Geisel; Theo LeSieg
John le Carré; David Cornwell
Ed McBain; Evan Hunter; Salvatore Lombino
Isak Dinesen; Karen Blixen; Tania Blixen
Stendhal; Henri Beyle; Marie-Henri Beyle
Voltaire; François-Marie Arouet
Molière; Jean-Baptiste Poquelin
George Sand; Aurore Dupin; Amantine Dupin
Anatole France; Anatole Thibault
Émile Ajar; Romain Gary; Roman Kacew
Marguerite Yourcenar; Marguerite de Crayencour
Saki; H. H. Munro; Hector Hugh Munro
O. Henry; William Sydney Porter
A. N. Roquelaure; Anne Rampling; Anne Rice
Madeleine Wickham; Sophie Kinsella
Jean Plaidy; Victoria Holt; Philippa Carr; Eleanor Hibbert
John Lange; Jeffery Hudson; Michael Crichton
Edgar Box; Gore Vidal
Nicholas Blake; Cecil Day-Lewis; C. Day Lewis
Ellery Queen; Frederic Dannay
Ellery Queen; Manfred Lee
Jane Somers; Doris Lessing
Rosamond Smith; Lauren Kelly; Joyce Carol Oates
Richard Stark; Tucker Coe; Donald Westlake
Robin Hobb; Megan Lindholm
Mira Grant; Seanan McGuire; A. Deborah Baker
Amanda Quick; Jayne Castle; Jayne Ann Krentz
K. J. Parker; Tom Holt
T. Kingfisher; Ursula Vernon
Leigh Nichols; Brian Coffey; Owen West; Dean Koontz
Boz; Charles Dickens
Geoffrey Crayon; Diedrich Knickerbocker; Washington Irving
Sapphire; Ramona Lofton
Ayn Rand; Alisa Rosenbaum
Joseph Conrad; Józef Korzeniowski
Maxim Gorky; Alexei Peshkov
Boris Akunin; Grigory Chkhartishvili
Anna Akhmatova; Anna Gorenko
Pablo Neruda; Ricardo Reyes; Neftalí Reyes
Gabriela Mistral; Lucila Godoy
Alberto Caeiro; Ricardo Reis; Álvaro de Campos; Bernardo Soares; Fernando Pessoa
Italo Svevo; Ettore Schmitz; Aron Hector Schmitz
Novalis; Friedrich von Hardenberg; Georg von Hardenberg
Jean Paul; Johann Paul Friedrich Richter
Kurt Tucholsky; Peter Panter; Theobald Tiger
Multatuli; Eduard Douwes Dekker
Hergé; Georges Remi
Carmen Mola; Agustín Martínez
Carmen Mola; Jorge Díaz
Carmen Mola; Antonio Mercero
Lars Kepler; Alexander Ahndoril
Lars Kepler; Alexandra Coelho Ahndoril
Erin Hunter; Victoria Holmes
Erin Hunter; Kate Cary
Erin Hunter; Cherith Baldry
Franklin W. Dixon; Leslie McFarlane
Carolyn Keene; Mildred Benson
Mo Yan; Guan Moye; 莫言; 管谟业
Lu Xun; Zhou Shuren; 鲁迅; 周树人
Lao She; Shu Qingchun; 老舍
Ba Jin; Li Yaotang; 巴金
Jin Yong; Louis Cha; 金庸
Natsume Soseki; Natsume Kinnosuke; 夏目漱石
Osamu Dazai; Shuji Tsushima; 太宰治
Yukio Mishima; Kimitake Hiraoka; 三島由紀夫
Banana Yoshimoto; Mahoko Yoshimoto; 吉本ばなな
Adunis; Adonis; Ali Ahmad Said Esber
Kahlil Gibran; Khalil Gibran; جبران خليل جبران
"""


def known_names(name: str) -> frozenset[str]:
    """Return the other names, folded and without marks, of the person who writes under a name; empty if none is known."""
    return _known().get(_plain(name), frozenset())


def is_pen_name(one: str, other: str) -> bool:
    """Return whether a list of names has both."""
    return _plain(other) in known_names(one)


@lru_cache(1)
def _known() -> dict[str, frozenset[str]]:
    known: dict[str, frozenset[str]] = {}
    for line in _PEN_NAMES.strip().splitlines():
        names = frozenset(map(_plain, line.split(";")))
        for name in names:
            known[name] = known.get(name, frozenset()) | names - {name}
    return known


def _plain(name: str) -> str:
    plain = fold(name)
    return plain if plain.isalnum() else "".join(filter(str.isalnum, plain))
