"""Debian's spamd with the rules that come with the package, and no network: what it says depends on
the message alone.
"""

import os
import pwd
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from tests.support.services import LOOPBACK, folder_of, free_port, running

PLUGINS = Path("/etc/spamassassin")  # what is loaded; its own local.cf is not read


@dataclass(frozen=True, slots=True)
class Spamd:
    """A running spamd."""

    port: int
    process: Popen[bytes]

    @property
    def place(self) -> str:
        """As the setting SPAMD names it."""
        return f"{LOOPBACK}:{self.port}"


@contextmanager
def spamd() -> Iterator[Spamd]:
    """Run it for the time of the context."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    port = free_port()
    with folder_of("spamd", account) as folder:
        folder.chmod(0o755)
        site = folder / "site"
        site.mkdir()
        for file in PLUGINS.glob("*.pre"):
            shutil.copy(file, site)
        (site / "local.cf").write_text("use_bayes 0\nuse_txrep 0\nuse_auto_welcomelist 0\n")
        identity = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if account else []
        command = ["/usr/sbin/spamd", f"--listen={LOOPBACK}:{port}", "--local", "--nouser-config"]
        command += ["--max-children=2", "--min-children=1", "--syslog=stderr"]
        command += [f"--siteconfigpath={site}", f"--helper-home-dir={folder}"]
        with running(
            command, folder / "log", ready=lambda: _answers(port), identity=identity
        ) as process:
            yield Spamd(port, process)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2) as client:
        client.sendall(b"PING SPAMC/1.5\r\n\r\n")
        return client.recv(64).startswith(b"SPAMD/")
    return False
