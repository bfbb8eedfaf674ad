"""A message taken apart for those who judge it: once, lazily, within limits. Pure.

`read` promises for any octets: no exception, time and memory linear in the size of the message and
bounded by the limits below, nothing computed that nobody asks for. What is inside an attached
message is not looked into: `read(part.content(limit))` does that, as deep as the caller wishes.
"""

from apps.scan.letter.letter import Letter, read
from apps.scan.letter.links import Link
from apps.scan.letter.page import Page
from apps.scan.letter.parts import Part
from apps.scan.letter.people import Person

__all__ = ["Letter", "Link", "Page", "Part", "Person", "read"]
