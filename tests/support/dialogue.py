"""Runs a dialogue: a text in which clients and the server speak in turn, as RFCs write it.

    # RFC 3501 section 6.4.3: what the file shows (line 1)
    deliver alice INBOX 3          three messages, "Message 1" and so on
    quota alice 512                she may keep 512 KiB
    login alice                    client 1 signs in
    2 login alice                  client 2 does
    2 secure                       client 2 does the TLS handshake, after STARTTLS or STLS
    2 deflate                      client 2 speaks compressed from here, after COMPRESS
    C: a SELECT INBOX              client 1 sends a line
    S: * 3 EXISTS                  client 1 must get exactly this line next
    S: * OK [UIDNEXT {num}] {any}  {num} is digits, {any} is anything, {set} a sequence set
    2C: b NOOP                     client 2
    2S: b OK {any}
    S~: a OK {any}                 lines are passed over until this one comes
    S: (closed)                    the server closes the connection
    -- a remark

A line that does not come within PATIENCE seconds fails the test; the whole conversation is shown.
"""

import io
import re
import socket
import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 30.0
_STEP = re.compile(r"(\d?)\s*(C|S|S~):(?: (.*))?")
_SECURE = re.compile(r"(\d?)\s*secure")
_DEFLATE = re.compile(r"(\d?)\s*deflate")
_LOGIN = re.compile(r"(\d?)\s*login (\w+)")
_DELIVER = re.compile(r"deliver (\w+) (\S+) (\d+)")
_QUOTA = re.compile(r"quota (\w+) (\d+)")
_HOLES = {"{any}": ".*", "{num}": "[0-9]+", "{set}": "[0-9:,]+"}
_HOLE = re.compile(r"(\{any\}|\{num\}|\{set\})")


def matcher(pattern: str) -> re.Pattern[str]:
    """Compile an expected line."""
    parts = [_HOLES.get(part) or re.escape(part) for part in _HOLE.split(pattern)]
    return re.compile("".join(parts))


class _Inflated:
    """What comes compressed, read as what it says."""

    def __init__(self, packed: socket.socket) -> None:
        self._socket = packed
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._said = b""

    def _more(self) -> bool:
        came = self._socket.recv(65536)
        self._said += self._inflate.decompress(came)
        return bool(came)

    def _take(self, count: int) -> bytes:
        taken, self._said = self._said[:count], self._said[count:]
        return taken

    def readline(self) -> bytes:
        while b"\n" not in self._said and self._more():
            pass
        return self._take(self._said.find(b"\n") + 1 or len(self._said))

    def read(self, count: int) -> bytes:
        while len(self._said) < count and self._more():
            pass
        return self._take(count)

    def close(self) -> None:
        """The socket is closed by who opened it."""


class Client:
    """One connection, by lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file: io.BufferedReader | _Inflated = self.socket.makefile("rb")
        self._deflate: Any = None
        self.greeting = self.line()

    def secure(self, context: ssl.SSLContext, name: str | None = None) -> None:
        """Go on over TLS; `name` is the one the server is asked for."""
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self._file = self.socket.makefile("rb")

    def deflate(self) -> None:
        """Go on compressed, both ways (RFC 4978)."""
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._file = _Inflated(self.socket)

    def send(self, line: str) -> None:
        data = line.encode("latin-1") + b"\r\n"
        if self._deflate is not None:
            data = self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def line(self) -> str:
        """Return the next line without its end; "(closed)" or "(silence)" when there is none."""
        try:
            raw = self._file.readline()
        except ConnectionResetError:
            raw = b""
        except TimeoutError:
            return "(silence)"
        return raw.removesuffix(b"\r\n").decode("latin-1") if raw else "(closed)"

    def octets(self, count: int) -> bytes:
        """Return exactly so many octets: a literal."""
        return self._file.read(count)

    def close(self) -> None:
        self._file.close()
        self.socket.close()


def imap_login(client: Client, address: str, password: str) -> None:
    """Sign in as IMAP does."""
    client.send(f'login LOGIN {address} "{password}"')
    answer = client.line()
    assert answer.startswith("login OK"), answer


def trusting() -> ssl.SSLContext:
    """A client's TLS that takes any certificate: dialogues are not about those."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Dialogue:
    """One file on its way.

    Args:
        port: of the server.
        deliver: puts messages into a user's mailbox: (user, mailbox, how many).
        addresses: user -> address to sign in with; the password is everybody's.
        sign_in: how that is done.
        limit: sets a user's quota: (user, KiB).
    """

    port: int
    deliver: Callable[[str, str, int], None]
    addresses: dict[str, str]
    password: str
    sign_in: Callable[[Client, str, str], None] = imap_login
    limit: Callable[[str, int], None] | None = None
    said: list[str] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)

    def run(self, script: str) -> None:
        first, *steps = script.splitlines()
        assert re.match(r"# RFC \d+", first), "line 1 names the RFC and section"
        try:
            for number, step in enumerate(steps, 2):
                self._step(number, step.rstrip())
        finally:
            for client in self.clients.values():
                client.close()

    def _step(self, number: int, step: str) -> None:
        if not step or step.startswith(("#", "--")):
            return
        if found := _DELIVER.fullmatch(step):
            self.deliver(found[1], found[2], int(found[3]))
        elif self.limit is not None and (found := _QUOTA.fullmatch(step)):
            self.limit(found[1], int(found[2]))
        elif found := _LOGIN.fullmatch(step):
            self.sign_in(self._client(found[1]), self.addresses[found[2]], self.password)
        elif found := _SECURE.fullmatch(step):
            self._client(found[1]).secure(trusting())
        elif found := _DEFLATE.fullmatch(step):
            self._client(found[1]).deflate()
        elif found := _STEP.fullmatch(step):
            self._speak(number, found[1], found[2], found[3] or "")
        else:
            raise AssertionError(f"line {number}: not understood: {step}")

    def _client(self, name: str) -> Client:
        if name not in self.clients:
            self.clients[name] = Client(self.port)
        return self.clients[name]

    def _speak(self, number: int, name: str, who: str, text: str) -> None:
        client = self._client(name)
        if who == "C":
            self.said.append(f"{name}C: {text}")
            client.send(text)
            return
        pattern = matcher(text)
        while True:
            line = client.line()
            self.said.append(f"{name}S: {line}")
            if pattern.fullmatch(line):
                return
            if who == "S" or line in {"(closed)", "(silence)"}:
                talk = "\n".join(self.said)
                raise AssertionError(f"line {number}: expected {text!r}, got {line!r}\n{talk}")


def scripts(folder: Path) -> list[Path]:
    """Return every dialogue of a folder."""
    return sorted(folder.glob("*.txt"))
