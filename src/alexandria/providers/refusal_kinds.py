"""Reads what a model's server means by a refusal: too fast, no money, a wrong key, a wrong address, or something else.

Vendors use the same status for several of these, and link to their billing page in all of them. So the machine-readable
codes count first, then quotas and hints when to ask again, and words last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import httpx2

from alexandria.providers.front_pages import wall_before
from alexandria.providers.metering import NO_ANSWER_STATUSES
from alexandria.providers.retry_hints import fields_in, header_wait, json_body, retry_after, texts_in

MAX_CODE_LENGTH = 80  # characters; longer values are sentences
MAX_TEXT = 4096  # characters of a refusal that are searched for words


class Refusal(Enum):
    """What a refusal means."""

    TOO_FAST = auto()  # too many requests or tokens for now
    DAY_SPENT = auto()  # too many requests or tokens for a day
    NO_CREDIT = auto()
    CONTENT = auto()
    LOCATION = auto()
    KEY = auto()
    MODEL = auto()
    FORMAT = auto()  # the form that was requested for the answer
    THINKING = auto()  # the amount of thinking that was requested
    ADDRESS = auto()
    DOWN = auto()
    REQUEST = auto()  # anything else in the request


FOR_NOW = {Refusal.KEY, Refusal.ADDRESS, Refusal.REQUEST}  # unless a header says when to ask again
# Codes are compared in small letters and without punctuation.
NO_CREDIT_CODES = {
    "insufficientquota", "insufficientbalance", "insufficientcredits", "insufficientcredit", "insufficientfunds",
    "insufficientuserquota", "insufficientquotaerror", "insufficientbalanceerror", "billinghardlimitreached",
    "billinglimitreached", "billingnotactive", "billingerror", "billingdisabled", "paymentrequired",
    "paymentrequirederror", "creditlimit", "creditlimitexceeded", "creditsexhausted", "creditexhausted", "nocredits",
    "nocredit", "outofcredits", "budgetexceeded", "exceededcurrentquota", "exceededcurrentquotaerror", "arrearage",
    "overduepayment", "spendinglimitreached", "spendlimitreached", "spendlimitexceeded", "spendinglimitexceeded",
    "balancenotenough", "notenoughbalance", "notenoughcredits", "allocationquotafreetieronly", "quotanotenough",
    "preconsumetokenquotafailed", "monthlylimitexceeded", "blockedapiaccess", "setlimitexceeded",
}  # fmt: skip
TOO_FAST_CODES = {
    "ratelimit", "ratelimited", "ratelimitexceeded", "ratelimiterror", "ratelimitreached", "ratelimitreachederror",
    "ratelimitexceedederror", "toomanyrequests", "toomanyrequestserror", "toomanytokens", "throttling",
    "throttlingerror", "throttlingexception", "throttlingratequota", "throttlingallocationquota",
    "throttlingburstrate", "slowdown", "engineoverloaded", "engineoverloadederror", "requestlimitexceeded",
    "concurrencylimitexceeded", "userconcurrencyexceeded", "servicetiercapacityexceeded", "userratelimitexceeded",
    "tokenlimitexceeded", "tokenratelimitexceeded", "tokensperminutelimitexceeded", "requestsperminutelimitexceeded",
}  # fmt: skip
TOO_FAST_TYPES = {"requests", "tokens", "inputtokens", "outputtokens"}  # what a 429 counts
CONTENT_CODES = {
    "contentfilter", "contentfiltererror", "contentpolicyviolation", "contentpolicyviolationerror",
    "responsibleaipolicyviolation", "datainspectionfailed", "contentmoderation", "moderationblocked",
    "inappropriatecontent", "prohibitedcontent", "sensitivecontent", "contentblocked", "invalidprompt",
    "contentrefused", "safetyviolation",
}  # fmt: skip
KEY_CODES = {
    "authenticationerror", "invalidauthentication", "invalidauthenticationerror", "unauthenticated", "unauthorized",
    "unauthorizederror", "invalidapikey", "incorrectapikey", "incorrectapikeyerror", "invalidkey", "accesstokeninvalid",
}  # fmt: skip
MODEL_CODES = {
    "modelnotfound", "modelnotfounderror", "deploymentnotfound", "modelnotexist", "modeldoesnotexist",
    "modelnotsupported", "modeldecommissioned", "modeldeprecated", "invalidmodel", "unknownmodel", "modelnotavailable",
    "modeltermsrequired", "modelnotopen", "modelpermissionblockedorg", "modelpermissionblockedproject", "noaccess",
    "modelaccessdenied", "keymodelaccessdenied", "teammodelaccessdenied", "usermodelaccessdenied", "orgmodelaccessdenied",
    "projectmodelaccessdenied",
}  # fmt: skip
LOCATION_CODES = {
    "unsupportedcountryregionterritory",
    "unsupportedregion",
    "regionnotsupported",
    "locationnotsupported",
}

CREDIT = r"(?:credits?|balances?|funds|prepayments?|prepaid (?:amount|units)|resource pack(?:age)?s?)"
MORE = (
    r"(?: (?:all|any|enough|sufficient|of|its|your|their|the|more|account|available|remaining|free|trial|included"
    r"|monthly|api|prepaid|purchased|usage))*"
)
NO_CREDIT_WORDS = re.compile(
    rf"\b(?:{CREDIT}\b[^.;!?]{{0,40}}\b(?:depleted|exhausted|used up|spent|ran out|run out|too low|insufficient|not enough"
    rf"|not sufficient|negative|expired|is (?:[$€£¥]? ?0(?:\.0+)?|zero))\b"
    r"|(?:insufficient|not enough|no|zero|without|out of|ran out of|run out of|lacks?|needs?|requires?"
    rf"|not have|(?:used|spent|exhausted|exceeded|depleted|consumed)(?: up)?){MORE} {CREDIT}\b(?! cards?)"
    r"|spend(?:ing|s)? (?:cap|limit|budget)s?\b|monthly (?:spend|budget|included credits)"
    r"|budget (?:has been |is |was )?(?:exceeded|used up|exhausted)|exceeded (?:the |your |its )?budget"
    r"|payment (?:is )?required\b|billing hard limit|billing (?:is )?(?:not (?:enabled|active|set up)|disabled)"
    r"|(?:account|subscription|organi[sz]ation)s? (?:is |has been )?(?:not active|in arrears|overdue|suspended due to)"
    r"|in arrears\b|overdue\b|enable billing\b|please (?:recharge|top[ -]?up)\b|can only afford\b"
    r"|requires? (?:a |an )?(?:paid |active |pro )?(?:subscription|plan)\b"
    r"|subscription (?:is |was |has )?(?:required|expired|inactive|not active|ended|lapsed|cancell?ed))"
    rf"|n't have{MORE} {CREDIT}\b(?! cards?)|余额不足|额度不足|欠费",
    re.IGNORECASE,
)
# The state of the account, which no wait of seconds changes. An invitation to pay is none.
SPENT_WORDS = re.compile(
    r"\bprepay\w* credits? (?:are|is|have been|has been) (?:depleted|used up|exhausted)"
    r"|\b(?:exceeded|reached|over|hit)\b(?: \w+){0,3} spend(?:ing)? (?:cap|limit|budget)"
    r"|\b(?:used|exhausted) all (?:of )?(?:\w+ )?credits\b|\binsufficient (?:account )?(?:balance|funds|credits?)\b"
    r"|\bbalance is (?:too low|insufficient|not enough)\b",
    re.IGNORECASE,
)
PLAN_SPENT = re.compile(r"exceeded (?:your|the|its) current quota", re.IGNORECASE)  # Google says so of every limit
MONTHLY = re.compile(
    r"(?:per|each|this|for the|/) ?month\b|\bmonthly\b[^.;]{0,30}\b(?:quota|limit|allowance|usage|requests)",
    re.IGNORECASE,
)
NO_ALLOWANCE = re.compile(r"\blimit: 0(?!\d|[.,]\d)")  # of Google, for a model that the plan lacks
# A week counts as a day: its end is not reported, so the provider is asked again each day.
DAILY = re.compile(
    r"(?:per|by|each|a)[ _-]?(?:1 )?(?:day|week)\b|/ ?(?:day|week)\b|(?:per|by)(?:day|week)"
    r"|\b(?:daily|weekly|[RT]PD|today|24[ -]?h(?:ours?)?|86400 ?s|midnight|tomorrow|next day)\b",
    re.IGNORECASE,
)
HOURLY = re.compile(
    r"(?:per|by|each|an)[ _-]?hour\b|\bhourly\b|/ ?h(?:our)?\b|\b[RT]PH\b|\b\d{1,2}[ -]?hours?\b", re.IGNORECASE
)
# A limit of use that a status other than 429 reports; a limit of one prompt's length is none.
LIMIT_WORDS = re.compile(
    r"\b(?:quotas?|(?:usage|rate|key|api|call|request|spend\w*|daily|weekly|monthly|hourly)"
    r"(?: (?!size|body|tokens?|length|context|payload|time)\w+)? limits?)\b[^.;]{0,30}\b(?:exceeded|exhausted|reached|used up|hit)\b"
    r"|\b(?:out of|over|reached|exceeded|exhausted|used up|hit)\b(?: \w+){0,4} (?:quotas?|(?:usage|rate|key|api|call|spend\w*) limits?)\b"
    r"|\bexceeds\b(?: \w+){0,4} quotas?\b|\btoo many requests\b|\brate[ -]?limit(?:s|ed)?\b[^.;]{0,40}\b(?:retry|again|later|wait)\b",
    re.IGNORECASE,
)
CONTENT_WORDS = re.compile(
    r"violat\w* (?:\w+ ){0,4}?(?:usage guidelines|usage polic|content polic|content guidelines|safety|terms of use)"
    r"|safety_check|content (?:management|moderation|safety) polic|requires moderation|flagged (?:for|as|by)"
    r"|inappropriate content|content exists risk|contains? (?:\w+ ){0,2}sensitive (?:information|content|words?)"
    r"|new_sensitive|considered high risk|content (?:was |is |has been )?(?:blocked|filtered|refused)",
    re.IGNORECASE,
)
LOCATION_WORDS = re.compile(
    r"\b(?:location|country|countries|region|territory|territories)\b[^.;]{0,60}\bnot\b[^.;]{0,20}"
    r"\b(?:supported|available|offered|allowed|served)"
    r"|\bnot (?:\w+ ){0,3}(?:supported|available|offered|allowed|served)\b[^.;]{0,60}"
    r"\b(?:location|country|countries|region|territory|territories)\b",
    re.IGNORECASE,
)
KEY_WORDS = re.compile(r"api[ _-]?key", re.IGNORECASE)
# Of a bad request; with 401 the same words also stand before a lack of money.
SIGN_IN_WORDS = re.compile(
    r"\bauthentication (?:failed|error|required)|\b(?:access|auth) token (?:is |has )?(?:invalid|expired)"
    r"|\b(?:invalid|expired) (?:access |auth )?token\b",
    re.IGNORECASE,
)
FORMAT_WORDS = re.compile(
    r"response[ _]?format|json[ _]?schema|json[ _]?object|json[ _]?mode|structured[ _]outputs?|guided[ _](?:json|decoding)"
    r"|\bgrammar\b|json_validate_failed|support the requested parameters|handle the requested parameters",
    re.IGNORECASE,
)
THINKING_WORDS = re.compile(
    r"reasoning[ _.]?effort|reasoning\.(?:effort|enabled)|thinking[ _]?(?:config|budget|level|mode)|enable_thinking"
    r"|\b(?:support|allow)\w* (?:\w+ )?(?:thinking|reasoning)\b|\b(?:thinking|reasoning) (?:is|are) not\b",
    re.IGNORECASE,
)
# A model that the key's owner may not use; the key itself is good.
NO_ACCESS_WORDS = re.compile(
    r"\baccess to (?:the |this )?(?:\w+ )?model|\bverified to use\b"
    r"|\bnot (?:allowed|permitted|authori[sz]ed) to (?:access|use|call) (?:the |this )?model"
    r"|\bpermission (?:to|for) (?:(?:access|use|call) )?(?:the |this )?model|\bmodel (?:is |has been )?(?:disabled|blocked)",
    re.IGNORECASE,
)
CONTEXT_WORDS = re.compile(
    r"\bcontext (?:size|length|window)\b[^.;]{0,40}\bexceed|\bexceed\w*\b[^.;]{0,60}\bcontext (?:size|length|window)",
    re.IGNORECASE,
)
# Troubles of a server that it reports as faults of the request.
TROUBLE_WORDS = re.compile(
    r"\bmodel (?:has |was |has been )?(?:crashed|unloaded)\b|\bmodel is (?:still |currently |being )*(?:loading|reloading|starting)"
    r"|\bmodel is (?:still |currently )?being (?:re)?loaded|\A\W*loading model\b",
    re.IGNORECASE,
)
PACE_WORDS = re.compile(
    r"rate limit|\b(?:qps|rps|qpm|rpm|tpm)\b|\bper (?:second|minute)\b|\bconcurren|too many requests", re.IGNORECASE
)
MODEL_WORDS = re.compile(r"\bmodels?\b|no endpoints found|\bdeployment\b|not found for account", re.IGNORECASE)
NO_MODEL_WORDS = re.compile(
    r"\bmodels?\b[^;]{0,160}?\b(?:not (?:be )?(?:found|exist|exists|available|supported|loaded|open|a valid)|does(?: not|n't) exist"
    r"|unknown|invalid|decommissioned|deprecated|retired|no longer)"
    r"|\b(?:unknown|invalid|no such|unsupported|not a valid|unexpected|(?:not|to) find(?: the| a)?) models?\b|\bno models? (?:are |is )?(?:currently )?loaded"
    r"|\bdoes not (?:support chats?\b|work with the specified model)",
    re.IGNORECASE,
)
WRONG_ADDRESS_WORDS = re.compile(
    r"unexpected endpoint|\b(?:no such|unknown|invalid) (?:route|endpoint|path|url)\b|\broute\b.{0,160}\bnot found"
    r"|\bcannot post\b|requested url|\bhttp request (?:was sent )?to (?:an )?https (?:port|server)",
    re.IGNORECASE,
)
SERVER_STATUSES = NO_ANSWER_STATUSES | {
    424,
    498,
    499,
}  # besides 5xx; 424 is of a server behind the server, 498 Groq's for a tier without room


@dataclass(frozen=True, slots=True)
class RefusalBody:
    """What the body of a refusal contains: its codes in the order of their weight, its types, and all texts in one line."""

    codes: tuple[str, ...]
    types: frozenset[str]
    text: str
    is_json: bool
    google: bool  # in Google's form, also behind its OpenAI-compatible API
    quotas: tuple[str, ...]  # the names of the quotas that Google reports as used up
    no_allowance: bool  # Google's plan has none of such a quota at all
    parameters: frozenset[str]  # the names of parameters that are refused

    def first_of(self, *groups: set[str]) -> set[str] | None:
        """Return the group that has the weightiest code of any of them."""
        return next((group for code in self.codes for group in groups if code in group), None)

    def has(self, group: set[str]) -> bool:
        """Whether one of the codes is in `group`."""
        return not group.isdisjoint(self.codes)


def read_body(response: httpx2.Response) -> RefusalBody:
    """The body of a refusal in any of the forms that vendors use."""
    body = json_body(response)
    text = " ".join((response.text if body is None else texts_in(body))[:MAX_TEXT].split())
    named: dict[str, list[str]] = {}
    for key, value in fields_in(body):
        if isinstance(value, str | int) and not isinstance(value, bool):
            named.setdefault(key.lower(), []).append(str(value)[:MAX_CODE_LENGTH])
    codes = tuple(_codes(named))
    quotas = tuple(named.get("quotaid", ())) + tuple(named.get("quota_id", ()))
    google = "resourceexhausted" in codes or "@type" in named
    values = (*named.get("quotavalue", ()), *named.get("quota_limit_value", ()))
    nothing = "0" in values or (google and NO_ALLOWANCE.search(text) is not None)
    types = frozenset(map(_squeezed, named.get("type", ())))
    return RefusalBody(codes, types, text, body is not None, google, quotas, nothing, frozenset(named.get("param", ())))


def meaning(response: httpx2.Response, status: int | None = None) -> Refusal:
    """What a refusal means. `status` replaces the response's own, where the body reports another."""
    body = read_body(response)
    code = response.status_code if status is None else status
    if code == 429:
        return _of_limit(response, body)
    if code == 402:
        return Refusal.NO_CREDIT
    if code >= 500 or code in SERVER_STATUSES:
        return _of_server(code, body)
    if (code in {401, 403} and wall_before(response)) or (code in {400, 404, 409} and TROUBLE_WORDS.search(body.text)):
        return Refusal.DOWN
    refusal = _of_client(response, code, body)
    if refusal in FOR_NOW and header_wait(response):  # a refusal for good has no end
        return Refusal.DAY_SPENT if is_daily(body) else Refusal.TOO_FAST
    return refusal


