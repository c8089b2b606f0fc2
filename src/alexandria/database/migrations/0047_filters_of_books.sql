-- Filters of the list of books that hardly ever hold together read few of its rows, not all of them.

-- Without it PostgreSQL takes them for independent, expects enough books early in the order of the list, and walks through it.
CREATE STATISTICS IF NOT EXISTS work_listing_filters (mcv) ON language, status, source, in_month FROM work_listing;
