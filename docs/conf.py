"""Settings of Sphinx for the site that `make docs` builds.

The pages stay plain Markdown, readable in the repository. What only the site needs is added here: the navigation, which
follows the headings and lists of index.md, and an answer to links that lead out of the folder.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
INDEXES = {"index", "decisions/index"}

project = "Alexandria Backfill"
version = release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def add_navigation(_: Sphinx, page: str, source: list[str]) -> None:
    """Append a hidden table of contents for each list of links in an index page, under the heading of the list."""
    if page not in INDEXES:
        return
    sections = re.split(r"^## (.+)$", source[0], flags=re.MULTILINE)
    for caption, section in zip(["", *sections[1::2]], sections[::2], strict=True):
        pages = re.findall(r"\]\((?![a-z]+:)([^)#]+\.md)(?:#[^)]*)?\)", section)
        lines = ["", "", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), *pages, "```"]
        source[0] += "\n".join(lines) if pages else ""


def unlink_repository(app: Sphinx, page: nodes.document) -> None:
    """Replace links to folders and pages outside docs/ by their text. Links to other files become downloads."""
    folder = (DOCS / app.env.docname).parent
    for link in list(page.findall(pending_xref)):
        target = folder / link["reftarget"]
        exists = target.is_dir() or target.with_name(target.name + ".md").exists()
        if exists and not target.resolve().is_relative_to(DOCS):
            link.replace_self(link.children)


def setup(app: Sphinx) -> None:
    """Connect the two functions above."""
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", unlink_repository)
