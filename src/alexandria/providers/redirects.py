"""Decides which redirects a request without a key may follow: those that stay on https and on the provider's site."""

from __future__ import annotations

import ipaddress

import httpx2


def stays_on_site(response: httpx2.Response) -> bool:
    """Return whether the redirect leads to the same site as the request, over https or as safely as before.

    A site is a host, its subdomains and those of its parent: www.example.org and api.example.org are one site. Without
    https, as in a sandbox, only the host itself will do.
    """
    asked = response.request.url
    try:
        target = asked.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        return False
    if target.userinfo or target.scheme not in {"http", "https"}:
        return False
    if target.scheme == "http":
        return asked.scheme == "http" and (target.host, _port(target)) == (asked.host, _port(asked))
    if target.port not in {None, asked.port}:
        return False
    return target.host == asked.host or (asked.scheme == "https" and _same_site(asked.host, target.host))


def _port(url: httpx2.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _same_site(one: str, other: str) -> bool:
    if _is_number(one) or _is_number(other):
        return False
    site = _site(one)
    return other == site or other.endswith(f".{site}")


def _site(host: str) -> str:
    """The parent of a host, or the host itself if its parent is shared by strangers (example.org, example.co.uk)."""
    _, _, parent = host.rstrip(".").partition(".")
    labels = parent.split(".")
    shared = len(labels) < 2 or (len(labels) == 2 and len(labels[0]) <= 3 and len(labels[1]) == 2)
    return host if shared else parent


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
