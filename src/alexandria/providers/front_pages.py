"""Recognises pages for people that stand in the place of a provider's answer: outages, portals, checks and filters."""

from __future__ import annotations

import re

import httpx2

MAX_PAGE_LENGTH = 4096  # characters of a page that are searched
OUTAGE_WORDS = re.compile(
    r"time[ _-]?d?[ _-]?out|unavailable|overloaded|maintenance|temporar(?:y|ily)|(?:try|come|check|be) (?:again|back)"
    r"|is (?:down|offline)\b|internal (?:server )?error|\bbad gateway\b|\boutage\b|under heavy load|\bover capacity\b"
    r"|\bunresponsive\b|(?:unable|failed) to (?:reach|connect)|could not (?:reach|connect)|(?:problem|trouble) with the (?:search|server)",
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
    r"|enable javascript|ddos protection|security (?:check|service)|\bincapsula\b|\berror (?:code:? )?10\d\d\b"
    r"|used cloudflare to restrict access",
    re.IGNORECASE,
)
# Of proxies and filters in the network between this machine and the provider.
FILTER_WORDS = re.compile(
    r"\b(?:url could not be retrieved|access control configuration|cache access denied"
    r"|proxy (?:authentication|server|error)|web ?(?:filter|gateway|security|protection)"
    r"|(?:site|website|page|url|access|category|content)\b[^<.]{0,60}\bblocked\b"
    r"|zscaler\b|forti(?:gate|guard|net)\b|forcepoint\b|sophos\b|barracuda\b|palo alto networks\b|mcafee\b)",
    re.IGNORECASE,
)
SHORT_CHECK = re.compile(r"error code: 10\d\d\s*\Z", re.IGNORECASE)  # Cloudflare's page for programs
BROWSER_CHECK, NETWORK_FILTER = "a check that only a browser can pass", "a page of a proxy or filter of the network"


def page_of_outage(page: str) -> str:
    """Return what a page reports that keeps the provider from answering, or ""."""
    page = page[:MAX_PAGE_LENGTH]
    if OUTAGE_WORDS.search(page):
        return "an outage"
    return "the network, which wants a person to sign in" if PORTAL_WORDS.search(page) else ""


def in_place_of_answer(response: httpx2.Response) -> str:
    """Return the page for people that stands in the place of an answer that is called a success, or ""."""
    if not response.content[:MAX_PAGE_LENGTH].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return ""
    found = page_of_outage(response.text)
    return f"a page of {found}" if found else wall_before(response)


def wall_before(response: httpx2.Response) -> str:
    """Return what answers in front of the provider and keeps the request from it, or "". It says nothing of our key."""
    if "x-squid-error" in response.headers:
        return NETWORK_FILTER
    page = response.text[:MAX_PAGE_LENGTH].lstrip()
    if not page.startswith("<"):
        return BROWSER_CHECK if SHORT_CHECK.match(page) else ""
    if "cf-mitigated" in response.headers or CHECK_WORDS.search(page):
        return BROWSER_CHECK
    return NETWORK_FILTER if FILTER_WORDS.search(page) else ""
