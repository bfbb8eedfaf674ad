"""A whole mailhost, started as a user would: `manage.py serve` on free ports in a folder of its
own.

For tests of flows and faults. Nothing is shared with the test process but the network and, when
DATABASE_URL names Postgres, the
server: each installation gets a database of its own there. Ends by process id.
"""

import itertools
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import imapclient

from tests.support import migrated
from tests.support.clerk import Clerk
from tests.support.services import (
    WORKERS,
    ServiceError,
    free_port,
    wait_for,
)

ROOT = Path(__file__).parent.parent.parent
DOORS = ("SMTP", "SUBMISSION", "SUBMISSIONS", "LMTP", "IMAP", "IMAPS", "WEB")
POP3_DOORS = ("POP3", "POP3S")  # off unless a test asks for them
START_SECONDS = 120.0
DATABASE = "mailhost.sqlite3"  # in MAILHOST_DATA
NO_DNS = "127.0.0.1:9"  # nobody answers: tests that need names bring a name server of their own
PASSWORD = "correct horse battery"
UNCHECKED = ssl._create_unverified_context()  # its certificate is self-signed; S501 is for clients
PEOPLE = """
import sys
from apps.provisioning import services
password, organization, *addresses = sys.stdin.read().split("\\n")
for domain in dict.fromkeys(address.partition("@")[2] for address in addresses):
    services.add_domain(domain, organization=organization or None)
for address in addresses:
    services.add_user(address, password)
"""
_counted = itertools.count(1)  # installations that this process has made


