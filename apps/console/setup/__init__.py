"""The first run: from an account to a delivered message."""
