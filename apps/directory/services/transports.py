"""Transports: the only door through which their rows change.

A password is taken only where it travels safely: to a server whose certificate is verified, or to
this machine itself. It is kept sealed for that host and user name.
"""

import ipaddress
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects, transports
from apps.directory.models import Transport, TransportProtocol, TransportScope, TransportTls
from apps.directory.services import domains
from apps.mime.address import AddressError, normalise_domain
from apps.runtime import sealing
from apps.runtime.exchange import exchange
from apps.wire.errors import InvalidName, NotFound

PORTS: Final = {TransportProtocol.SMTP: 25, TransportProtocol.LMTP: 24}
IMPLICIT_PORT: Final = 465  # RFC 8314 section 7.3
MAX_PASSWORD: Final = 1_000  # characters
_SAID: Final = ("protocol", "host", "port", "tls", "username")
_VERIFIED: Final = frozenset({TransportTls.VERIFY, TransportTls.IMPLICIT})


@dataclass(frozen=True, slots=True)
class Server:
    """Where a transport leads, as an administrator wrote it: checked by `put`.

    Args:
        host: a name (its MX is not asked) or an IP address.
        port: None is the one that the protocol is known by.
        tls: None is opportunistic; verified, where there is a password.
    """

    host: str
    port: int | None = None
    protocol: TransportProtocol = TransportProtocol.SMTP
    tls: TransportTls | None = None
    username: str = ""
    password: str = ""


def put(*, scope: TransportScope, domain: str = "", server: Server) -> Transport:
    """Set the transport of a rule, in place of the one that it had.

    Args:
        domain: for RECIPIENT any domain, with a leading dot also those below it; for SENDER one
            that is hosted here; for ALL nothing.

    Raises:
        InvalidName: a value that cannot be, or a password that would travel unprotected.
        NotFound: the sender's domain is not hosted here.
    """
    stored = rule_domain(scope, domain)
    values = _checked(server)
    with transaction.atomic():
        found, _ = Transport.objects.update_or_create(scope=scope, domain=stored, defaults=values)
        detail = {name: value for name, value in values.items() if name != "secret"}
        record("transport.set", **_about(found), detail=detail)
    return found


def remove(*, scope: TransportScope, domain: str = "") -> Transport:
    """Remove the transport of a rule; return what it was.

    Raises:
        InvalidName, NotFound
    """
    stored = stored_domain(scope, domain)
    with transaction.atomic():
        found = Transport.objects.select_for_update().filter(scope=scope, domain=stored).first()
        if found is None:
            raise NotFound(
                f"transport {scope} {stored}",
                text=f"There is no transport {scope} {stored}".strip(),
            )
        key = found.pk
        record("transport.remove", **_about(found), detail={"host": found.host})
        found.delete()
        found.pk = key
    return found


def standing(scope: TransportScope, domain: str) -> dict[str, Any] | None:
    """What the transport of a rule is, held until the transaction ends; None: there is none.

    Args:
        domain: as it is stored.

    Returns:
        JSON. The password is sealed, as in the row: for this host and user name alone.
    """
    rows = Transport.objects.select_for_update().filter(scope=scope, domain=domain)
    found = rows.values(*_SAID, "secret").first()
    return None if found is None else {**found, "secret": b64encode(found["secret"]).decode()}


def put_back(
    *,
    scope: TransportScope,
    domain: str,
    now: Mapping[str, Any] | None,
    then: Mapping[str, Any] | None,
) -> bool:
    """Set the transport of a rule as it was before, if it is what is expected.

    Args:
        now, then: as `standing` gave them; None for none.

    Returns:
        Whether it was.

    Raises:
        InvalidName
        NotFound: the sender's domain is hosted here no more.
    """
    stored = stored_domain(scope, domain) if then is None else rule_domain(scope, domain)
    with transaction.atomic():
        is_changed = exchange(
            Transport,
            {"scope": scope, "domain": stored},
            now=None if now is None else _columns(now),
            then=None if then is None else _columns(then),
            first={},
        )
        if is_changed and then is not None:
            row = Transport.objects.get(scope=scope, domain=stored)
            record("transport.set", **_about(row), detail={name: then[name] for name in _SAID})
        elif is_changed and now is not None:
            gone = Transport(scope=scope, domain=stored)
            record("transport.remove", **_about(gone), detail={"host": now["host"]})
    return is_changed


