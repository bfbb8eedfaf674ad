"""Debian's clamd with a small signature database of our own: EICAR's test file, and the program
inside the files of clamav-testfiles. Nothing is downloaded.
"""

import hashlib
import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from tests.support.services import folder_of, running

TESTFILES = Path("/usr/share/clamav-testfiles")
# In two parts: a file that holds it whole is taken away by scanners on the machines of developers.
EICAR = (
    rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"  # 68 octets
)
VIRUS = "Test.Eicar"
PROGRAM = "Test.Program"

CONFIG = """\
Foreground yes
DatabaseDirectory {folder}/db
LocalSocket {folder}/socket
TemporaryDirectory {folder}
MaxThreads 4
StreamMaxLength {most}
DisableCertCheck yes
Bytecode no
MaxRecursion 20
"""


@dataclass(frozen=True, slots=True)
class Clamd:
    """A running clamd."""

    socket: Path
    process: Popen[bytes]


@contextmanager
def clamd(*, most: str = "10M", extra: str = "") -> Iterator[Clamd]:
    """Run it for the time of the context.

    Args:
        most: the largest message it takes (StreamMaxLength).
        extra: more lines of its configuration.
    """
    account = pwd.getpwnam("clamav") if os.geteuid() == 0 else None
    with folder_of("clamd", account) as folder:
        folder.chmod(0o755)
        (folder / "db").mkdir()
        _write_signatures(folder / "db")
        config = folder / "clamd.conf"
        config.write_text(CONFIG.format(folder=folder, most=most) + extra)
        identity = ["--reuid=clamav", "--regid=clamav", "--clear-groups"] if account else []
        command = ["clamd", "-c", str(config)]
        where = folder / "socket"
        with running(
            command, folder / "log", ready=lambda: _answers(where), identity=identity
        ) as process:
            yield Clamd(where, process)


def _write_signatures(folder: Path) -> None:
    """Two forms: octets at any place, and the hash of a whole file. See ClamAV's manual."""
    (folder / "test.ndb").write_text(f"{VIRUS}:0:*:{EICAR.hex()}\n")
    program = (TESTFILES / "clam.exe").read_bytes()
    digest = hashlib.md5(program, usedforsecurity=False).hexdigest()
    (folder / "test.hdb").write_text(f"{digest}:{len(program)}:{PROGRAM}\n")


def _answers(where: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(where))
        client.sendall(b"zPING\0")
        return client.recv(16) == b"PONG\0"
    return False
