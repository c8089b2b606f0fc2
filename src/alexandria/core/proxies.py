"""Sends outgoing requests through the proxies that the environment names: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY.

The names are as in curl, in either case. A proxy on another machine is not used for an address of this one, which means
another machine there.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from alexandria.core.errors import Misconfigured
from alexandria.core.tls import authorities

SCHEMES = ("http", "https")  # of proxies that we can speak to


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it. `url` may hold credentials; `address` is without them."""

    variable: str
    url: str

    @property
    def address(self) -> str:
        url = httpx2.URL(self.url)
        return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy for `url`, or None if it is reached without one. Raises Misconfigured, naming the variable."""
    target = httpx2.URL(url)
    for name in (f"{target.scheme}_proxy", "all_proxy"):
        variable = next((each for each in (name, name.upper()) if environment.get(each, "").strip()), None)
        if variable is not None:
            proxy = _read(variable, environment[variable].strip())
            break
    else:
        return None
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY", "")
    if _excepted(target, exceptions) or (_is_local(target.host) and not _is_local(httpx2.URL(proxy.url).host)):
        return None
    return proxy


class EnvironmentTransport(httpx2.AsyncHTTPTransport):
    """Sends each request straight, or through the proxy for its address."""

    def __init__(self, limits: httpx2.Limits | None = None) -> None:
        """Raises Misconfigured, naming the variable, if a proxy of the environment cannot be used."""
        for scheme in SCHEMES:
            proxy_for(f"{scheme}://provider.invalid")
        self._limits = limits or httpx2.Limits()
        super().__init__(verify=authorities(), limits=self._limits)
        self._by_proxy: dict[Proxy, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        proxy = proxy_for(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}")
        if proxy is None:
            return await super().handle_async_request(request)
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = httpx2.AsyncHTTPTransport(
                verify=authorities(),
                limits=self._limits,
                proxy=httpx2.Proxy(proxy.url, ssl_context=_context(proxy)),
            )
        return await self._by_proxy[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        await super().aclose()
        for transport in self._by_proxy.values():
            await transport.aclose()


def _context(proxy: Proxy) -> ssl.SSLContext | None:
    return authorities() if proxy.url.startswith("https:") else None


def _read(variable: str, value: str) -> Proxy:
    with_scheme = value if "://" in value else f"http://{value}"
    try:
        url = httpx2.URL(with_scheme)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in SCHEMES or not url.host or not 0 < (url.port or 1) < 2**16:
        raise Misconfigured(
            f"setting {variable}: not the address of a proxy that can be used",
            hint="an HTTP proxy, e.g. http://proxy.example.org:3128; SOCKS proxies are not supported",
        )
    return Proxy(variable, with_scheme)


def _excepted(target: httpx2.URL, exceptions: str) -> bool:
    """Whether NO_PROXY lists the address: by name, as a subdomain, by number, by network, with its port, or by *."""
    address = _number(target.host)
    port = target.port or {"http": 80, "https": 443}.get(target.scheme)
    for entry in filter(None, (each.strip().lower() for each in exceptions.split(","))):
        if entry == "*":
            return True
        name, its_port = _split(entry)
        if its_port and its_port != str(port):
            continue
        if address is not None:
            network = _network(name)
            if network is not None and address in network:
                return True
        bare = name.removeprefix("*").removeprefix(".")
        if bare and (target.host == bare or target.host.endswith(f".{bare}")):
            return True
    return False


def _split(entry: str) -> tuple[str, str]:
    """An entry of NO_PROXY as host and port; only a bracketed IPv6 address can have a port."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and port.isdecimal() and ":" not in host else (entry, "")


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    number = _number(host)
    return host == "localhost" or host.endswith(".localhost") or (number is not None and number.is_loopback)
