-- Responses to writing calls by idempotency key, so that a call that is repeated by cron or curl changes nothing more.

CREATE TABLE idempotent_response (
    id         bytea PRIMARY KEY,
    request    bytea NOT NULL,
    status     smallint NOT NULL,
    headers    jsonb NOT NULL,
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotent_response_created ON idempotent_response (created_at);
COMMENT ON TABLE idempotent_response IS 'Responses to calls with an Idempotency-Key, for 24 hours.';
COMMENT ON COLUMN idempotent_response.id IS 'keyed digest of the credential, the path and the key';
COMMENT ON COLUMN idempotent_response.request IS 'digest of the body';
COMMENT ON COLUMN idempotent_response.headers IS 'headers of the response that are repeated, each with its values';
