"""A message taken apart for those who judge it: once, within limits. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """What checks look at."""

    raw: bytes


def read(raw: bytes) -> Letter:
    """Take a message apart; never raises, whatever the octets."""
    return Letter(raw)
