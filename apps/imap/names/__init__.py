"""Names of mailboxes: what they lead to, how they are listed, counted and annotated."""
