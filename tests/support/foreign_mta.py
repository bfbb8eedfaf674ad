"""Debian's Postfix as a mail server that nobody here wrote, in both directions.

An instance of its own in a temporary folder: it takes mail for its users over SMTP with STARTTLS
and files it into Maildirs, and it sends what it is given to a port of ours. Nothing of the
machine's own Postfix is read or changed. Its master starts as root only.
"""

import os
import shutil
import smtplib
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import LOOPBACK, ServiceError, folder_of, running

SHIPPED_MASTER = Path("/usr/share/postfix/master.cf.dist")
MASTER = "/usr/lib/postfix/sbin/master"
NOBODY = 65534

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
myhostname = {hostname}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_alias_maps = {forwards}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
transport_maps = {transports}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = {tls}
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_bind_address = {sends_from}
smtpd_milters = {milters}
notify_classes =
minimal_backoff_time = 1s
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running server for `domain`."""

    domain: str
    port: int
    home: Path

    def inbox(self, local: str) -> list[bytes]:
        """The messages of a user, as Postfix filed them: Return-Path and Delivered-To on top."""
        folder = self.home / "mail" / local / "new"
        if not folder.is_dir():
            return []
        return [file.read_bytes() for file in sorted(folder.iterdir())]

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> None:
        """Hand it a message as one of its users would; it goes on from its queue."""
        with smtplib.SMTP(LOOPBACK, self.port, timeout=20) as client:
            client.sendmail(sender, list(recipients), message, ["BODY=8BITMIME"])

    def flush(self) -> None:
        """Have it try again what waits in its queue."""
        subprocess.run(["postqueue", "-c", str(self.home / "conf"), "-f"], check=True, timeout=20)

    def log(self) -> str:
        """What it wrote into its log."""
        file = self.home / "mail.log"
        return file.read_text(errors="replace") if file.exists() else ""


@contextmanager
def postfix(
    domain: str,
    users: Sequence[str],
    *,
    cert: Path,
    key: Path,
    port: int,
    sends_to: dict[str, int] | None = None,
    tls: str = "may",
    forwards: dict[str, str] | None = None,
    sends_from: str = LOOPBACK,
    milter: int = 0,
) -> Iterator[Postfix]:
    """Run it.

    Args:
        users: local parts of those who have a mailbox; all others get 550.
        cert: chain, and `key`, for STARTTLS; its host name is mx.<domain>.
        port: the loopback port to listen on.
        sends_to: loopback port by domain, for mail to other domains.
        tls: none, may or encrypt.
        forwards: address elsewhere by local part: what comes for it is sent on as it came.
        sends_from: loopback address that its connections come from.
        milter: loopback port of a milter that sees what comes in.
    """
    if os.geteuid() != 0:
        raise ServiceError("Postfix starts as root only: run the tests as root")
    with folder_of("postfix") as home:
        home.chmod(0o755)  # its daemons change to accounts of their own
        for name in ("conf", "queue", "data", "mail"):
            (home / name).mkdir()
        shutil.chown(home / "data", "postfix")
        os.chown(home / "mail", NOBODY, NOBODY)
        for source, name in ((cert, "cert.pem"), (key, "key.pem")):
            shutil.copy(source, home / name)
        ways = (sends_to or {}).items()
        (home / "conf" / "main.cf").write_text(
            MAIN_CF.format(
                home=home,
                hostname=f"mx.{domain}",
                domain=domain,
                mailboxes=" ".join(f"{{{user}@{domain} = {user}/}}" for user in users),
                transports=_inline(f"{to} = smtp:[{LOOPBACK}]:{where}" for to, where in ways),
                certificate=home / "cert.pem",
                key=home / "key.pem",
                tls=tls,
                forwards=_inline(f"{who}@{domain} = {to}" for who, to in (forwards or {}).items()),
                sends_from=sends_from,
                milters=f"inet:{LOOPBACK}:{milter}" if milter else "",
            )
        )
        (home / "conf" / "master.cf").write_text(_master_cf(port))
        conf = str(home / "conf")
        subprocess.run(["postfix", "-c", conf, "check"], check=True, timeout=20)
        # Not `postfix start-fg`: its shell scripts would stand between us and the master.
        command = [MASTER, "-c", conf, "-s"]
        with running(command, home / "log", ready=lambda: _greets(port)):
            yield Postfix(domain, port, home)


def _inline(pairs: Iterable[str]) -> str:
    """A table in main.cf itself; an empty one is refused at each look-up, so there is none then."""
    inner = " ".join(f"{{{pair}}}" for pair in pairs)
    return f"inline:{{ {inner} }}" if inner else ""


def _master_cf(port: int) -> str:
    """Debian's master.cf with the smtp door on our port and no change of the root folder."""
    lines = []
    for line in SHIPPED_MASTER.read_text().splitlines():
        words = line.split()
        if words[:2] == ["smtp", "inet"]:
            words[0] = f"{LOOPBACK}:{port}"
        if len(words) > 7 and not line.startswith(("#", " ")):
            words[4] = "n"
            line = " ".join(words)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as client:
            return client.recv(512).startswith(b"220 ")
    except OSError:
        return False
