"""Private Postgres and Redis servers for tests, on free loopback ports, in temporary folders.

Each server is a child of this process in the foreground: it is ended by its own process id, and
the kernel ends it when this process dies without saying goodbye. Nothing here outlives the test
run, and nothing already running on the machine is touched. The servers keep nothing (no fsync, no
persistence): they are for tests alone. Binaries are Debian's (scripts/debian-test-packages.txt).
"""

import fcntl
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import redis as redis_client

LOOPBACK = "127.0.0.1"
# Test processes share neither ports nor Redis databases: each has every sixteenth.
WORKERS = 16
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
# Below Linux's range for outgoing connections (32768 and up): no client socket takes a port
# between its choice here and the moment the server binds it.
PORTS = range(20_000, 32_000)[WORKER::WORKERS]
REDIS_DATABASES = WORKERS * 128
START_SECONDS = 60.0
STOP_SECONDS = 15.0
# A port that was given stays unused for a moment: none is given twice before all were. Where the
# round starts is random, for another run of the tests may be under way on this machine.
_round = itertools.islice(itertools.cycle(PORTS), random.randrange(len(PORTS)), None)
_HELD = 128  # ports that a process keeps for itself: of seven doors each, those of many services
_held: deque[int] = deque()


class ServiceError(Exception):
    """A server did not start, or a condition did not come true in time; the text says which."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where clients find it, and the process to pause or kill in fault tests."""

    url: str
    port: int
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a loopback TCP port that nothing listens on."""
    for port in itertools.islice(_round, len(PORTS)):
        if not _is_held(port):
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise ServiceError("no port is free")


def _is_held(port: int) -> bool:
    """Keep a port from other runs of the tests until this process is given a hundred others: a
    service opens it seconds after it was found free. Locks end with the process."""
    try:
        fcntl.lockf(_ports(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _held.append(port)
    if len(_held) > _HELD:
        fcntl.lockf(_ports(), fcntl.LOCK_UN, 1, _held.popleft())
    return True


@cache
def _ports() -> int:
    """A file that is open until this process ends, one for all runs of a user wherever else they
    keep files; its octets stand for ports."""
    place = f"/tmp/mailhost-tests-{os.getuid()}.ports"
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def wait_for(
    condition: Callable[[], object], timeout: float = 30.0, what: str = "", pause: float = 0.002
) -> None:
    """Return as soon as `condition()` is true; raise ServiceError after `timeout` seconds.

    Args:
        pause: seconds between two looks; a short one grows to 0.1.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"not within {timeout:g} s: {what or condition}")
        time.sleep(pause)
        pause = max(pause, min(pause * 1.5, 0.1))


@contextmanager
def postgres() -> Iterator[Server]:
    """Run a Postgres server with an empty database `mailhost`; its superuser needs no password."""
    binaries, identity = _postgres_binaries(), _postgres_identity()
    with folder_of("postgres", owner=_postgres_account()) as folder:
        data = str(folder / "data")
        initdb = [str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "postgres"]
        _run(["setpriv", *identity, *initdb, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
        port = free_port()
        command = [str(binaries / "postgres"), "-D", data, *_postgres_options(port, folder)]
        address = f"postgres://postgres@{LOOPBACK}:{port}"

        def answers() -> bool:
            try:
                psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        # SIGINT is Postgres's fast shutdown: it does not wait for clients to leave.
        with running(
            command, folder / "log", ready=answers, stop_with=signal.SIGINT, identity=identity
        ) as process:
            with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE mailhost")
            yield Server(f"{address}/mailhost", port, process)


def _postgres_options(port: int, folder: Path) -> Iterator[str]:
    options = {
        "port": port,
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": folder,
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 200,
    }
    for name, value in options.items():
        yield from ("-c", f"{name}={value}")


@contextmanager
def redis() -> Iterator[Server]:
    """Run a Redis server that keeps nothing on disk."""
    with folder_of("redis") as folder:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES)]

        def answers() -> bool:
            with redis_client.Redis(host=LOOPBACK, port=port) as client:
                try:
                    return bool(client.ping())
                except redis_client.RedisError:
                    return False

        with running(command, folder / "log", ready=answers) as process:
            yield Server(f"redis://{LOOPBACK}:{port}/0", port, process)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End one process of ours: politely, and for good after STOP_SECONDS."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)  # a fault test may have paused it
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    ready: Callable[[], bool],
    stop_with: signal.Signals = signal.SIGTERM,
    identity: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the end of the context.

    Args:
        ready: asked until it is true.
        identity: arguments of setpriv that say as whom it is to run.
    """
    # setpriv has the kernel signal the server when this process is gone, however it went. One
    # setpriv does both: a change of identity after the request would void it (PR_SET_PDEATHSIG(2)).
    guarded = ["setpriv", *identity, f"--pdeathsig={stop_with.name}", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            guarded, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )

    def is_up_or_dead() -> bool:
        return process.poll() is not None or ready()

    try:
        wait_for(is_up_or_dead, START_SECONDS, f"{command[0]} answers")
        if process.poll() is not None:
            raise ServiceError(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
        yield process
    finally:
        stop(process, stop_with)


@contextmanager
def folder_of(name: str, owner: pwd.struct_passwd | None = None) -> Iterator[Path]:
    """A temporary folder of a server's own; `owner` is the account that it runs as."""
    folder = Path(tempfile.mkdtemp(prefix=f"mailhost-{name}-"))
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield folder
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise ServiceError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _postgres_binaries() -> Path:
    """Return the folder of the newest installed Postgres, which Debian keeps out of PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    if elsewhere is None:
        raise ServiceError("Postgres is not installed (Debian package: postgresql)")
    return Path(elsewhere).resolve().parent


def _postgres_account() -> pwd.struct_passwd | None:
    """Return the account that Postgres runs as, or None for our own: it refuses to run as root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def _postgres_identity() -> list[str]:
    """Return setpriv's arguments for that account."""
    if _postgres_account() is None:
        return []
    return ["--reuid=postgres", "--regid=postgres", "--init-groups"]
