"""Checks of the limits to providers: settings that leave nothing, that differ from the shared ones, or that slow us down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alexandria.cli.doctor.check import Check
from alexandria.core.config import Settings
from alexandria.core.grammar import listed
from alexandria.core.provider_facts import PROVIDERS, usual_reserve
from alexandria.core.secret_files import PREFIX
from alexandria.providers.generator_specs import parse_generators
from alexandria.providers.limits.stored_limits import StoredLimits, differences

NO_CONTACT_FIX = "set ALEXANDRIA_CONTACT to a mail address or URL where you can be reached"


def limits(settings: Settings, stored: Mapping[str, StoredLimits]) -> Iterator[Check]:
    """Yield what is wrong with the limits; `stored` are those in the database, as far as they are known."""
    yield from _reserves(settings, stored)
    for each in differences(settings.lanes, stored):
        fix = "start alexandria up, serve or work with the value that you want; the last one to start decides"
        yield Check(f"setting {each.setting}", True, f"{each}; the database's is in force", fix)
    if missing := no_contact(settings):
        yield Check("contact", True, missing, NO_CONTACT_FIX)


def no_key(settings: Settings, command: str) -> list[str]:
    """Return what to do where every generator lacks its key: months would only wait. Nothing if one can be asked."""
    missing = []
    for spec in parse_generators(settings.generators):
        if spec.is_local:
            return []
        key = PROVIDERS[spec.provider].key
        if key is None or key.optional or settings.providers[spec.provider].key is not None:
            return []
        missing.append(key.name)
    names = list(dict.fromkeys(missing))
    if not names:
        return []
    keyless = "ALEXANDRIA_GENERATORS=wikidata"
    if not settings.contact:
        keyless = f"ALEXANDRIA_CONTACT=you@example.org {keyless}"
    return [
        f"no model has a key ({listed(names)}): months wait for one, and none fails",
        f"  add a key, also while this runs: alexandria secret add {names[0]}",
        f"  works now, without keys: {keyless} alexandria {command}",
        "  or try it on simulated providers: alexandria demo",
    ]


def no_contact(settings: Settings) -> str:
    """Return what follows where no contact is set and a source wants one, or ""."""
    if settings.contact:
        return ""
    found = [_anonymously(settings, name) for name in settings.sources if name in PROVIDERS]  # others are refused
    missing = " and ".join(filter(None, found))
    return f"ALEXANDRIA_CONTACT is not set: {missing}" if missing else ""


def _anonymously(settings: Settings, name: str) -> str:
    """What a source does without a contact, if that makes a difference."""
    facts = PROVIDERS[name]
    if facts.needs_contact:
        return f"{facts.label} refuses all requests"
    if facts.anonymous_rate is None:
        return ""
    return f"{facts.label} is asked {_often(settings.providers[name].rate)} at most"


def _often(rate: float) -> str:
    return "once a second" if rate == 1 else f"{rate:g} times a second"


def _reserves(settings: Settings, stored: Mapping[str, StoredLimits]) -> Iterator[Check]:
    for name, here in settings.providers.items():
        plan = stored[name].plan_limit if name in stored else None
        limit = plan if plan is not None and "daily_limit" in here.by_plan else here.daily_limit
        if limit is not None and plan is not None:
            limit = min(limit, plan)
        if limit is None or not here.daily_reserve or "daily_reserve" in here.by_plan or here.daily_reserve < limit:
            continue
        message = f"the reserve of {here.daily_reserve} units leaves none of the day's {limit}; {usual_reserve(limit)} are kept"
        fix = f"set {PREFIX}{name.upper()}_DAILY_RESERVE to less than {limit}, or unset it"
        yield Check(f"limit {name}", False, message, fix)
