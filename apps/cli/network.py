"""Asking another server, over HTTPS.

A token goes over plain HTTP to this machine alone, and no redirection is followed: it would be sent
to whoever is named there. What may be asked again is, when the connection breaks or the server says
when to come back: each POST carries an Idempotency-Key, so it is done once.
"""

import base64
import http.client
import io
import ipaddress
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any, Final
from urllib.parse import SplitResult, urlsplit

from apps.cli.asking import Answer, Request
from apps.cli.contract import BASE
from apps.cli.failures import Failed, WrongCall

TRIES: Final = 4
LONGEST_WAIT: Final = 60.0  # seconds
WAITS: Final = (1.0, 2.0, 4.0)
TIMEOUT: Final = 60.0  # seconds that the server may say nothing
PIECE: Final = 64 * 1024
_AGAIN: Final = frozenset({429, 503})


class Network:
    """A server elsewhere.

    Args:
        url: its root, such as https://mail.example.org.
        authorization: what the header of that name says.
        ca: a file of certificates to trust in place of this machine's.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        url: str,
        authorization: str,
        ca: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = _checked(url)
        self._authorization = authorization
        self._tls = _context(ca) if self._url.scheme == "https" else None
        self._sleep = sleep

    def ask(self, request: Request) -> Answer:
        """Ask, again if that may help; raises Failed."""
        if request.method == "POST" and "Idempotency-Key" not in request.headers:
            headers = {**request.headers, "Idempotency-Key": str(uuid.uuid4())}
            request = replace(request, headers=headers)
        for wait in (*WAITS, None):
            may_try_again = wait is not None and _can_be_sent_again(request.body)
            try:
                answer = self._once(request)
            except (OSError, http.client.HTTPException) as error:
                if not may_try_again or isinstance(error, ssl.SSLCertVerificationError):
                    raise Failed(self._unreached(error)) from None
                self._sleep(wait or 0)
                continue
            if answer.status not in _AGAIN or not may_try_again:
                return answer
            self._sleep(_asked_wait(answer.headers, wait or 0))
            answer.read()
        raise AssertionError("the last try returns or raises")

    def _once(self, request: Request) -> Answer:
        connection = self._connection()
        headers = {
            "Accept": "*/*",
            "Authorization": self._authorization,
            "User-Agent": "mailhost",
            **request.headers,
        }
        if request.media_type:
            headers["Content-Type"] = request.media_type
        path = f"{self._url.path.rstrip('/')}{BASE}{request.path}"
        body = request.body if request.body or request.method != "GET" else None
        try:
            connection.request(request.method, path, body=body, headers=headers)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, _pieces(connection, response))

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self._tls)

    def _unreached(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {self._url.hostname} is not trusted here"
                f" ({error.verify_message}): name its authority with --ca FILE"
            )
        return f"{self._url.geturl()} does not answer: {error or type(error).__name__}"


def bearer(token: str) -> str:
    """A token (RFC 6750); raises WrongCall for what cannot be one."""
    if not token or not token.isascii() or not token.isprintable():
        raise WrongCall("Name the file that your token is in: --token-file FILE, or MAILHOST_TOKEN")
    return f"Bearer {token}"


def basic(address: str, password: str) -> str:
    """An address and its password (RFC 7617); raises WrongCall for what it cannot say."""
    if not address or ":" in address:
        raise WrongCall("An address to sign in with has no colon in it")
    pair = f"{address}:{password}".encode(errors="surrogateescape")
    return f"Basic {base64.b64encode(pair).decode()}"


def _checked(url: str) -> SplitResult:
    """The root of a server; raises WrongCall."""
    try:
        found = urlsplit(url)
        is_whole = bool(found.hostname) and (found.port is None or found.port > 0)
    except ValueError:
        raise WrongCall(f"{url!r} is no address of a server") from None
    if found.scheme not in {"https", "http"} or not is_whole or found.username is not None:
        raise WrongCall(f"{url!r} is no address of a server, such as https://mail.example.org")
    if found.scheme == "http" and not _is_here(found.hostname or ""):
        raise WrongCall(f"{url} would have the token go over plain HTTP: write https://")
    return found


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise WrongCall(f"{ca} cannot be read as certificates: {error}") from None


def _can_be_sent_again(body: bytes | IO[bytes]) -> bool:
    """A file is sent as it is read: it is not there a second time."""
    return isinstance(body, bytes)


def _asked_wait(headers: Mapping[str, str], usual: float) -> float:
    asked = headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT) if asked.isascii() and asked.isdigit() else usual


def _pieces(connection: http.client.HTTPConnection, response: Any) -> Iterator[bytes]:
    """The body as it comes; the connection ends with it."""
    try:
        # What is there, at once: of a long answer each line is worth something.
        while piece := response.read1(PIECE):
            yield piece
    except (OSError, http.client.HTTPException, io.UnsupportedOperation) as error:
        raise Failed(f"The answer broke off: {error or type(error).__name__}") from None
    finally:
        connection.close()