@dataclass(slots=True)
class Installation:
    """A service that runs, or was killed and may be started again."""

    data: Path
    environment: dict[str, str]
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default=Path())
    has_worker: bool = False
    clerk: Clerk | None = None  # who does the commands, if not each a process of its own
    people: tuple[str, ...] = ()
    _begins: int = 0  # where the log of this start begins

    def start(self, *arguments: str) -> None:
        """Start it and wait until it says that it is ready."""
        self.has_worker = "--only" not in arguments or "worker" in arguments
        with self.log.open("ab") as log:
            self._begins = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(self.is_ready, START_SECONDS, "the service did not get ready")

    def is_ready(self) -> bool:
        """Whether every door answers."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}:\n{self.tail()}")
        # The ports are open before a door's process looks at them: only a greeting tells.
        return all(_listens(port) for port in self.ports.values()) and _greets(self.ports["SMTP"])

    def is_judging(self) -> bool:
        """Whether the worker of the fast lane works: doors wait for no verdict before."""
        with self.log.open("rb") as log:
            log.seek(self._begins)
            return b"mail of the fast lane is judged from now on" in log.read()

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, and wait; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def children(self) -> dict[str, int]:
        """Process ids of the roles by name."""
        assert self.process is not None
        found: dict[str, int] = {}
        for name in ("listeners", "web", "worker", "heavy", "outbound", "housekeeping"):
            for pid in _descendants(self.process.pid):
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
                    title = Path(f"/proc/{pid}/comm").read_text().strip()
                    if name in words or title.startswith(f"mh-{name}"[:15]):
                        found.setdefault(name, pid)
        return found

    def kill_everything(self) -> None:
        """SIGKILL to the supervisor and all that it started, in no order that helps it."""
        assert self.process is not None
        for pid in [*_descendants(self.process.pid), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.wait_for(
            lambda: not any(_listens(port) for port in self.ports.values()), 10, "ports stay busy"
        )

    def manage(self, *arguments: str, text: str = "") -> str:
        """Run a command as an administrator would; its standard output. Raises if it fails."""
        done = self._done(arguments, text)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _done(self, arguments: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
        if self.clerk is not None:
            return self.clerk.manage(arguments, text)
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def add_people(self, *addresses: str, organization: str = "") -> None:
        """The domains and users of these addresses, all by one command.

        Args:
            organization: whose the domains are, if not the installation's own.
        """
        text = "\n".join([PASSWORD, organization, *addresses])
        self.manage("shell", "-v0", "-c", PEOPLE, text=text)
        self.people += addresses
        if self.has_worker:
            self.wait_for(self.is_judging, START_SECONDS, "no worker came")

    def smtp(self, door: str = "SMTP") -> smtplib.SMTP:
        """A connection to a mail door; TLS is up on the submission doors."""
        if door == "SUBMISSIONS":
            return smtplib.SMTP_SSL("127.0.0.1", self.ports[door], context=UNCHECKED, timeout=30)
        client = smtplib.SMTP("127.0.0.1", self.ports[door], timeout=30)
        if door == "SUBMISSION":
            client.starttls(context=UNCHECKED)
        return client

    @contextmanager
    def imap(self, address: str, password: str = PASSWORD) -> Iterator[imapclient.IMAPClient]:
        """A signed-in IMAP connection; closed afterwards whatever happens."""
        client = imapclient.IMAPClient(
            "127.0.0.1", self.ports["IMAPS"], ssl=True, ssl_context=UNCHECKED, timeout=30
        )
        try:
            client.login(address, password)
            yield client
        finally:
            client.shutdown()

    def inbox(self, address: str) -> list[bytes]:
        """Every message in INBOX, whole."""
        with self.imap(address) as client:
            client.select_folder("INBOX", readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
        return [found[uid][b"BODY[]"] for uid in sorted(found)]

    def queue(self) -> list[dict[str, Any]]:
        """What `queue list --json` says."""
        rows: list[dict[str, Any]] = json.loads(self.manage("queue", "list", "--json"))
        return rows

    def wait_for_empty_queue(self, seconds: float, what: str) -> None:
        """Until no mail is under way.

        Each look is a command, which computes for half a second: more of them would slow down whom
        they wait for.
        """
        self.wait_for(lambda: not self.queue(), seconds, what, pause=0.7)

    def wait_for(
        self, condition: Callable[[], object], seconds: float, what: str, pause: float = 0.002
    ) -> None:
        """Ask until it is true."""
        try:
            wait_for(condition, seconds, what, pause)
        except ServiceError as error:
            raise AssertionError(f"{error}:\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-4000:]


@contextmanager
def installation(
    data: Path,
    extra: Mapping[str, str] | None = None,
    *,
    start: bool = True,
    from_nothing: bool = False,
    doors: Sequence[str] = DOORS,
    clerk: bool = False,
) -> Iterator[Installation]:
    """A service in `data` with these doors open; ended whatever happens.

    Args:
        from_nothing: it has to make its database itself, which takes it seconds; else it finds one
            that is empty and up to date, unless `extra` names one.
        clerk: one process does all of its commands. Not for tests that take its database, its
            broker or its processes away.
    """
    ports = {door: free_port() for door in doors}
    listen = {f"{door}_LISTEN": f"127.0.0.1:{port}" for door, port in ports.items()}
    environment = {
        **os.environ,
        **{f"{door}_LISTEN": "" for door in (*DOORS, *POP3_DOORS)},
        **listen,
        "MAILHOST_DATA": str(data / "var"),
        "MAIL_HOSTNAME": "mail.example.test",
        "LOG_LEVEL": "info",
        "DNS_SERVERS": NO_DNS,
        "SCAN_WAIT_SECONDS": "10",  # as administrators have it; doors alone wait for nobody
        **own_database(from_nothing=from_nothing),
        **(extra or {}),
    }
    if not from_nothing and not environment.get("DATABASE_URL"):
        (data / "var").mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(migrated.file(), data / "var" / DATABASE)
        (data / "var" / DATABASE).chmod(0o600)  # as it would have made it
    service = Installation(data, environment, ports, log=data / "serve.log")
    if clerk:
        service.clerk = Clerk(environment, service.log)
    try:
        if start:
            service.start()
        yield service
    finally:
        if service.clerk is not None:
            service.clerk.stop()
        if service.process is not None and service.process.poll() is None:
            try:
                service.stop()
            except subprocess.TimeoutExpired:
                service.kill_everything()


def own_database(*, from_nothing: bool = False) -> dict[str, str]:
    """On Postgres: a new database beside the one of the tests."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return {}
    database = f"flow_{uuid4().hex[:12]}"
    migrated.new_database(url, database, None if from_nothing else migrated.database(url))
    # A bus and a broker of its own too: another installation's bells must not ring here.
    address, _, ours = os.environ.get("REDIS_URL", "").rpartition("/")
    own = {"REDIS_URL": f"{address}/{int(ours) + next(_counted) * WORKERS}"} if ours else {}
    return {"DATABASE_URL": migrated.beside(url, database), **own}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _greets(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        return client.recv(3) == b"220"
    return False


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                children = (task / "children").read_text().split()
                found += map(int, children)
                waiting += map(int, children)
    return found
