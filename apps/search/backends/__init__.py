"""Where the index lies: a file beside SQLite, or tables of Postgres."""
