"""Masks secrets in every text that leaves the process: lines of the log, stored events, quoted errors.

A long secret is masked wherever it occurs. A short one, such as the dummy key of a local server, is part of many words:
it is masked only where a secret can stand, which is a whole token, or a part of an address or a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from alexandria.core.provider_facts import PROVIDERS

MASK = "[secret]"
MIN_LONG_SECRET = 8  # characters; a shorter secret is a part of words, numbers and names

# A name before a colon or an equals sign that announces a secret, as in "x-goog-api-key: g" and "api_key='g'".
_ANNOUNCED = r"((?i:key|token|secret|password|authorization|bearer|basic)[\"']?\s*[:=]\s*[\"']?){secret}(?![\w\-])"
# The user or the password of an address, as in "https://user:g@host".
_USER_INFO = r"(//(?:[^\s/@:]*:)?){secret}(?=(?::[^\s/@]*)?@)"
# A token by itself: no part of a word, a time, a path or a host, and no name that a value follows.
_WHOLE_WORD = r"(?<![\w\-])(?<!\w[.:/@])(?<!//){secret}(?![\w\-=])(?![.:/@]\w)(?![\"']\s*[:=])"
# A part of an address's path: some services have the secret there.
_PATH_PART = r"(?<=[^/]/){secret}(?=[/?#]|$)"
_ADDRESS = re.compile(r"(?<=://)[^\s\"'<>]+")
_SOURCE_LINE = re.compile(r'(?:(?<!\s)\s+)?(?:\| +)?File "[^"]*", line \d+')
_CODE_OR_MARKS = re.compile(r" {4}\S|[ |]*+[~^][ ~^]*+$")

_secrets: set[str] = set()
_long: list[str] = []
_named_places: list[re.Pattern[str]] = []
_tokens: list[re.Pattern[str]] = []
_path_parts: list[re.Pattern[str]] = []


def protect(secrets: Iterable[str]) -> None:
    """Mask these secrets too in every later text."""
    fresh = {secret for secret in secrets if secret} - _secrets
    if fresh:
        _secrets.update(fresh)
        _compile()


def forget_secrets() -> None:
    """Mask nothing until secrets are protected again."""
    _secrets.clear()
    _compile()


def masked(text: str) -> str:
    """Return the text with every secret masked."""
    text = masked_long(text)
    if _path_parts:
        text = _ADDRESS.sub(lambda address: _path_parts[0].sub(_mask, address[0]), text)
    for place in (*_named_places, *_tokens):
        text = MASK.join(place.sub(_mask, part) for part in text.split(MASK))  # a mask is not masked again
    return text


def masked_long(text: str) -> str:
    """Return the text with the long secrets masked; for texts that the program wrote itself, like an event's name."""
    for secret in _long:
        text = text.replace(secret, MASK)
    return text


def masked_traceback(text: str) -> str:
    """Return the traceback with every secret masked; its lines of source code hold names, and no short secret."""
    lines, in_source = [], False
    for line in text.splitlines(keepends=True):
        names_file = _SOURCE_LINE.match(line) is not None
        is_source = names_file or (in_source and _CODE_OR_MARKS.match(line) is not None)
        lines.append(masked_long(line) if is_source else masked(line))
        in_source = is_source
    return "".join(lines)


def _compile() -> None:
    """Make the patterns of all secrets; of two secrets the longer one comes first, as one may be part of another."""
    written = {form for secret in _secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))}
    ordered = sorted(written, key=lambda form: (-len(form), form))
    _long[:] = [form for form in ordered if len(form) >= MIN_LONG_SECRET]
    short = [form for form in ordered if len(form) < MIN_LONG_SECRET]
    names = {*PROVIDERS, *(facts.label for facts in PROVIDERS.values())}
    _named_places[:] = [_pattern(place, short) for place in (_ANNOUNCED, _USER_INFO) if short]
    unnamed = [form for form in short if form not in names]  # a provider's name stands in every message about it
    _tokens[:] = [_pattern(_WHOLE_WORD, unnamed)] if unnamed else []
    _path_parts[:] = [_pattern(_PATH_PART, unnamed)] if unnamed else []


def _pattern(place: str, secrets: list[str]) -> re.Pattern[str]:
    return re.compile(place.replace("{secret}", f"(?:{'|'.join(map(re.escape, secrets))})"))


def _mask(found: re.Match[str]) -> str:
    before = found[1] if found.re.groups else ""
    return f"{before}{MASK}"