def _columns(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: said[name] for name in _SAID}, "secret": b64decode(said["secret"])}


def _about(rule: Transport) -> subjects.Subject:
    return subjects.of_service(f"{rule.scope} {rule.domain}".rstrip())


def forget_sender(domain: str) -> None:
    """Remove the transport for mail from a domain that is hosted here no more."""
    Transport.objects.filter(scope=TransportScope.SENDER, domain=domain).delete()


def stored_domain(scope: TransportScope, text: str) -> str:
    """The stored form of the domain of a rule that may be there. A sender's may be hosted here no
    more: its rule must still be removable. Raises: InvalidName."""
    return "" if scope == TransportScope.ALL else _any_domain(text)


def rule_domain(scope: TransportScope, text: str) -> str:
    """The stored form of a rule's domain; raise InvalidName or NotFound."""
    if scope == TransportScope.ALL:
        if text:
            raise InvalidName("domain of all", text="A transport for all mail names no domain")
        return ""
    if scope == TransportScope.SENDER:
        return domains.find(text).name
    return _any_domain(text)


def _any_domain(text: str) -> str:
    text = text.strip()
    try:
        name = normalise_domain(text.removeprefix("."))
    except AddressError as error:
        raise InvalidName(str(error), text=f"Not a domain name: {error}") from None
    if name.startswith("["):
        raise InvalidName("literal", text="A transport is for a domain, not for an IP address")
    return f".{name}" if text.startswith(".") else name


def _checked(server: Server) -> dict[str, object]:
    host = host_name(server.host)
    tls = server.tls or (TransportTls.VERIFY if server.username else TransportTls.OPPORTUNISTIC)
    port = server.port
    if port is None:
        port = IMPLICIT_PORT if tls == TransportTls.IMPLICIT else PORTS[server.protocol]
    if not 0 < port < 65536:
        raise InvalidName(f"port {port}", text="A port is a number from 1 to 65535")
    _check_login(server, host, tls)
    return {
        "protocol": server.protocol,
        "host": host,
        "port": port,
        "tls": tls,
        "username": server.username,
        "secret": sealing.seal(
            server.password.encode(), context=transports.context(host, server.username)
        )
        if server.username
        else b"",
    }


def _check_login(server: Server, host: str, tls: TransportTls) -> None:
    if bool(server.username) != bool(server.password):
        raise InvalidName("half a login", text="A user name and a password belong together")
    for value, most in ((server.username, 320), (server.password, MAX_PASSWORD)):
        # NUL divides the parts of SASL PLAIN (RFC 4616); nobody means other control characters.
        if len(value) > most or any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise InvalidName("login", text="This user name or password cannot be sent")
    if server.username and tls not in _VERIFIED and not _is_here(host):
        raise InvalidName(
            f"password with tls {tls}",
            text="A password is sent to a verified server only: TLS must be verify or implicit",
        )


def host_name(text: str) -> str:
    """The stored form of a host: a lower-case name in A-labels, or an IP address.

    Raises:
        InvalidName
    """
    text = text.strip()
    is_bracketed = text.startswith("[") and text.endswith("]")
    if "%" in text:  # a zone means something on one host only, and no worker need run on this one
        raise InvalidName("zone", text="Not a host: an IP address here has no zone")
    try:
        return str(ipaddress.ip_address(text[1:-1] if is_bracketed else text))
    except ValueError:
        pass
    try:
        name = normalise_domain(text)
    except AddressError as error:
        raise InvalidName(str(error), text=f"Not a host: {error}") from None
    if name.startswith("[") or name.rpartition(".")[2].isdigit():
        raise InvalidName("host", text="Not a host: neither a name nor an IP address")
    return name


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
