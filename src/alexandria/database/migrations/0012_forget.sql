-- Answers that have expired are forgotten.

CREATE INDEX answer_expiry ON answer (expires_at) WHERE expires_at IS NOT NULL;
