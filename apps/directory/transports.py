"""Which host mail for other servers is handed to: a named one, or the MX of its domain.

Of the transports that an administrator has set, the most special one wins: for exactly the
recipient's domain; for a domain above it (`.example.net` stands for example.net and all below);
for the sender's domain; for all. Without any, mail goes where MX records lead.

A transport's key names its row and its host, so that a key out of the queue whose transport was
removed or points elsewhere by now is known to be stale: `by_key` gives None, and the recipient is
to be routed anew. What is asked here once per message costs one constant statement.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from django.db import connection

from apps.directory.models import Transport, TransportScope
from apps.remote.types import HopUnreachableError, NextHop
from apps.runtime import sealing
from apps.runtime.rows import Values
from apps.runtime.sealing import SealBrokenError

logger = logging.getLogger(__name__)

MX: Final = "mx/"
MX_OPTIONAL: Final = "mx-tls-optional/"
TRANSPORT: Final = "transport/"
_MAX_ROW: Final = 19  # digits of the largest id

_ASKED: Final = Values("asked", "scope text, domain text")
_COLUMNS: Final = "t.scope, t.domain, t.id, t.protocol, t.host, t.port, t.tls, t.username"
_CANDIDATES: Final = f"""
SELECT {_COLUMNS}
FROM {{asked}}
JOIN directory_transport t ON t.scope = asked.scope AND t.domain = asked.domain"""
_ROW: Final = f"SELECT {_COLUMNS}, t.secret FROM directory_transport t WHERE t.id = %s"


@dataclass(frozen=True, slots=True)
class Choice:
    """A next hop, and the rule that chose it: `scope` and `domain` of the transport, "" for MX."""

    hop: NextHop
    scope: str = ""
    domain: str = ""


def next_hop(sender_domain: str, recipient_domain: str) -> NextHop:
    """Say where mail goes, without the password that it may need there: that is `by_key`'s.

    Args:
        sender_domain: of the reverse path as it will stand on the wire; "" for the null one.
        recipient_domain: A-label or address literal, as `Address.domain`.
    """
    return choose(sender_domain, recipient_domain).hop


def next_hops(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], NextHop]:
    """The same for many (sender domain, recipient domain), in one statement."""
    return {pair: choice.hop for pair, choice in _choices(set(pairs)).items()}


def choose(sender_domain: str, recipient_domain: str) -> Choice:
    """The same for one, with the rule that decided."""
    pair = (sender_domain, recipient_domain)
    return _choices({pair})[pair]


def by_key(key: str) -> NextHop | None:
    """The next hop of a key, complete; None if it is none (any more), so that mail that waits for
    it is to be routed anew.

    Raises:
        HopUnreachableError: its password cannot be decrypted.
    """
    for prefix in (MX, MX_OPTIONAL):
        if key.startswith(prefix):
            host = key.removeprefix(prefix)
            return _mx(host, is_optional=prefix is MX_OPTIONAL) if host else None
    number = key.removeprefix(TRANSPORT).partition("/")[0]
    if not (key.startswith(TRANSPORT) and number.isascii() and number.isdigit()):
        return None
    if len(number) > _MAX_ROW:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ROW, [int(number)])
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, secret = row
    hop = _hop(columns)
    if hop.key != key:
        return None
    return replace(hop, password=_password(hop, secret)) if secret else hop


def tls_optional(key: str) -> str:
    """The key for mail whose sender puts its arrival before the recipient's TLS policy (RFC 8689
    section 4.2.2). It is a destination of its own, so that no connection which that policy forbids
    is ever used for other mail. What an administrator set for a transport stands."""
    return f"{MX_OPTIONAL}{key.removeprefix(MX)}" if key.startswith(MX) else key


def rules(sender_domain: str, recipient_domain: str) -> list[tuple[str, str]]:
    """The (scope, domain) of the transports that may stand for a pair, the first wins."""
    found: list[tuple[str, str]] = [(TransportScope.RECIPIENT, recipient_domain)]
    labels = [] if recipient_domain.startswith("[") else recipient_domain.split(".")
    found += [
        (TransportScope.RECIPIENT, f".{'.'.join(labels[start:])}") for start in range(len(labels))
    ]
    if sender_domain:
        found.append((TransportScope.SENDER, sender_domain))
    found.append((TransportScope.ALL, ""))
    return found


def context(host: str, username: str) -> str:
    """What a transport's password is sealed for: who can write to the database, but has no
    ENCRYPTION_KEY, cannot have it sent to another host."""
    return f"transport/{host}/{username}"


def key_of(transport: Transport) -> str:
    """The queue's name for a transport."""
    return _key(transport.pk, transport.protocol, transport.host, transport.port)


def _choices(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], Choice]:
    wanted = {pair: rules(*pair) for pair in pairs}
    asked = sorted({rule for candidates in wanted.values() for rule in candidates})
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES.format(asked=_ASKED.sql), _ASKED.parameters(asked))
        found = {(row[0], row[1]): Choice(_hop(row), row[0], row[1]) for row in cursor.fetchall()}
    return {
        (sender, recipient): next(
            (found[rule] for rule in candidates if rule in found), Choice(_mx(recipient))
        )
        for (sender, recipient), candidates in wanted.items()
    }


def _mx(domain: str, *, is_optional: bool = False) -> NextHop:
    if is_optional:
        return NextHop(key=f"{MX_OPTIONAL}{domain}", kind="mx", host=domain, tls="optional")
    return NextHop(key=f"{MX}{domain}", kind="mx", host=domain)


def _hop(row: Iterable[Any]) -> NextHop:
    _, _, pk, protocol, host, port, tls, username = row
    return NextHop(
        key=_key(pk, protocol, host, port),
        kind=cast(Literal["smtp", "lmtp"], protocol),
        host=host,
        port=port,
        tls=tls,
        username=username,
    )


def _key(pk: int, protocol: str, host: str, port: int) -> str:
    return f"{TRANSPORT}{pk}/{protocol}:{host}:{port}"


def _password(hop: NextHop, secret: bytes) -> str:
    try:
        return sealing.open_sealed(secret, context=context(hop.host, hop.username)).decode()
    except SealBrokenError as error:
        logger.error("password of a transport cannot be decrypted", extra={"detail": error.detail})
        raise HopUnreachableError(
            "4.3.5",
            f"The password for {hop.host} cannot be decrypted here; the administrator has been"
            " told in the log",
            host=hop.host,
        ) from None
