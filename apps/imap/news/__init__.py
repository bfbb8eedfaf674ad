"""News of other mailboxes: NOTIFY."""