def _of_server(code: int, body: RefusalBody) -> Refusal:
    """What a server error means: some servers call a request so that they will never take."""
    if code in {500, 501} and _is_format(body):
        return Refusal.FORMAT
    return Refusal.REQUEST if code == 501 or (code == 500 and CONTEXT_WORDS.search(body.text)) else Refusal.DOWN


def _of_client(response: httpx2.Response, code: int, body: RefusalBody) -> Refusal:
    """What a refusal of the client's side means."""
    if code == 451:
        return Refusal.LOCATION
    if code == 413:
        return Refusal.REQUEST
    if code == 401:
        if body.has(NO_CREDIT_CODES) or (not _is_key(body) and NO_CREDIT_WORDS.search(body.text)):
            return Refusal.NO_CREDIT
        return Refusal.MODEL if body.has(MODEL_CODES) else Refusal.KEY
    return _of_request(response, code, body)


def is_daily(body: RefusalBody) -> bool:
    """Whether the limit is one of a day; Google names it by the quota, others in words."""
    return DAILY.search(" ".join(body.quotas) if body.quotas else body.text) is not None


def is_hourly(body: RefusalBody) -> bool:
    """Whether the limit is one of an hour or of some hours, and of no minute."""
    return HOURLY.search(body.text) is not None and not re.search(r"minute|second", body.text, re.IGNORECASE)


