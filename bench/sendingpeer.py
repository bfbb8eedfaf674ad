"""Debian's Postfix as the peer of the outbound race: as shipped, but for where it lives, the name
server it asks and the port of the servers it sends to."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Self

from bench import processes
from bench.names import ADDRESS
from bench.peer import (
    CHROOT_FILES,
    POSTCONF,
    POSTFIX,
    SHIPPED_MASTER,
    run,
    shipped_master_at,
)
from bench.processes import BenchError
from bench.service import A_FOLDER, DOMAIN

MAIN_CF: Final = """\
# Debian's /usr/share/postfix/main.cf.debian:
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
# Ours: where this instance lives, and the port of all other servers.
queue_directory = {home}/queue
data_directory = {home}/postfix-data
myhostname = peer.{domain}
inet_interfaces = 127.0.0.1
alias_maps =
alias_database =
smtp_tcp_port = {sink}
"""


class SendingPeer:
    """Postfix between `__enter__` and `__exit__`; `sink` is the port of other mail servers."""

    name = "Postfix"
    signs_in = False

    def __init__(self, sink: int) -> None:
        if not POSTFIX.exists() or not SHIPPED_MASTER.exists():
            raise BenchError("Postfix is not installed: apt-get install postfix")
        if os.geteuid() != 0:
            raise BenchError("Postfix starts as root only: run this as root.")
        self._sink = sink
        (self.port,) = processes.free_ports(1)
        self._home = Path()

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="bench-peer-"))
        try:
            self._home.chmod(0o755)
            self._write()
            run(POSTFIX, "-c", self._conf, "check")
            run(POSTFIX, "-c", self._conf, "start")
            processes.wait_until(
                lambda: processes.banner_answers(self.port, b"220 "), "Postfix", seconds=30
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        members = processes.tree(self.roots())
        subprocess.run(
            [POSTFIX, "-c", self._conf, "stop"], capture_output=True, timeout=60, check=False
        )
        processes.end_leftovers(members)
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def _conf(self) -> Path:
        return self._home / "postfix"

    def roots(self) -> list[int]:
        """The master, which writes its process id into its queue folder."""
        file = self._home / "queue" / "pid" / "master.pid"
        return [int(file.read_text())] if file.exists() else []

    def settings(self) -> list[str]:
        """What differs from the shipped defaults."""
        told = run(POSTCONF, "-c", self._conf, "-n").splitlines()
        return [line.replace(str(self._home), A_FOLDER) for line in told]

    def _write(self) -> None:
        conf, queue, data = self._conf, self._home / "queue", self._home / "postfix-data"
        for folder in (conf, queue, queue / "etc", data):
            folder.mkdir()
        shutil.chown(data, "postfix")
        for name in CHROOT_FILES:
            if (source := Path("/etc") / name).is_file():
                shutil.copy(source, queue / "etc" / name)
        # Its smtp client lives in this chroot and asks the name server that this file names.
        (queue / "etc" / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
        values = {"home": self._home, "domain": DOMAIN, "sink": self._sink}
        (conf / "main.cf").write_text(MAIN_CF.format(**values))
        (conf / "master.cf").write_text(shipped_master_at(self.port))
