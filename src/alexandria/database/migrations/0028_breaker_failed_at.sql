-- An answer ends a row of failures only if it came after the last one of them.

ALTER TABLE breaker ADD COLUMN failed_at timestamptz;
COMMENT ON COLUMN breaker.failed_at IS 'when the latest of these failures was counted; null: none yet';
