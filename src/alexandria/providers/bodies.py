"""Reads the body of a response whole, and no more of it than MAX_BODY_BYTES, as sent and as decoded."""

from __future__ import annotations

import asyncio
import codecs
import re
import zlib
from collections.abc import Callable

import httpx2

from alexandria.core import errors

MAX_BODY_BYTES = 16 * 2**20  # bytes, as sent and as decoded; the longest answers of real providers have some hundred kB
MAX_TYPE_LENGTH = 500  # characters of a content type; a longer one takes long to parse
MAX_INLINE_BYTES = 2**16  # bytes as sent; a longer body is decoded in a thread, as the event loop has other duties
ACCEPT_ENCODING = "gzip, deflate"  # all that is decoded here, and the only codings that are decoded
# Headers that hold no longer for a decoded body, and cookies: no provider needs them, and odd ones break the next request.
DROPPED = (b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie")
CONTENT_TYPE = b"content-type"
CHARSET = re.compile(rb";\s*charset\s*=\s*[\"']?([\w.:-]*)", re.IGNORECASE)
# Of texts on the web, in Python's names. Others decode no text, as "hex", or fail for want of a mark, as "utf-16".
CHARSETS = ("utf-8", "ascii", "iso8859", "cp125", "cp932", "gb", "big5", "shift_jis", "euc", "koi8", "iso2022", "mac")


class AnswerTooLarge(errors.BadAnswer):
    """The body of an answer is longer than any that we asked for. It would be as long if it were asked for again."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider, f"answered with more than {MAX_BODY_BYTES // 2**20} MB")


async def read_whole(provider: str, response: httpx2.Response) -> httpx2.Response:
    """Return the response with its body read and decoded, so that a body that breaks off is this call's failure.

    Raises AnswerTooLarge as soon as the bound is reached.
    """
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    parts, size = [], 0
    try:
        if _announced(response) > MAX_BODY_BYTES:
            raise AnswerTooLarge(provider)
        async for part in response.stream:
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise AnswerTooLarge(provider)
            parts.append(part)
    finally:
        await response.aclose()
    raw = b"".join(parts)
    codings = [coding for coding in response.headers.get_list("content-encoding", split_commas=True) if coding]
    if codings:
        work = asyncio.to_thread if size > MAX_INLINE_BYTES else _at_once
        raw = await work(_decoded, provider, codings, raw)
    return httpx2.Response(
        response.status_code,
        headers=[
            (name, _without_odd_charset(value) if name.lower() == CONTENT_TYPE else value)
            for name, value in response.headers.raw  # as bytes: not all are ASCII
            if name.lower() not in DROPPED and not (name.lower() == CONTENT_TYPE and len(value) > MAX_TYPE_LENGTH)
        ],
        stream=httpx2.ByteStream(raw),
        extensions=response.extensions,
    )


def _without_odd_charset(kind: bytes) -> bytes:
    """The content type, without a charset in which no text of the web is written; then it is UTF-8."""
    charset = CHARSET.search(kind)
    if charset is None:
        return kind
    try:
        known = codecs.lookup(charset[1].decode()).name.startswith(CHARSETS)
    except (LookupError, ValueError):
        known = False
    return kind if known else kind[: charset.start()]


def _announced(response: httpx2.Response) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0


async def _at_once(work: Callable[..., bytes], *args: object) -> bytes:
    return work(*args)


def _decoded(provider: str, codings: list[str], raw: bytes) -> bytes:
    """The body without its content coding. Raises BadAnswer if it is not one of ours, DecodingError if it is damaged."""
    coding = codings[0].lower()
    if len(codings) > 1 or coding not in {"gzip", "x-gzip", "deflate", "identity"}:
        raise errors.BadAnswer(provider, "answered in a content coding that was not asked for")
    if coding == "identity" or not raw:
        return raw
    try:
        body = _inflated(raw, zlib.MAX_WBITS | 32)  # with the header of gzip or zlib
    except zlib.error as damaged:
        if coding != "deflate":
            raise httpx2.DecodingError(str(damaged)) from None
        body = _bare(raw)
    if len(body) > MAX_BODY_BYTES:
        raise AnswerTooLarge(provider)
    return body


def _bare(raw: bytes) -> bytes:
    """Some servers send deflate without the header that it should have."""
    try:
        return _inflated(raw, -zlib.MAX_WBITS)
    except zlib.error as damaged:
        raise httpx2.DecodingError(str(damaged)) from None


def _inflated(raw: bytes, window: int) -> bytes:
    """At most one byte more than the bound."""
    return zlib.decompressobj(window).decompress(raw, MAX_BODY_BYTES + 1)
