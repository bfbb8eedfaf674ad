"""A message inside a message, and uuencoded files inside text.

The same reader takes it apart that takes the outer one apart: `apps.scan.letter`.
"""

from collections.abc import Iterator
from typing import Final

from apps.mime.decode import base64
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.kinds import NEVER_SHOWN, kind_of
from apps.scan.attachments.member import CARRIED, SHOWN, Member
from apps.scan.letter import read
from apps.scan.letter.parts import Part

_PIECE: Final = "it is a piece of a message whose other pieces come by themselves"


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """All parts of a message, text too: a virus may stand in it."""
    letter = read(data)
    for part in letter.parts:
        budget.count()
        yield member(part, budget, budget.limits.member)
    if letter.beyond:
        raise Damaged(letter.beyond[0])


def member(part: Part, budget: Budget, most: int) -> Member:
    """A part as a file, at most `most` octets of it."""
    content = part.content(most + 1)
    budget.spend(len(content))
    name = next((name for name in part.names if name), "")
    return Member(
        name,
        content[:most],
        declared=part.type,
        is_cut=len(content) > most,
        marks=(SHOWN,) if part.is_text and kind_of(content) not in NEVER_SHOWN else (),
        why_not=_PIECE if part.type == "message/partial" else "",
        other_names=tuple(other for other in part.names if other != name)[:4],
    )


def base64_text(data: bytes, budget: Budget) -> Iterator[Member]:
    """What stands in base64 in a file of its own, or where nothing said so: readers differ on which
    of two Content-Transfer-Encodings counts."""
    content = base64(data)
    budget.spend(len(content))
    yield Member("", content[: budget.limits.member], marks=(CARRIED,))


def uuencoded(data: bytes, budget: Budget) -> Iterator[Member]:
    """Files inside a text: it is read as the text of a message that has no header."""
    return (one for one in members(b"\r\n" + data, budget) if one.name)
