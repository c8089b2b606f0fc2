-- An override that is given before the months of its phase have ended is an act of its own.

ALTER TABLE rollout_log DROP CONSTRAINT rollout_log_act_check,
    ADD CONSTRAINT rollout_log_act_check CHECK (act IN (
        'start', 'hold', 'release', 'approve', 'override', 'override_in_advance', 'schedule', 'advance', 'finish', 'replace'));
