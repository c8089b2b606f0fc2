"""Makes the sources and generators that the rows of `core.provider_facts` name."""

from __future__ import annotations

from alexandria.core.provider_facts import LOCAL_GENERATORS, PROVIDERS, resolve
from alexandria.database.pool import Database
from alexandria.providers.base import Generator, Source
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec


def make_source(client: ProviderClient, *, thorough: bool = False) -> Source:
    """The source of the client's provider. A `thorough` paid one may spend a second unit on a search without result."""
    facts = PROVIDERS[client.name]
    build = resolve(facts.source)
    source: Source = build(client, thorough=thorough) if facts.paid else build(client)
    return source


def make_generator(spec: GeneratorSpec, client: ProviderClient, *, thinking: str = "low") -> Generator:
    """The generator that an entry of ALEXANDRIA_GENERATORS names. Its model, if it has one, reasons that much."""
    facts = PROVIDERS[spec.provider]
    build = resolve(facts.generator)
    generator: Generator = build(spec, client, thinking=thinking) if facts.model else build(client)
    return generator


def make_local_generator(spec: GeneratorSpec, database: Database) -> Generator:
    """The generator of our own `database` that an entry of ALEXANDRIA_GENERATORS names."""
    generator: Generator = resolve(LOCAL_GENERATORS[spec.provider])(database)
    return generator
