"""Domains as the console shows them: reads for its pages, and what is done to many at once."""
