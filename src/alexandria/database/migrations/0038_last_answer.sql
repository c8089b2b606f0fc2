-- When a provider last answered could only be found by reading all requests.

CREATE INDEX call_answered ON call (provider, sent_at) WHERE status IS NOT NULL;
