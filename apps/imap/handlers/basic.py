"""CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE."""

from __future__ import annotations

from django.conf import settings

from apps.imap.context import Context, Reply, State
from apps.imap.handlers.registry import ENABLEABLE, capabilities, command
from apps.imap.names.annotating import watch as watch_annotations
from apps.imap.proto.commands import Enable, Identify, Plain, parse_enable, parse_id
from apps.imap.proto.responses import capability, id_line, untagged
from apps.imap.telling import enable_condstore

_SPELT = {"IMAP4REV2": "IMAP4rev2"}


@command("CAPABILITY", needs=State.NOT_AUTHENTICATED, capability="IMAP4rev1 IMAP4rev2 LITERAL+")
async def give_capability(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.1.1; LITERAL+ is the command buffer's own (RFC 7888)."""
    context.write(b"* %b\r\n" % capability(capabilities(context)))
    return Reply("Capabilities listed")


@command("NOOP", needs=State.NOT_AUTHENTICATED)
async def noop(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.1.2: a client's way to ask for news, so the database is asked."""
    if context.selected is not None:
        await context.refresh()
    return Reply("Nothing done")


@command("CHECK", needs=State.SELECTED)
async def check(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.4.1: every change is durable before its OK, so nothing is left to do."""
    await context.refresh()
    return Reply("All is checked")


@command("LOGOUT", needs=State.NOT_AUTHENTICATED)
async def logout(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.1.3."""
    context.unselect()
    context.write(untagged(b"BYE", "Logging out"))
    context.state = State.LOGOUT
    return Reply("Goodbye")


@command("ID", parse=parse_id, needs=State.NOT_AUTHENTICATED, capability="ID")
async def identify(context: Context, cmd: Identify) -> Reply:
    """RFC 2971; the version is told only to those who signed in."""
    fields = dict(cmd.fields)
    context.client = " ".join(
        value for key in ("name", "version") if (value := fields.get(key, "").strip())
    )[:200]
    ours = [("name", "mailhost")]
    if context.principal is not None:
        ours.append(("version", settings.VERSION))
    context.write(id_line(ours))
    return Reply("Pleased to meet you")


@command("ENABLE", parse=parse_enable, capability="ENABLE UIDONLY", enables="UIDONLY IMAP4REV2")
async def enable(context: Context, cmd: Enable) -> Reply:
    """RFC 5161: answers with what was switched on now, perhaps nothing."""
    names = [name for raw in cmd.names if (name := raw.decode("ascii")) in ENABLEABLE]
    words = [_SPELT.get(name, name) for name in names]
    context.write(b"* ENABLED%b\r\n" % "".join(f" {word}" for word in words).encode("ascii"))
    if not {"CONDSTORE", "QRESYNC"}.isdisjoint(names):
        enable_condstore(context)
    context.enabled.update(names)
    if "METADATA" in names:
        await watch_annotations(context)
    return Reply("Enabled")
