"""Recognises pages for people that stand in the place of a provider's answer: outages, portals and browser checks."""

from __future__ import annotations

import re

import httpx2

MAX_PAGE_LENGTH = 4096  # characters of a page that are searched
OUTAGE_WORDS = re.compile(
    r"time[ _-]?d?[ _-]?out|unavailable|overloaded|maintenance|temporar(?:y|ily)|(?:try|come|check|be) (?:again|back)"
    r"|is (?:down|offline)\b|internal (?:server )?error|\bbad gateway\b|\boutage\b|under heavy load|\bover capacity\b",
    re.IGNORECASE,
)
PORTAL_WORDS = re.compile(
    r"captive|hot ?spot|wi-?fi|(?:connect|sign in|log ?in|access)\w{0,3} to (?:the |this |our )?(?:network|internet)"
    r"|network (?:access|log ?in|authentication)|guest network|internet access",
    re.IGNORECASE,
)
# Of walls in front of a server, such as Cloudflare's.
CHECK_WORDS = re.compile(
    r"just a moment|attention required|checking your browser|are (?:you )?(?:a )?human|\bcaptcha\b|challenge-platform"
    r"|enable javascript|ddos protection|security (?:check|service)|\bincapsula\b|\berror 10\d\d\b",
    re.IGNORECASE,
)


def page_of_outage(page: str) -> str:
    """Return what a page reports that keeps the provider from answering, or ""."""
    if OUTAGE_WORDS.search(page):
        return "an outage"
    return "the network, which wants a person to sign in" if PORTAL_WORDS.search(page) else ""


def is_browser_check(response: httpx2.Response) -> bool:
    """Whether a refusal is of a wall in front of the provider, which lets browsers pass: it says nothing of our key."""
    page = response.text[:MAX_PAGE_LENGTH].lstrip()
    return page.startswith("<") and ("cf-mitigated" in response.headers or CHECK_WORDS.search(page) is not None)
