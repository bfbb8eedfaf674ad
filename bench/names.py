"""The name server of the outbound race: Debian's unbound, with the domains of the race as its own
data, on port 53 of a loopback address that nobody else uses (Postfix can be told no other port).
"""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Self

from bench import processes
from bench.processes import BenchError
from bench.service import log_end

ADDRESS: Final = "127.0.0.86"
UNBOUND: Final = Path("/usr/sbin/unbound")
CONFIG: Final = """\
server:
  interface: {address}
  port: 53
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{home}"
  pidfile: "{home}/unbound.pid"
  access-control: 127.0.0.0/8 allow
  local-zone: "." refuse
  local-zone: "bench.example." static
{data}
remote-control:
  control-enable: no
"""


class Names:
    """MX and A records between `__enter__` and `__exit__`: `domains` to loopback addresses."""

    def __init__(self, domains: dict[str, str]) -> None:
        self._domains = domains
        self._home = Path()
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if not UNBOUND.exists():
            raise BenchError("unbound is not installed: apt-get install unbound")
        if os.geteuid() != 0:
            raise BenchError("Port 53 needs root: run this as root, on a machine kept for it.")
        self._home = Path(tempfile.mkdtemp(prefix="bench-names-"))
        records = [
            f"  local-data: '{record}'"
            for domain, address in self._domains.items()
            for record in (f"{domain}. 600 MX 10 mx.{domain}.", f"mx.{domain}. 600 A {address}")
        ]
        file = self._home / "unbound.conf"
        file.write_text(CONFIG.format(address=ADDRESS, home=self._home, data="\n".join(records)))
        with (self._home / "log").open("wb") as log:
            self._server = subprocess.Popen([UNBOUND, "-c", file], stdout=log, stderr=log)
        try:
            processes.wait_until(self._answers, "unbound to answer", seconds=20)
        except BenchError as error:
            told = log_end(self._home / "log")
            self.__exit__()
            raise BenchError(f"{error}\n{told}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(20)
        shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            raise BenchError("unbound ended at once.")
        try:
            socket.create_connection((ADDRESS, 53), timeout=2).close()
        except OSError:
            return False
        return True
