-- Books that sources confirm or contradict for their month, by score: they may all be surer than those of the other kinds.

CREATE INDEX work_listing_in_month_score ON work_listing (in_month, score, work_id) WHERE score IS NOT NULL;
