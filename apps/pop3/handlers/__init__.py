"""POP3's commands, by theme; each module registers its own (see `registry`)."""
