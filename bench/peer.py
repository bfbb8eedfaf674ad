"""Debian's Postfix + Dovecot as the peer: private folders and ports, everything else as shipped.

Postfix takes the mail by its shipped master.cf and hands it to Dovecot's LMTP over a unix socket,
which files it into Maildirs of virtual users. Nothing of the machine's own Postfix or Dovecot is
read or changed. Needs root, as both masters do.
"""

import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Self

from bench import processes
from bench.dovecot import AS_SHIPPED, FAST
from bench.processes import BenchError
from bench.service import A_FOLDER, DOMAIN, PASSWORD, USERS

POSTFIX: Final = Path("/usr/sbin/postfix")
POSTMAP: Final = Path("/usr/sbin/postmap")
POSTCONF: Final = Path("/usr/sbin/postconf")
DOVECOT: Final = Path("/usr/sbin/dovecot")
DOVEADM: Final = Path("/usr/bin/doveadm")
SHIPPED_MASTER: Final = Path("/usr/share/postfix/master.cf.dist")
PACKAGES: Final = {
    "postfix": (POSTFIX, Path("/usr/sbin/smtp-source"), SHIPPED_MASTER),
    "dovecot-core": (DOVECOT, DOVEADM),
    "dovecot-imapd": (Path("/usr/lib/dovecot/imap"),),
    "dovecot-pop3d": (Path("/usr/lib/dovecot/pop3"),),
    "dovecot-lmtpd": (Path("/usr/lib/dovecot/lmtp"),),
}
# What Debian's start script copies into the chroot of Postfix's daemons, so that names resolve.
CHROOT_FILES: Final = (
    "localtime",
    "services",
    "resolv.conf",
    "hosts",
    "host.conf",
    "nsswitch.conf",
)

NAME: Final = "Postfix + Dovecot"
FAST_NAME: Final = "Postfix + Dovecot, fast mode"

MAIN_CF: Final = """\
# Debian's /usr/share/postfix/main.cf.debian:
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6
# Ours: where this instance lives.
queue_directory = {home}/queue
data_directory = {home}/postfix-data
myhostname = peer.{domain}
inet_interfaces = 127.0.0.1
# Ours: virtual users in Dovecot's care; no file of this machine is read.
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = hash:{home}/postfix/users
virtual_transport = lmtp:unix:private/dovecot-lmtp
"""


def missing_packages() -> list[str]:
    """The Debian packages that have to be installed before the peer can start."""
    return [name for name, files in PACKAGES.items() if not all(path.exists() for path in files)]


def require_packages() -> None:
    """Stop with one clear sentence where the peer cannot run."""
    if missing := missing_packages():
        raise BenchError(
            "The peer is not installed: apt-get install --no-install-recommends "
            + " ".join(missing)
        )
    if os.geteuid() != 0:
        raise BenchError(
            "Postfix and Dovecot start as root only: run this as root, on a machine kept for it."
        )


def run(*command: str | Path, seconds: float = 60) -> str:
    # A file and no pipe: a daemon keeps what it inherits, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=seconds,
            check=False,
        )
        output.seek(0)
        text = output.read()
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: {text}")
    return text


