"""Checks mail at rest against what it is made of: `checking.check` does all of it."""
