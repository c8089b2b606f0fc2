"""The SQL of the backfill: months, candidates, enrichment and pauses."""
