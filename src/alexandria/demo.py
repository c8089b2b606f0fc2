"""The whole system on real book data with sandboxed providers: what a newcomer runs first."""
