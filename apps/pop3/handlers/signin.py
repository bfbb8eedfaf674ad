"""The way into TRANSACTION: USER and PASS (RFC 1939), AUTH (RFC 5034), STLS (RFC 2595).

A password is looked at only where it may travel, by the one `authenticate` of the house, on the
pool for hashes. Answers to a wrong password and an unknown user are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.directory.authentication import Principal, authenticate
from apps.directory.signin import SignIn, bindings_at
from apps.pop3 import maildrop
from apps.pop3.context import Context, RefusalError, State
from apps.pop3.handlers.registry import command
from apps.pop3.proto.commands import Command, GrammarError
from apps.runtime.db import in_db
from apps.wire import sasl
from apps.wire.errors import AuthenticationFailed
from apps.wire.mechanisms import offered


def _mechanisms(context: Context) -> Sequence[str]:
    """Those offered now; what LOGIN does USER and PASS do."""
    if not context.channel.may_send_passwords:
        return ()
    channel = context.channel
    return offered(bindings_at("pop3", channel.bindings), secure=channel.is_secure, login=False)


def _stls_line(context: Context) -> Sequence[str]:
    # RFC 2595 section 4: announced only where it is permitted now.
    offered = context.state is State.AUTHORIZATION and context.channel.may_start_tls
    return ("STLS",) if offered else ()


def _user_line(context: Context) -> Sequence[str]:
    return ("USER",) if context.channel.may_send_passwords else ()


def _sasl_line(context: Context) -> Sequence[str]:
    names = _mechanisms(context)
    return (f"SASL {' '.join(names)}",) if names else ()


@command("STLS", State.AUTHORIZATION, capability=_stls_line)
async def stls(context: Context, _: Command) -> None:
    """RFC 2595 section 4; what was said in the clear is forgotten."""
    if context.utf8:  # RFC 6856 section 2.1
        raise RefusalError("STLS has to come before UTF8")
    if not context.channel.may_start_tls:
        raise RefusalError("TLS is running already")
    context.ok("Begin TLS negotiation now")
    await context.channel.start_tls()
    context.username = ""


@command("USER", State.AUTHORIZATION, capability=_user_line)
async def user(context: Context, command: Command) -> None:
    """The name; whether there is such a user the answer does not tell."""
    _need_privacy(context)
    if not command.text.strip():
        raise GrammarError("expected a name")
    context.username = _text(command.text)
    context.ok("And the password?")


@command("PASS", State.AUTHORIZATION)
async def password(context: Context, command: Command) -> None:
    """The password, which may hold blanks (RFC 1939 section 7, PASS)."""
    _need_privacy(context)
    if not context.username:
        raise RefusalError("USER comes first")
    name, context.username = context.username, ""
    await _sign_in(context, name, _text(command.text))


@command("AUTH", State.AUTHORIZATION, capability=_sasl_line)
async def auth(context: Context, command: Command) -> None:
    """AUTH, with or without an initial response; AUTH alone lists, as clients older than
    CAPA expect it.
    """
    name, _, initial = command.text.partition(b" ")
    if not name:
        await context.lines("Mechanisms", _mechanisms(context))
        return
    _need_privacy(context)
    mechanism = name.decode("ascii", "replace").upper()
    if mechanism not in _mechanisms(context):
        raise RefusalError("This mechanism is not offered")
    channel = context.channel
    exchange = SignIn(
        mechanism,
        address=channel.address,
        door="pop3",
        secure=channel.is_secure,
        bindings=bindings_at("pop3", channel.bindings),
        server_name=channel.server_name,
    )
    answer = await exchange.start(initial or None)
    while isinstance(answer, sasl.Challenge):
        channel.write(b"+ %b\r\n" % answer.encoded)
        await channel.drain()
        answer = await exchange.step(await channel.next_line())
    if isinstance(answer, sasl.Failure):
        raise RefusalError(f"Authentication ended: {answer.reason}")
    await _enter(context, answer)


@command("APOP", State.AUTHORIZATION)
async def apop(_: Context, __: Command) -> None:
    """Refused in words: its MD5 digest (RFC 1939 section 7) needs the password itself kept, and
    ours are kept as hashes.
    """
    raise RefusalError("APOP is not offered: use USER and PASS, or AUTH PLAIN, under TLS")


def _need_privacy(context: Context) -> None:
    if not context.channel.may_send_passwords:
        raise RefusalError("Passwords are refused without TLS: use STLS")


def _text(raw: bytes) -> str:
    """RFC 6856 section 2.2: names and passwords that are not UTF-8 are rejected."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthenticationFailed("a user name or password that is not UTF-8") from None


async def _sign_in(context: Context, username: str, password: str) -> None:
    channel = context.channel
    principal = await in_db(
        "hash",
        authenticate,
        username=username,
        password=password,
        address=channel.address,
        door="pop3",
        secure=channel.is_secure,
    )
    await _enter(context, principal)


async def _enter(context: Context, principal: Principal) -> None:
    channel = context.channel
    if not channel.sign_in(principal):
        context.err("Too many connections of this user", "SYS/TEMP")
        context.state = State.OVER
        return
    context.principal = principal
    try:
        await _open(context, principal.user_id)
    except BaseException:
        context.state = State.OVER  # signed in and nothing to show: no state to go on from
        raise


async def _open(context: Context, user_id: int) -> None:
    """Enter TRANSACTION, if nobody else is in it."""
    context.locked = await context.locks.take(user_id)
    if not context.locked:
        # RFC 2449 section 8.1.2: the code tells it from a wrong password.
        context.err("Another session has this mailbox open", "IN-USE")
        context.state = State.OVER
        return
    context.drop = await in_db("read", maildrop.open_maildrop, user_id, utf8=context.utf8)
    context.state = State.TRANSACTION
    context.bad = 0
    context.ok(f"{len(context.drop)} messages")
