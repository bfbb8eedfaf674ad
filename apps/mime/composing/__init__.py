"""A letter put together as a message: its header, its text, its files."""
