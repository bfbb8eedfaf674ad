"""COMPRESS (RFC 4978): from the answer on both sides send DEFLATE."""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import CommandError, Context, Reply, State, no
from apps.imap.handlers.registry import command
from apps.imap.proto.commands import Compress, parse_compress


def _word(context: Context) -> Sequence[str]:
    offered = context.state is not State.NOT_AUTHENTICATED and not context.channel.is_compressed
    return ("COMPRESS=DEFLATE",) if offered else ()


@command("COMPRESS", parse=parse_compress, capability=_word)
async def compress(context: Context, cmd: Compress) -> Reply:
    """Not twice: as Cyrus and Dovecot answer, and section 3's own example."""
    if cmd.algorithm != b"DEFLATE":
        raise CommandError("The only compression is DEFLATE")
    if context.channel.is_compressed:
        return no("DEFLATE is active already", b"COMPRESSIONACTIVE")
    return Reply("DEFLATE active", afterwards=context.channel.start_compression)
