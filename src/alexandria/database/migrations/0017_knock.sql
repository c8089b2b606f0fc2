-- Who has shown wrong secrets lately, so that all processes slow the same callers down.

CREATE UNLOGGED TABLE knock (
    client       text PRIMARY KEY,
    forgotten_at timestamptz NOT NULL
);
CREATE INDEX knock_forgotten ON knock (forgotten_at);
COMMENT ON TABLE knock IS 'Callers that showed a wrong secret lately. A crash of the server may forget them.';
COMMENT ON COLUMN knock.client IS 'the address, of IPv6 the network';
COMMENT ON COLUMN knock.forgotten_at IS 'when all of it is forgiven; each wrong secret puts that off';
