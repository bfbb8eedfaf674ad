"""Whether each open door answers as it should, asked as a client would."""

import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.conf import settings

from apps.provisioning.health.checks import Check, State
from apps.runtime.sockets import Endpoint, setting_of

SECONDS: Final = 2.0
# Name for people, what a greeting begins with, whether TLS comes first.
DOORS: Final = {
    "smtp": ("Mail from other servers", b"220", False),
    "submission": ("Submission, STARTTLS", b"220", False),
    "submissions": ("Submission, TLS", b"220", True),
    "lmtp": ("LMTP", b"220", False),
    "imap": ("IMAP, STARTTLS", b"* OK", False),
    "imaps": ("IMAP, TLS", b"* OK", True),
    "pop3": ("POP3, STARTTLS", b"+OK", False),
    "pop3s": ("POP3, TLS", b"+OK", True),
}
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (names, not a bind)
_LOOPBACK: Final = ("127.", "::1", "localhost")
_GREETING: Final = 512


def listeners() -> list[Check]:
    """All doors at once."""
    where = {door: _endpoint(door) for door in DOORS}
    with ThreadPoolExecutor(len(DOORS) + 1, thread_name_prefix="door") as pool:
        web = pool.submit(_web, _endpoint("web"))
        found = list(pool.map(_mail, where, where.values()))
    return [*found, web.result()]


def _endpoint(door: str) -> Endpoint | None:
    found: Endpoint | None = getattr(settings, setting_of(door))
    return found


def _mail(door: str, where: Endpoint | None) -> Check:
    name, begins, tls_first = DOORS[door]
    key, setting = f"door.{door}", setting_of(door)
    if where is None:
        return Check(key, name, State.OFF, f"Switched off ({setting}).")
    try:
        greeting = _greeting(where, tls_first)
    except ConnectionRefusedError:
        return _closed(key, name, where, setting)
    except TimeoutError:
        return _silent(key, name, where)
    except (OSError, ssl.SSLError) as error:
        return _failed(key, name, where, error)
    if not greeting.startswith(begins):
        words = f"Something else answers at {where}."
        return Check(key, name, State.BAD, words, f"Another program has the port: see {setting}.")
    return Check(key, name, State.OK, f"It greets at {where}.{_reach(where)}")


def _web(where: Endpoint | None) -> Check:
    """No more than a connection: the page that asks may be served by this very process."""
    key, name = "door.web", "Web"
    if where is None:
        return Check(key, name, State.OFF, "Switched off (WEB_LISTEN).")
    try:
        with _connected(where, settings.WEB_TLS):
            return Check(key, name, State.OK, f"It takes connections at {where}.{_reach(where)}")
    except ConnectionRefusedError:
        return _closed(key, name, where, "WEB_LISTEN")
    except TimeoutError:
        return _silent(key, name, where)
    except (OSError, ssl.SSLError) as error:
        return _failed(key, name, where, error)


def _closed(key: str, name: str, where: Endpoint, setting: str) -> Check:
    words = f"Nobody listens at {where}."
    advice = f"Start the service, or empty {setting} if you do not want this door."
    return Check(key, name, State.BAD, words, advice)


def _silent(key: str, name: str, where: Endpoint) -> Check:
    words = f"It does not answer at {where} within {SECONDS:g} seconds."
    return Check(key, name, State.BAD, words, "See the log: its process may hang.")


def _failed(key: str, name: str, where: Endpoint, error: OSError) -> Check:
    words = f"It fails at {where}: {getattr(error, 'reason', None) or type(error).__name__}."
    return Check(key, name, State.BAD, words, "See the log, and the certificate below.")


def _reach(where: Endpoint) -> str:
    return " Only this machine reaches it." if where.host.startswith(_LOOPBACK) else ""


def _greeting(where: Endpoint, tls_first: bool) -> bytes:
    with _connected(where, tls_first) as line:
        heard = b""
        while b"\n" not in heard and len(heard) < _GREETING:
            more = line.recv(_GREETING)
            if not more:
                break
            heard += more
        return heard


def _connected(where: Endpoint, tls_first: bool) -> socket.socket:
    host = _ANYWHERE.get(where.host, where.host)
    line = socket.create_connection((host, where.port), SECONDS)
    if not tls_first:
        return line
    try:
        return _context().wrap_socket(line, server_hostname=str(settings.MAIL_HOSTNAME))
    except BaseException:
        line.close()
        raise


def _context() -> ssl.SSLContext:
    # It is ourselves; what the certificate is worth is a check of its own.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def names() -> Sequence[str]:
    """The doors that are looked at, but for the web."""
    return tuple(DOORS)
