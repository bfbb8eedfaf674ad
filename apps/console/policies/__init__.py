"""The page of policies: which there are (`fields`), what holds where (`standing`), and what a form
that was sent would change (`changes`)."""
