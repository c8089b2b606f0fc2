"""The language models and bibliographic sources, one file a provider."""
