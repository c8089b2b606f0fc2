"""Reads the rules that decide which request meets which fault; equal seeds strike equal requests.

A rule is WHERE:FAULT[=SHARE][@WHEN], rules are separated by commas, and the first that strikes decides. WHERE is a
provider, a provider and the beginning of a path (isbndb/book), or * for each of them. SHARE is between 0 and 1. WHEN
counts the requests to one provider that WHERE means (100, 5-9, 20-) or the seconds since the rules were made (30s-60s,
30s-). The fault `none` spares a request from the rules behind it, and the name of a preset stands for its rules.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, replace

from alexandria.core.errors import BadInput
from alexandria.sandbox.chance import chance
from alexandria.sandbox.clock import Clock
from alexandria.sandbox.parts import provider_names

MODELS = ("gemini", "xai")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and at which providers `only` (): at all. `once`: a request meets it at most once."""

    meaning: str
    only: tuple[str, ...] = ()
    once: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers at which it can go wrong."""
        return self.only or provider_names()


CATALOGUE = {
    "none": Fault("nothing goes wrong"),
    "down": Fault("503 from the machine in front, whatever is asked"),
    "hang": Fault("takes the request and never answers"),
    "slow_headers": Fault("is silent for long, then answers"),
    "slow_body": Fault("begins to answer at once and dribbles the rest"),
    "reset_mid_body": Fault("breaks the connection in the middle of the answer"),
    "500_internal": Fault("500"),
    "bomb": Fault("a small answer that is enormous when it is unpacked"),
    "html_200": Fault("a page for people instead of data, called a success"),
    "truncated_200": Fault("half of the answer, called the whole"),
    "503_retry_after": Fault("503 from the machine in front, Retry-After in seconds"),
    "maintenance_200": Fault("a page of an outage, called a success"),
    "portal_200": Fault("the page of a network that wants people to sign in, called a success"),
    "timed_out_524": Fault("524 from the machine in front: the provider took too long"),
    "browser_check_403": Fault("403 from the machine in front: a check that only browsers pass"),
    "filter_403": Fault("403 from a filter of the network: the site is blocked"),
    "proxy_407": Fault("407 from a proxy that wants a login"),
    "login_302": Fault("leads to the page of a log-in elsewhere"),
    "empty_200": Fault("an empty body, called a success"),
    "nothing_204": Fault("204 without a body"),
    "byte_order_mark": Fault("a byte order mark before the answer"),
    "other_encoding": Fault("the answer in ISO-8859-1"),
    "other_type": Fault("the answer called a page in ASCII"),
    "markup_behind": Fault("markup behind the answer"),
    "odd_charset": Fault("the answer called a text of a charset that is none"),
    "odd_cookie": Fault("a cookie that no request can carry"),
    "latin_1_header": Fault("a header that is not ASCII"),
    "json_lines": Fault("the answer twice, a line each"),
    "gzip_unnamed": Fault("the answer compressed without a header that reports it"),
    "gzip_untrue": Fault("the answer called compressed, which it is not"),
    "chunks_broken_off": Fault("breaks the connection in the middle of an answer in chunks"),
    "429_seconds": Fault("refuses for speed, Retry-After in seconds"),
    "429_date": Fault("refuses for speed, Retry-After as a date"),
    "429_epoch": Fault("refuses for speed, Retry-After as an instant in seconds since 1970"),
    "429_epoch_ms": Fault("refuses for speed, Retry-After as an instant in milliseconds since 1970"),
    "429_huge": Fault("refuses for speed, Retry-After with a number that no calendar has"),
    "429_year_99999": Fault("refuses for speed, Retry-After with a date that no calendar has"),
    "429_no_hint": Fault("refuses for speed and does not say until when"),
    "429_retryinfo": Fault("refuses for speed, the wait in the body alone", ("gemini",)),
    "429_daily": Fault("the day's quota is used up", ("gemini", "isbndb", "google_books")),
    "429_no_credit": Fault("the account has no money or no allowance: waiting does not help", MODELS),
    "429_prepay_depleted": Fault("the credit paid in advance is used up", ("gemini",)),
    "429_spending_cap": Fault("the account is over its monthly limit", ("gemini",)),
    "400_location": Fault("this place is not served", ("gemini",)),
    "429_billing_link": Fault("refuses for speed with a link to a page for payments, the wait in words", ("xai",)),
    "429_reset_header": Fault("refuses for speed, the wait in a header of the limit", ("xai",)),
    "402_balance": Fault("the account has no money", ("xai",)),
    "403_new_team": Fault("the account has no credit yet", ("xai",)),
    "403_credits_used": Fault("the credit of the account is used up", ("xai",)),
    "400_model_crashed": Fault("the model has crashed, called a bad request", ("xai",)),
    "403_content": Fault("the prompt is refused for its content", ("xai",)),
    "404_wrong_path": Fault("nothing answers at this address", ("xai",)),
    "400_response_format": Fault("a schema for the answer is refused", ("xai",)),
    "400_any_response_format": Fault("every form that is requested for the answer is refused", ("xai",)),
    "400_thinking": Fault("the setting for thinking is refused", ("xai",)),
    "429_hourly": Fault("the hour's allowance is used up, in words", ("xai",)),
    "429_weekly": Fault("the week's allowance is used up, in words", ("xai",)),
    "200_with_error": Fault("refuses for speed and calls it a success", ("xai",)),
    "reasoning_content": Fault("the answer stands where the thinking belongs", ("xai",)),
    "reasoning": Fault("the answer stands in another field for thinking", ("xai",)),
    "finish_reason_empty": Fault("why the answer ended is an empty text", ("xai",)),
    "no_usage": Fault("the tokens are not counted", ("xai",)),
    "503_overloaded": Fault("the model is overloaded", MODELS),
    "safety_prompt": Fault("the prompt is blocked, there is no candidate", ("gemini",)),
    "safety_candidate": Fault("the answer is blocked", ("gemini",)),
    "recitation": Fault("the answer is withheld because it recites", ("gemini",)),
    "max_tokens": Fault("the answer is cut off at its longest", MODELS),
    "max_tokens_thinking": Fault("all tokens went into thinking, none into the answer", MODELS),
    "empty_candidate": Fault("an answer without content", MODELS),
    "fenced_json": Fault("the JSON stands in a fence of back quotes", MODELS),
    "prose_around_json": Fault("prose with brackets stands before and behind the JSON", MODELS),
    "closing_think": Fault("thoughts stand before the JSON, and only their end is marked", MODELS),
    "loose_json": Fault("trailing commas, a line break in a text, half a character", MODELS),
    "bad_item": Fault("one item of the list is not JSON", MODELS),
    "many_brackets": Fault("thousands of brackets instead of the JSON", MODELS),
    "schema_violation_once": Fault("JSON of another shape, right when asked again", MODELS, once=True),
    "refusal": Fault("the model declines in words", ("xai",)),
    "no_choices": Fault("an answer without choices, called a success", ("xai",)),
    "isbndb_401": Fault("the key is not known", ("isbndb",)),
    "isbndb_403_wrong_host": Fault("the key is of another plan's host", ("isbndb",)),
    "isbndb_404_then_200": Fault("not there yet, there when asked again", ("isbndb",), once=True),
    "isbndb_books_vs_data_key": Fault("the list under its other name", ("isbndb",)),
    "isbndb_basic_plan": Fault("/key reports the plan Basic: 1,000 units a day, 10 ISBNs a request", ("isbndb",)),
    "gb_no_items": Fault("nothing found, the list absent", ("google_books",)),
    "gb_keyless_429": Fault("treated as if there were no key", ("google_books",)),
    "gb_503_backend": Fault("something within failed", ("google_books",)),
    "gb_200_error": Fault("something within failed, called a success", ("google_books",)),
    "gb_400_daily": Fault("the day's quota is used up, called a bad request", ("google_books",)),
    "gb_403_daily": Fault("the day's quota is used up, called forbidden", ("google_books",)),
    "gb_403_key_restricted": Fault("the key is restricted to websites", ("google_books",)),
    "ol_403_ua": Fault("the User-Agent or network is not liked", ("open_library",)),
    "ol_429": Fault("refuses for speed, in JSON", ("open_library",)),
    "ol_503": Fault("no server is free, in HTML", ("open_library",)),
    "ia_scalar_fields": Fault("texts where there were lists", ("internet_archive",)),
    "ia_html_200": Fault("the page of a search that was not understood", ("internet_archive",)),
    "ia_empty_metadata": Fault("an empty object", ("internet_archive",)),
    "wdqs_timeout_500": Fault("the query took too long", ("wikidata",)),
    "wdqs_truncated_200": Fault("the query took too long after the answer had begun", ("wikidata",)),
    "wdqs_429": Fault("refuses for speed, to be asked again in 0 seconds", ("wikidata",)),
    "wdqs_ban_403": Fault("banned until tomorrow", ("wikidata",)),
}
# Only what passes by itself: nothing here needs a person or another day.
PRESETS = {
    "light": "*:500_internal=0.01,*:slow_headers=0.01,gemini:503_overloaded=0.03,xai:429_no_hint=0.02,*:fenced_json=0.05,"
    "isbndb:isbndb_books_vs_data_key=0.2,google_books:gb_503_backend=0.05,open_library:ol_429=0.02,"
    "internet_archive:ia_scalar_fields=0.3,wikidata:wdqs_timeout_500=0.03",
    "heavy": "*:500_internal=0.03,*:reset_mid_body=0.03,*:slow_headers=0.02,*:slow_body=0.02,*:html_200=0.01,*:truncated_200=0.01,"
    "*:429_seconds=0.02,*:429_no_hint=0.02,gemini:429_retryinfo=0.05,*:503_overloaded=0.1,gemini:safety_prompt=0.02,"
    "gemini:safety_candidate=0.02,gemini:recitation=0.02,*:max_tokens_thinking=0.02,*:max_tokens=0.04,"
    "*:empty_candidate=0.02,*:schema_violation_once=0.05,*:fenced_json=0.1,xai:refusal=0.03,xai:no_choices=0.02,"
    "isbndb:isbndb_404_then_200=0.03,isbndb:isbndb_books_vs_data_key=0.3,google_books:gb_503_backend=0.3,"
    "google_books:gb_no_items=0.02,google_books:gb_200_error=0.02,open_library:ol_429=0.04,open_library:ol_503=0.04,"
    "internet_archive:ia_scalar_fields=0.3,internet_archive:ia_html_200=0.05,internet_archive:ia_empty_metadata=0.02,"
    "wikidata:wdqs_timeout_500=0.1,wikidata:wdqs_truncated_200=0.05,wikidata:wdqs_429=0.03,"
    "xai:429_billing_link=0.02,xai:400_response_format=0.05,xai:reasoning_content=0.03,xai:finish_reason_empty=0.05,"
    "xai:no_usage=0.03,xai:200_with_error=0.02,xai:429_reset_header=0.01,"
    "xai:reasoning=0.03,xai:400_any_response_format=0.02,xai:400_thinking=0.03,xai:403_content=0.01,*:429_epoch=0.01,*:429_epoch_ms=0.01,"
    "*:503_retry_after=0.005,*:maintenance_200=0.005,*:portal_200=0.002,*:timed_out_524=0.005,*:browser_check_403=0.002,"
    "*:empty_200=0.005,*:nothing_204=0.002,*:byte_order_mark=0.01,*:other_encoding=0.01,*:other_type=0.01,*:markup_behind=0.01,"
    "*:json_lines=0.002,*:gzip_unnamed=0.002,*:gzip_untrue=0.005,*:chunks_broken_off=0.005,"
    "*:filter_403=0.002,*:proxy_407=0.002,*:latin_1_header=0.01,*:odd_charset=0.01,*:odd_cookie=0.01,xai:400_model_crashed=0.005,"
    "*:bomb=0.01,*:prose_around_json=0.03,*:closing_think=0.03,*:loose_json=0.03,*:bad_item=0.03,*:many_brackets=0.01",
}
EXAMPLE = "isbndb:429_daily=0.1@100-200"
RULE = re.compile(
    r"(?P<provider>[^/:]*)(?:/(?P<path>[^:]*))?:(?P<fault>[^=@]*)(?:=(?P<share>[^@]*))?(?:@(?P<when>.*))?", re.DOTALL
)
SHARE = re.compile(r"0?\.\d+|[01](?:\.0*)?", re.ASCII)
WHEN = re.compile(r"(?P<since>\d+(?:\.\d+)?)(?P<unit>s?)(?P<range>-(?:(?P<until>\d+(?:\.\d+)?)(?P=unit))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """`since` and `until`, both included, are numbers of requests from 1 on, or seconds if `timed`."""

    provider: str
    path: str
    fault: str
    share: float = 1.0
    since: float = 0.0
    until: float = float("inf")
    timed: bool = False

    def means(self, provider: str, path: str) -> bool:
        return (
            self.provider in ("*", provider)
            and provider in CATALOGUE[self.fault].providers
            and path.startswith(self.path)
        )


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules that `text` writes down. Raises BadInput, naming the part that cannot be read."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(rule for part in parts if part != "none" for rule in _rules(part))


def _rules(part: str) -> tuple[Rule, ...]:
    if part in PRESETS:
        return read_rules(PRESETS[part])
    found = RULE.fullmatch(part)
    if found is None:
        presets = ", ".join(("none", *PRESETS))
        raise _refused(
            part,
            "is neither a preset nor a rule",
            f"presets are {presets}; a rule is WHERE:FAULT[=SHARE][@WHEN], as in {EXAMPLE}",
        )
    fault = _known(part, found["provider"], found["fault"])
    share = "1" if found["share"] is None else found["share"]
    if not SHARE.fullmatch(share):
        raise _refused(part, f"{share!r} is no share", "it is between 0 and 1, as in isbndb:down=0.25")
    return (_timed(part, Rule(found["provider"], found["path"] or "", fault, float(share)), found["when"]),)


def _known(part: str, provider: str, fault: str) -> str:
    """The fault, if it is one that the provider can have."""
    if provider not in ("*", *provider_names()):
        raise _refused(
            part, f"{provider!r} is no provider", f"choose of {', '.join(provider_names())}, or * for each of them"
        )
    if fault not in CATALOGUE:
        own = [name for name, known in CATALOGUE.items() if provider in ("*", *known.providers)]
        hint = ", ".join(difflib.get_close_matches(fault, CATALOGUE, cutoff=0.7)) or ", ".join(own)
        raise _refused(part, f"{fault!r} is no fault", f"do you mean one of these? {hint}")
    if provider not in ("*", *CATALOGUE[fault].providers):
        raise _refused(
            part, f"{provider!r} has no fault {fault!r}", f"it is of {', '.join(CATALOGUE[fault].providers)}"
        )
    return fault


def _timed(part: str, rule: Rule, when: str | None) -> Rule:
    if when is None:
        return rule
    found = WHEN.fullmatch(when)
    hint = "count requests from 1 on (100, 5-9, 20-), or seconds (30s-60s, 30s-)"
    if found is None:
        raise _refused(part, f"{when!r} is no time", hint)
    since = float(found["since"])
    alone = not (found["range"] or found["unit"])
    until = since if alone else float(found["until"] or "inf")
    if until < max(since, 0.0 if found["unit"] else 1.0):
        raise _refused(part, f"{when!r} never comes", hint)
    return replace(rule, since=since, until=until, timed=bool(found["unit"]))


def _refused(part: str, why: str, hint: str) -> BadInput:
    return BadInput(f"faults: in the rule {part!r}, {why}" if ":" in part else f"faults: {part!r} {why}", hint=hint)


class Faults:
    """The rules in force, and how often each of them was asked."""

    def __init__(self, text: str, seed: int, clock: Clock) -> None:
        self._seed, self._clock = seed, clock
        self.set(text)

    def set(self, text: str) -> None:
        """Replace the rules and restart their counters. Raises BadInput and leaves the old ones in force."""
        self._rules = read_rules(text)
        self.text = text.strip() or "none"
        self._since = self._clock.monotonic()
        self._asked: Counter[tuple[str, Rule]] = Counter()
        self._met: set[tuple[str, str]] = set()

    def strike(self, provider: str, path: str, content: str) -> str:
        """The fault that a request for `path` with this content meets now; "none" if it is spared."""
        meant = [rule for rule in dict.fromkeys(self._rules) if rule.means(provider, path)]
        # Also those behind the one that strikes: they count requests, not chances.
        self._asked.update((provider, rule) for rule in meant)
        for rule in meant:
            if self._due(provider, rule) and (rule.fault, content) not in self._met:
                if CATALOGUE[rule.fault].once:
                    self._met.add((rule.fault, content))
                return rule.fault
        return "none"

    def _due(self, provider: str, rule: Rule) -> bool:
        number = self._asked[provider, rule]
        now = self._clock.monotonic() - self._since if rule.timed else number
        drawn = chance(self._seed, "fault", provider, rule, number).random()
        return rule.since <= now <= rule.until and drawn < rule.share