class Peer:
    """Postfix + Dovecot between `__enter__` and `__exit__`.

    fast: Dovecot as its manual makes it fast (bench.dovecot), else as shipped.
    """

    def __init__(self, *, fast: bool = False) -> None:
        require_packages()
        self.name = FAST_NAME if fast else NAME
        self._fast = fast
        self.smtp_port, self.imap_port, self.imaps_port, *pop3 = processes.free_ports(5)
        self.pop3_port, self.pop3s_port = pop3
        self._home = Path()

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="bench-peer-"))
        try:
            self._home.chmod(0o755)  # the daemons change to users of their own
            self._write_postfix()
            self._write_dovecot()
            # Dovecot makes its socket in Postfix's queue folder, so that folder comes first.
            run(POSTFIX, "-c", self._postfix_conf, "check")
            self._start_dovecot()
            run(POSTFIX, "-c", self._postfix_conf, "start")
            processes.wait_until(
                lambda: processes.banner_answers(self.smtp_port, b"220 "),
                "Postfix to greet",
                seconds=30,
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        members = processes.tree(self.roots())
        for stop in (
            (POSTFIX, "-c", self._postfix_conf, "stop"),
            (DOVEADM, "-c", self._dovecot_conf, "stop"),
        ):
            subprocess.run(stop, capture_output=True, timeout=60, check=False)
        processes.end_leftovers(members)
        shutil.rmtree(self._home, ignore_errors=True)

    def restart(self, *, cold: bool = False) -> None:
        """End Dovecot and start it again; Postfix keeps no mail that is read."""
        members = processes.tree(self.roots()[-1:])
        run(DOVEADM, "-c", self._dovecot_conf, "stop")
        processes.end_leftovers(members)
        if cold:
            processes.forget_files(self._home)
        self._start_dovecot()
        processes.wait_until(
            lambda: processes.accepts(self.imaps_port), "Dovecot to listen", seconds=30
        )

    def _start_dovecot(self) -> None:
        # Debian's unit for systemd allows 65,535 open files (LimitNOFILE), a shell far fewer.
        files = min(65_535, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        run("prlimit", f"--nofile={files}", DOVECOT, "-c", self._dovecot_conf)

    @property
    def _postfix_conf(self) -> Path:
        return self._home / "postfix"

    @property
    def _dovecot_conf(self) -> Path:
        return self._home / "dovecot" / "dovecot.conf"

    def roots(self) -> list[int]:
        """The two masters. Both write their process ids into their own folders."""
        files = (
            self._home / "queue" / "pid" / "master.pid",
            self._home / "dovecot-run" / "master.pid",
        )
        return [int(path.read_text()) for path in files if path.exists()]

    def settings(self) -> list[str]:
        """What differs from the shipped defaults, as the two programs themselves report it."""
        syslog = (
            "a syslog daemon is there"
            if Path("/dev/log").exists()
            else "no syslog daemon here: it logs nothing"
        )
        shipped = SHIPPED_MASTER.read_text().splitlines()
        master = (self._postfix_conf / "master.cf").read_text().splitlines()
        changed = [f"master.cf: {now}" for now in master if now not in shipped]
        told = [
            "Postfix: the address in master.cf; names, folders and the way to Dovecot in main.cf:",
            *changed,
            *run(POSTCONF, "-c", self._postfix_conf, "-n").splitlines(),
            "Dovecot: names, folders, certificate, static users:",
            *self._dovecot_conf.read_text().splitlines(),
            f"Logging: syslog, as shipped ({syslog}).",
        ]
        return [line.replace(str(self._home), A_FOLDER) for line in told]

    def _write_postfix(self) -> None:
        conf = self._postfix_conf
        queue = self._home / "queue"
        data = self._home / "postfix-data"
        for folder in (conf, queue, queue / "etc", data):
            folder.mkdir()
        shutil.chown(data, "postfix")
        for name in CHROOT_FILES:
            if (source := Path("/etc") / name).is_file():
                shutil.copy(source, queue / "etc" / name)
        (conf / "main.cf").write_text(MAIN_CF.format(home=self._home, domain=DOMAIN))
        (conf / "master.cf").write_text(shipped_master_at(self.smtp_port))
        (conf / "users").write_text("".join(f"{user} x\n" for user in USERS))
        run(POSTMAP, "-c", conf, f"hash:{conf / 'users'}")

    def _kind_of_key(self) -> tuple[str, ...]:
        """As Debian makes one at installation; in the fast mode the kind that ours is, which costs
        a server a tenth of it at each handshake."""
        if self._fast:
            return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        return ("-newkey", "rsa:2048")

    def _write_dovecot(self) -> None:
        folder = self._dovecot_conf.parent
        for path in (folder, self._home / "mail"):
            path.mkdir()
        os.chown(self._home / "mail", 65534, 65534)
        run(
            *(
                "openssl",
                "req",
                "-x509",
                *self._kind_of_key(),
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        )
        conf = AS_SHIPPED + FAST if self._fast else AS_SHIPPED
        written = conf.format(
            home=self._home,
            password=PASSWORD,
            imap=self.imap_port,
            imaps=self.imaps_port,
            pop3=self.pop3_port,
            pop3s=self.pop3s_port,
            cores=os.cpu_count(),
        )
        self._dovecot_conf.write_text(written)


def shipped_master_at(port: int) -> str:
    """Debian's master.cf with the smtp door on our port, and nothing else changed."""
    lines = SHIPPED_MASTER.read_text().splitlines(keepends=True)
    doors = [number for number, line in enumerate(lines) if line.split()[:2] == ["smtp", "inet"]]
    if len(doors) != 1:
        raise BenchError(f"{SHIPPED_MASTER} has no single line for the smtp door.")
    lines[doors[0]] = lines[doors[0]].replace("smtp ", f"127.0.0.1:{port} ", 1)
    return "".join(lines)
