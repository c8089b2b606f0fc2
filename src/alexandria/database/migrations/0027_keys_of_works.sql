-- The matcher reads titles and names of more languages than before, so the keys of all works are made again: after the
-- steps, in the same transaction.

DELETE FROM work_block;
