"""What stands behind a program in one file: archives that unpack themselves."""

from collections.abc import Iterator

from apps.scan.attachments import starts
from apps.scan.attachments.budget import Budget
from apps.scan.attachments.member import Member


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """The first archive of each kind, with all that follows it: that hurts none of them."""
    for kind in starts.MARKS:
        at = starts.start(data, kind)
        if at > 0:
            budget.count()
            yield Member(f"(the archive in it).{kind}", data[at:])
