"""Alexandria Backfill: fill the gaps of a book catalogue, month by month."""
