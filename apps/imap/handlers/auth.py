"""STARTTLS, LOGIN, AUTHENTICATE (RFC 3501 section 6.2, RFC 4959).

A password is looked at only where it may travel, by the one `authenticate` of the house, on the
pool for hashes. Answers to a wrong password and an unknown user are the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from apps.directory.authentication import Principal, authenticate
from apps.directory.signin import SignIn, bindings_at
from apps.imap.context import CommandError, Context, Reply, State, no
from apps.imap.handlers.registry import capabilities, command
from apps.imap.proto.commands import (
    Authenticate,
    Login,
    Plain,
    parse_authenticate,
    parse_login,
)
from apps.imap.proto.responses import capability, untagged
from apps.runtime.db import in_db
from apps.wire import sasl
from apps.wire.errors import AuthenticationFailed
from apps.wire.lines import RawCommand
from apps.wire.mechanisms import offered

T = TypeVar("T")


def _mechanisms(context: Context) -> Sequence[str]:
    # LOGIN is what the LOGIN command is for.
    channel = context.channel
    return offered(bindings_at("imap", channel.bindings), secure=channel.is_secure, login=False)


def _starttls_word(context: Context) -> Sequence[str]:
    offered = context.channel.may_start_tls and context.principal is None
    return ("STARTTLS",) if offered else ()


def _login_word(context: Context) -> Sequence[str]:
    return () if context.channel.may_send_passwords else ("LOGINDISABLED",)


def _auth_words(context: Context) -> Sequence[str]:
    if context.principal is not None or not context.channel.may_send_passwords:
        return ("SASL-IR",)
    return ("SASL-IR", *(f"AUTH={name}" for name in _mechanisms(context)))


@command("STARTTLS", needs=State.NOT_AUTHENTICATED, only_there=True, capability=_starttls_word)
async def starttls(context: Context, _: Plain) -> Reply:
    """RFC 3501 section 6.2.1. The dispatcher sends the OK, then starts the handshake."""
    if not context.channel.may_start_tls:
        raise CommandError("TLS is running already")
    return Reply("Begin TLS negotiation now")


@command(
    "LOGIN",
    parse=parse_login,
    needs=State.NOT_AUTHENTICATED,
    only_there=True,
    capability=_login_word,
)
async def login(context: Context, cmd: Login) -> Reply:
    """RFC 3501 section 6.2.3."""
    if not context.channel.may_send_passwords:
        return no("Passwords are refused without TLS: use STARTTLS", b"PRIVACYREQUIRED")
    try:
        username, password = cmd.username.decode("utf-8"), cmd.password.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthenticationFailed("a user name or password that is not UTF-8") from None
    return await _sign_in(context, username, password)


@command(
    "AUTHENTICATE",
    parse=parse_authenticate,
    needs=State.NOT_AUTHENTICATED,
    only_there=True,
    capability=_auth_words,
)
async def authenticate_(context: Context, cmd: Authenticate) -> Reply:
    """RFC 3501 section 6.2.2, with the initial response of RFC 4959."""
    if cmd.mechanism not in _mechanisms(context):
        return no("This mechanism is not offered", b"CANNOT")
    if not context.channel.may_send_passwords:
        return no("Passwords are refused without TLS: use STARTTLS", b"PRIVACYREQUIRED")
    channel = context.channel
    exchange = SignIn(
        cmd.mechanism,
        address=channel.address,
        door="imap",
        secure=channel.is_secure,
        bindings=bindings_at("imap", channel.bindings),
        server_name=channel.server_name,
        client=context.client,
    )
    answer = await _counted(context, exchange.start(cmd.initial))
    while isinstance(answer, sasl.Challenge):
        context.write(b"+ %b\r\n" % answer.encoded)
        await channel.drain()
        answer = await _counted(context, exchange.step(await _answer(context)))
    if isinstance(answer, sasl.Failure):
        raise CommandError(f"Authentication ended: {answer.reason}")
    return _enter(context, answer)


async def _answer(context: Context) -> bytes:
    """Return the client's answer to a challenge: one line, which has no tag."""
    event = await context.channel.next_event()
    if isinstance(event, RawCommand) and len(event.tokens) == 1:
        line = event.tokens[0]
        return line if isinstance(line, bytes) else b"*"
    return b"*"


async def _sign_in(context: Context, username: str, password: str) -> Reply:
    checked = in_db(
        "hash",
        authenticate,
        username=username,
        password=password,
        address=context.channel.address,
        door="imap",
        secure=context.channel.is_secure,
        client=context.client,
    )
    return _enter(context, await _counted(context, checked))


async def _counted(context: Context, attempt: Awaitable[T]) -> T:
    """Await what may be refused; who is refused too often is cut off."""
    try:
        return await attempt
    except AuthenticationFailed:
        context.failed_logins += 1
        if context.failed_logins >= context.limits.failed_logins:
            context.write(untagged(b"BYE", "Too many failed logins"))
            context.state = State.LOGOUT
        raise


def _enter(context: Context, principal: Principal) -> Reply:
    if not context.channel.sign_in(principal):
        context.write(untagged(b"BYE", "Too many connections of this user", b"LIMIT"))
        context.state = State.LOGOUT
        return no("Too many connections of this user", b"LIMIT")
    context.principal = principal
    context.state = State.AUTHENTICATED
    context.new_limits = True
    return Reply("Signed in", capability(capabilities(context)))
