"""Mailboxes in memory: what is in them, and what each session has been told of it."""