def _of_limit(response: httpx2.Response, body: RefusalBody) -> Refusal:
    if body.google and body.no_allowance:
        return Refusal.NO_CREDIT
    limit = Refusal.DAY_SPENT if is_daily(body) else Refusal.TOO_FAST
    weightiest = body.first_of(NO_CREDIT_CODES, TOO_FAST_CODES)
    if weightiest is not None:
        return Refusal.NO_CREDIT if weightiest is NO_CREDIT_CODES else limit
    if body.types & TOO_FAST_TYPES:
        return limit
    if body.quotas:
        return limit
    if SPENT_WORDS.search(body.text):
        return Refusal.NO_CREDIT
    if retry_after(response) is not None:
        return limit
    spent = NO_CREDIT_WORDS.search(body.text) or (not body.google and PLAN_SPENT.search(body.text))
    if spent or (limit is Refusal.TOO_FAST and MONTHLY.search(body.text)):
        return Refusal.NO_CREDIT
    return limit


def _of_use(response: httpx2.Response, body: RefusalBody) -> Refusal:
    """Which limit of use a status other than 429 reports; without a period or a hint it is one that money raises."""
    if is_daily(body):
        return Refusal.DAY_SPENT
    timed = retry_after(response) is not None or is_hourly(body) or PACE_WORDS.search(body.text)
    return Refusal.TOO_FAST if timed else Refusal.NO_CREDIT


