"""The documentation site that `make docs` builds: complete, searchable, without dead links, and without other hosts."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}

pytestmark = pytest.mark.long


class Page(HTMLParser):
    """The links, the anchors and the loaded files of a page of the site."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif tag == "a" and name == "href" and value:
                self.links.append(value)
            elif (tag, name) in LOADING and value:
                self.loaded.append(value)


def make_docs(pages: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Run `make docs` on other folders; `make setup` is taken as done, since the tests run in its environment."""
    command = ["make", "--old-file=setup", "docs", f"PAGES={pages}", f"SITE={site}"]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = make_docs(ROOT / "docs", folder)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def html(site) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_the_site_has_every_page(site):
    assert [page for page in PAGES if not (site / page.relative_to(ROOT / "docs")).with_suffix(".html").exists()] == []


def test_every_link_within_the_site_leads_to_a_page_and_a_heading(html):
    dead = []
    for path, page in html.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = html[target].anchors if target in html else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in known):
                dead.append(f"{path.name}: {link}")
    assert dead == []
    assert sum(len(page.links) for page in html.values()) > len(PAGES) ** 2


def test_the_site_loads_nothing_from_other_hosts(html):
    loaded = [address for page in html.values() for address in page.loaded]
    assert [address for address in loaded if urlsplit(address).netloc] == []
    assert any(address.split("?")[0].endswith(".js") for address in loaded)


def test_the_search_knows_every_page(site):
    index = (site / "searchindex.js").read_text("utf-8")
    assert [page.stem for page in PAGES if f'"{page.relative_to(ROOT / "docs").with_suffix("")}"' not in index] == []


def test_the_navigation_leads_from_the_first_page_to_every_page(site, html):
    first = html[site / "index.html"]
    listed = {urlsplit(link).path for link in first.links}
    pages = {str(page.relative_to(ROOT / "docs").with_suffix(".html")) for page in PAGES} - {"index.html"}
    assert {page for page in pages if not page.startswith("decisions/0")} - listed == set()


def test_dead_links_fail_the_build_and_are_named(tmp_path):
    """To a page, to a heading and to a folder outside the pages."""
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", tmp_path / "docs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    dead = {"how-to/nowhere.md": "how-to/nowhere", "tutorial.md#no-such-heading": "no-such-heading",
            "../deploy/nowhere/": "../deploy/nowhere/"}  # fmt: skip
    links = "\n\n".join(f"[First](tutorial.md), [then]({link})" for link in dead)
    (tmp_path / "docs" / "index.md").write_text(f"# Start\n\n{links}\n")
    (tmp_path / "docs" / "tutorial.md").write_text("# Tutorial\n")
    built = make_docs(tmp_path / "docs", tmp_path / "site")
    assert built.returncode != 0
    for line, named in zip((3, 5, 7), dead.values(), strict=True):
        assert re.search(rf"index\.md:{line}: WARNING: .*{re.escape(named)}", built.stderr), built.stderr
