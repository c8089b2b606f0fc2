-- No pause of an earlier version lasts until 2082 because an instant was taken for a number of seconds.

UPDATE lane SET paused_until = now() + interval '1 day' WHERE paused_until > now() + interval '1 day 2 hours';
