"""What there is, and what shall go: STAT, LIST, UIDL, DELE, RSET (RFC 1939 sections 5 and 7).

All of it is answered from the maildrop as it was at sign-in: numbers stay, whatever comes or goes
meanwhile, and no question costs a query.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.pop3.context import Context, RefusalError, State
from apps.pop3.handlers.registry import command
from apps.pop3.proto.commands import Command


def chosen(context: Context, command: Command) -> int:
    """Return the number of the message that a command is about."""
    number = command.numbers[0]
    if context.drop.uid(number) is None:
        raise RefusalError("No such message")
    return number


def _rows(form: bytes, numbers: Sequence[int], values: Sequence[int] | Sequence[bytes]) -> bytes:
    """Format all pairs in one go, which takes a third of the time that one after another does."""
    flat: list[int | bytes] = [0] * (2 * len(numbers))
    flat[::2], flat[1::2] = numbers, values
    return form * len(numbers) % tuple(flat)


@command("STAT", State.TRANSACTION)
async def stat(context: Context, _: Command) -> None:
    """Count and octets of what is not marked."""
    count, octets = context.drop.totals()
    context.ok(f"{count} {octets}")


@command("LIST", State.TRANSACTION)
async def list_(context: Context, command: Command) -> None:
    """Sizes: the octets that RETR would send, stuffed dots not counted."""
    drop = context.drop
    if command.numbers:
        number = chosen(context, command)
        context.ok(f"{number} {drop.sizes[number - 1]}")
        return
    count, octets = drop.totals()
    pieces = (_rows(b"%d %d\r\n", some, drop.sizes_of(some)) for some in drop.unmarked())
    await context.listing(f"{count} messages ({octets} octets)", pieces)


@command("UIDL", State.TRANSACTION, capability="UIDL")
async def uidl(context: Context, command: Command) -> None:
    """Unique ids."""
    drop = context.drop
    if command.numbers:
        number = chosen(context, command)
        context.ok(f"{number} {drop.unique_id(number)}")
        return
    pieces = (_rows(b"%d %b\r\n", some, drop.unique_ids(some)) for some in drop.unmarked())
    await context.listing("Unique ids", pieces)


@command("DELE", State.TRANSACTION)
async def dele(context: Context, command: Command) -> None:
    """Mark; done at QUIT."""
    context.drop.deleted.add(chosen(context, command))
    context.ok("Marked for deletion")


@command("RSET", State.TRANSACTION)
async def rset(context: Context, _: Command) -> None:
    """Take all marks back."""
    context.drop.deleted.clear()
    context.ok("Nothing is marked")
