"""mailhost from this checkout, started as its README says, with a data folder and ports of its own.

Everything else is as shipped. DATABASE_URL, REDIS_URL and BLOB_URL are handed on from the
environment, so that the same race can be run on Postgres; all other settings of the caller's
environment are left out.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from bench import processes
from bench.processes import BenchError
from bench.service import A_FOLDER, DOMAIN, PASSWORD, USERS, log_end
from mailhost.env import ROOT, SETTINGS

DOORS: Final = (
    "SMTP_LISTEN",
    "IMAPS_LISTEN",
    "SUBMISSION_LISTEN",
    "SUBMISSIONS_LISTEN",
    "LMTP_LISTEN",
    "IMAP_LISTEN",
    "POP3_LISTEN",
    "POP3S_LISTEN",
    "WEB_LISTEN",
)
HANDED_ON: Final = ("DATABASE_URL", "REDIS_URL", "BLOB_URL")
START_SECONDS: Final = 90
STOP_SECONDS: Final = 40


class Ours:
    """`manage.py serve` between `__enter__` and `__exit__`. `users=False` leaves the directory
    empty; `changed` are settings that are not as shipped."""

    name = "mailhost"

    def __init__(
        self, *, users: bool = True, changed: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._users = users
        self._changed = changed
        self._ports = dict(zip(DOORS, processes.free_ports(len(DOORS)), strict=True))
        self.smtp_port = self._ports["SMTP_LISTEN"]
        self.submission_port = self._ports["SUBMISSION_LISTEN"]
        self.imap_port = self._ports["IMAP_LISTEN"]
        self.imaps_port = self._ports["IMAPS_LISTEN"]
        self.pop3_port = self._ports["POP3_LISTEN"]
        self.pop3s_port = self._ports["POP3S_LISTEN"]
        self.data = Path()
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.data = Path(tempfile.mkdtemp(prefix="bench-ours-"))
        try:
            self._start()
            if self._users:
                self._add_users()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def restart(self, *, cold: bool = False) -> None:
        """End all processes and start them again with the same data folder and ports."""
        self._stop()
        if cold:
            processes.forget_files(self.data)
        self._start()

    def _start(self) -> None:
        with (self.data / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, ROOT / "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_for_doors()

    def _stop(self) -> None:
        if self._server is not None:
            members = processes.tree(self.roots())
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            processes.end_leftovers(members)

    def roots(self) -> list[int]:
        """The supervisor; every other process of the service hangs under it."""
        return [self._server.pid] if self._server else []

    def settings(self) -> list[str]:
        """The environment the service was started with, beyond what every process has."""
        ours = {setting.name for setting in SETTINGS}
        values = sorted((name, value) for name, value in self.environment().items() if name in ours)
        return [f"{name}={value}".replace(str(self.data), A_FOLDER) for name, value in values]

    @property
    def database(self) -> str:
        """Which kind of database it runs on."""
        return "Postgres" if self.environment().get("DATABASE_URL") else "SQLite"

    def environment(self) -> dict[str, str]:
        """The environment of its processes; another one in it shares its mail."""
        ours = {setting.name for setting in SETTINGS} - set(HANDED_ON)
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        doors = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        own = {"MAILHOST_DATA": str(self.data), "MAIL_HOSTNAME": f"mail.{DOMAIN}"}
        return kept | doors | own | dict(self._changed)

    def _wait_for_doors(self) -> None:
        def greets() -> bool:
            if self._server is None or self._server.poll() is not None:
                raise BenchError("manage.py serve ended at once.")
            return processes.banner_answers(self.smtp_port, b"220 ")

        try:
            processes.wait_until(greets, "mailhost to greet", seconds=START_SECONDS, pause=0.2)
        except BenchError as error:
            raise BenchError(f"{error}\n{log_end(self.data / 'serve.log')}") from None

    def _add_users(self) -> None:
        self._manage("domain", "add", DOMAIN)
        for user in USERS:
            self._manage("user", "add", user, "--password-stdin", given=PASSWORD)

    def _manage(self, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise BenchError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