def _of_request(response: httpx2.Response, status: int, body: RefusalBody) -> Refusal:
    """What a refusal with another status means: the reasons that have codes of their own before those found in words."""
    weightiest = body.first_of(CONTENT_CODES, NO_CREDIT_CODES, TOO_FAST_CODES, LOCATION_CODES)
    if weightiest is not None:
        return {
            id(CONTENT_CODES): Refusal.CONTENT,
            id(NO_CREDIT_CODES): Refusal.NO_CREDIT,
            id(TOO_FAST_CODES): Refusal.DAY_SPENT if is_daily(body) else Refusal.TOO_FAST,
            id(LOCATION_CODES): Refusal.LOCATION,
        }[id(weightiest)]
    if not body.has(MODEL_CODES) and status in {400, 403, 412, 422, 451}:
        for words, refusal in (
            (CONTENT_WORDS, Refusal.CONTENT),
            (NO_CREDIT_WORDS, Refusal.NO_CREDIT),
            (LOCATION_WORDS, Refusal.LOCATION),
        ):
            if words.search(body.text):
                return refusal
        if status != 422 and LIMIT_WORDS.search(body.text):
            return _of_use(response, body)
    return _of_our_side(status, body)


def _of_our_side(status: int, body: RefusalBody) -> Refusal:
    """What is wrong with the request itself: its key, the form that it requests, its model or its address."""
    if status not in {401, 403, 405}:
        if _is_format(body):
            return Refusal.FORMAT
        if THINKING_WORDS.search(body.text) and not body.has(MODEL_CODES):
            return Refusal.THINKING
    if body.has(MODEL_CODES) or (status in {400, 403, 422} and "model" in body.parameters):
        return Refusal.MODEL
    if status == 403 and NO_ACCESS_WORDS.search(body.text):
        return Refusal.MODEL
    if status == 403 or (status == 400 and (_is_key(body) or SIGN_IN_WORDS.search(body.text))):
        return Refusal.KEY
    if status in {404, 405, 410} or 300 <= status < 400:
        words = MODEL_WORDS if body.is_json else NO_MODEL_WORDS
        is_page = body.text.startswith("<")
        known = not is_page and words.search(body.text) and not WRONG_ADDRESS_WORDS.search(body.text)
        return Refusal.MODEL if known and status != 405 else Refusal.ADDRESS
    if WRONG_ADDRESS_WORDS.search(body.text):
        return Refusal.ADDRESS
    return Refusal.MODEL if NO_MODEL_WORDS.search(body.text) else Refusal.REQUEST


def _is_key(body: RefusalBody) -> bool:
    return (
        body.has(KEY_CODES)
        or any(code.startswith("apikey") for code in body.codes)
        or KEY_WORDS.search(body.text) is not None
    )


def _is_format(body: RefusalBody) -> bool:
    return any(name.startswith("response_format") for name in body.parameters) or bool(FORMAT_WORDS.search(body.text))


def _codes(named: dict[str, list[str]]) -> Iterator[str]:
    for key in ("code", "type", "reason", "status", "error_code", "errorcode", "error_type", "kind", "__type"):
        yield from map(_squeezed, named.get(key, ()))


def _squeezed(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.lower())


def stated_status(body: Any) -> int | None:
    """The HTTP status that an error inside a body reports as its code; None if it reports none."""
    for key, value in fields_in(body):
        if key in {"code", "status", "status_code", "statusCode"} and not isinstance(value, bool):
            digits = str(value) if isinstance(value, int | str) else ""
            if re.fullmatch(r"[45]\d\d", digits, re.ASCII):
                return int(digits)
    return None
