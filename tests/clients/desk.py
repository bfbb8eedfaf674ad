"""One person's machine: a home folder, an account, and the mail programs of Debian in it.

Every program runs as its user runs it: by a configuration file or its arguments, as a process with
a home folder of its own, against the doors of a service that really runs. It trusts the authority
that signed the service's certificate; nothing switches verification off.
"""

import os
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

from tests.support.installation import PASSWORD, Installation

HOST = "localhost"  # the name in the certificate
SECONDS = 40.0  # of one run of a program


@dataclass(frozen=True, slots=True)
class Done:
    """What a program left: its exit status, and all that it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True, slots=True)
class Desk:
    """A person with an account of their own, at a machine of their own."""

    service: Installation
    address: str
    home: Path
    authority: Path  # the certificate (PEM) that the programs trust
    password: str = PASSWORD

    def port(self, door: str) -> int:
        """Of `IMAP`, `IMAPS`, `POP3`, `POP3S`, `SMTP`, `SUBMISSION`, `SUBMISSIONS`."""
        return self.service.ports[door]

    def write(self, name: str, text: str, **values: object) -> Path:
        """A file below the home folder that only its owner reads.

        `%NAME%` in the text becomes the value: what a person would write there. Known without
        being given: HOST, the doors' ports (IMAP, IMAPS, ...), USER, PASSWORD, CA, HOME.
        """
        known: dict[str, object] = {
            **self.service.ports,
            "HOST": HOST,
            "USER": self.address,
            "PASSWORD": self.password,
            "CA": self.authority,
            "HOME": self.home,
        }
        for key, value in {**known, **values}.items():
            text = text.replace(f"%{key}%", str(value))
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def run(
        self,
        *command: str | Path,
        statuses: Sequence[int] = (0,),
        seconds: float = SECONDS,
        text: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """Run a program to its end; the assertion shows all that it said.

        It has a process group of its own, which is ended when the time is over: what it started
        itself must not outlive it.
        """
        words = [str(word) for word in command]
        process = subprocess.Popen(
            words,
            cwd=self.home,
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(text, timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            raise AssertionError(
                f"{words} did not end in {seconds:g} s\n{stdout}\n{stderr}\n{self.service.tail()}"
            ) from None
        done = Done(process.returncode, stdout, stderr)
        assert done.status in statuses, (
            f"{words}: status {done.status}\n{stdout}\n{stderr}\n{self.service.tail()}"
        )
        return done

    def environment(self) -> dict[str, str]:
        """Nothing of the machine's own user: neither settings nor caches nor language."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "USER": "reader",
            "LOGNAME": "reader",
        }

    def trust(self) -> ssl.SSLContext:
        """What Python's clients need to verify the service."""
        return ssl.create_default_context(cafile=str(self.authority))

    @contextmanager
    def imap(self) -> Iterator[IMAPClient]:
        """A signed-in connection, to see what a program did; closed whatever happens."""
        client = IMAPClient(
            HOST, self.port("IMAPS"), ssl=True, ssl_context=self.trust(), timeout=30
        )
        # It writes the end of a message by itself, and would wait 40 ms each time to be allowed to.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            client.login(self.address, self.password)
            yield client
        finally:
            client.shutdown()

    @contextmanager
    def pop3(self) -> Iterator[poplib.POP3_SSL]:
        """The same by POP3; nothing is deleted unless the block says `quit()`."""
        client = poplib.POP3_SSL(HOST, self.port("POP3S"), context=self.trust(), timeout=30)
        try:
            client.user(self.address)
            client.pass_(self.password)
            yield client
        finally:
            client.close()

    def put(self, *messages: bytes, folder: str = "INBOX", flags: Sequence[bytes] = ()) -> None:
        """File messages into a folder, in this order."""
        with self.imap() as client:
            for message in messages:
                client.append(folder, message, flags)

    def messages(self, folder: str = "INBOX") -> dict[int, bytes]:
        """Every message of a folder, whole, by UID; flags stay as they are."""
        with self.imap() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
        return {uid: found[uid][b"BODY[]"] for uid in sorted(found)}

    def flags(self, folder: str = "INBOX") -> dict[int, set[bytes]]:
        """The flags of every message of a folder by UID, \\Recent left out."""
        with self.imap() as client:
            client.select_folder(folder, readonly=True)
            found = client.get_flags(client.search())
        return {uid: set(found[uid]) - {rb"\Recent"} for uid in sorted(found)}

    def receive(self, message: bytes, sender: str = "carol@outside.invalid") -> None:
        """Have a message delivered by SMTP, and wait until it is in INBOX."""
        with self.imap() as client:
            before = client.folder_status("INBOX", ["UIDNEXT"])[b"UIDNEXT"]
            with smtplib.SMTP("127.0.0.1", self.port("SMTP"), timeout=30) as sending:
                sending.sendmail(sender, [self.address], message)
            self.service.wait_for(
                lambda: client.folder_status("INBOX", ["UIDNEXT"])[b"UIDNEXT"] > before,
                20,
                "the message was not delivered",
            )


def letter(number: int, body: str = "") -> bytes:
    """A message that no other number has, in CRLF lines, with a line that starts with a dot."""
    return (
        f"From: Carol <carol@outside.invalid>\r\nTo: reader@example.test\r\n"
        f"Date: Mon, 01 Jan 2024 10:{number // 60 % 60:02}:{number % 60:02} +0100\r\n"
        f"Message-ID: <letter-{number}@outside.invalid>\r\n"
        f"Subject: Letter {number}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
        f"Number {number}: Grüße.\r\n.\r\n..two dots\r\nFrom here on: {body}\r\n"
    ).encode()
