"""Inside the cage: a process that knows no secret, opens what strangers send, and may die.

`python -m apps.scan.attachments.caged FD` serves one worker over a socket that it inherited. For
each message it forks a child with limits of its own: memory, processor time, files, time on the
clock. The child looks and writes its facts to a pipe; however it ends, the server answers. The
server has a single thread and nothing open, so that forking it is always safe; its environment is
empty and, where the kernel lets it (`walls`), there is no network, no file but those of programs,
and in the child no call that starts, sends or writes anything: no database, no key, no setting is
within reach of a broken decoder.

Both ways a message is its length in eight octets, then that many octets: the mail as it came
there, JSON back.
"""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any, Final

from apps.scan.attachments import library, signatures, walls
from apps.scan.attachments.budget import MB, Budget
from apps.scan.attachments.openers import mails
from apps.scan.attachments.walker import look
from apps.scan.letter import read

LENGTH: Final = 8  # octets of a length
ANSWER_MOST: Final = MB  # octets of an answer
SECONDS: Final = 15.0  # on the clock, for one message: only on a busy machine it comes to that
_PROCESSOR_SECONDS: Final = 8
_MEMORY: Final = 130 * MB  # of data; the program itself takes some 25 MB more
_COPIES: Final = 2  # of the message itself: as it came, and while it is decoded
_FILES: Final = 16  # libraries load parts of themselves late

WORDS: Final = {
    signal.SIGXCPU: "it took too long",
    signal.SIGKILL: "it took too long",
    signal.SIGSEGV: "what reads it crashed over it",
    signal.SIGABRT: "what reads it crashed over it",
    signal.SIGBUS: "what reads it crashed over it",
}
_CRASHED: Final = "what reads it crashed over it"


def serve(connection: socket.socket) -> None:
    """Answer one message after the other, until the worker goes away."""
    # Before the first fork, once for all.
    signatures.found_in(b"-", "text", "", ())
    library.loaded()
    while (mail := receive(connection)) is not None:
        send(connection, answer(mail))


def receive(connection: socket.socket, most: int = sys.maxsize) -> bytes | None:
    """The next message of the other side; None if it is gone, or sends more than `most`."""
    size = int.from_bytes(_exactly(connection, LENGTH) or b"", "big")
    return _exactly(connection, size) if 0 < size <= most else None


def send(connection: socket.socket, data: bytes) -> None:
    """Send a message to the other side."""
    connection.sendall(len(data).to_bytes(LENGTH, "big"))
    connection.sendall(data)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    kept = bytearray(size)
    view, at = memoryview(kept), 0
    while at < size:
        got = connection.recv_into(view[at:])
        if not got:
            return None
        at += got
    view.release()
    return bytes(kept)


def answer(mail: bytes) -> bytes:
    """What a child finds, or how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(mail, writing)
    os.close(writing)
    found = _read(reading, time.monotonic() + SECONDS)
    os.close(reading)
    if found is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if found and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return found
    ended = signal.Signals(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None
    words = WORDS.get(ended, _CRASHED) if ended is not None else _CRASHED
    return json.dumps({"failed": words}).encode()


def _read(descriptor: int, until: float) -> bytes | None:
    """All that a child writes; None if it does not end in time, or writes too much."""
    kept = bytearray()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while (left := until - time.monotonic()) > 0 and len(kept) <= ANSWER_MOST:
        if not poll.poll(left * 1_000):
            return None
        piece = os.read(descriptor, 65_536)
        if not piece:
            return bytes(kept)
        kept += piece
    return None


def _be_child(mail: bytes, writing: int) -> None:
    """Look, write, end: nothing of the server is gone on with."""
    status = 1
    try:
        # Not the socket either: what a broken decoder says must not count for the next message.
        os.closerange(3, writing)
        os.closerange(writing + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        walls.hide()
        _limit(_MEMORY + _COPIES * len(mail))
        walls.leave_calls()
        facts = json.dumps(look_at(mail)).encode()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(facts)
        status = 0
    finally:
        os._exit(status)


def _limit(memory: int) -> None:
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, _PROCESSOR_SECONDS),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bounded, bounded))


def look_at(mail: bytes, *, opens: bool = True) -> dict[str, Any]:
    """The facts of a whole message."""
    # The parts are no larger than the message, so they are looked at whole; and what they cost is
    # not for what is in them to use up.
    own, letter = Budget(len(mail)), read(mail)
    parts = (mails.member(part, own, len(mail)) for part in letter.parts)
    facts = look(parts, Budget(len(mail)), opens=opens)
    if letter.beyond:
        facts.setdefault("too_much", letter.beyond[0])
    return facts


def main() -> None:
    """Serve over the descriptor that the command line names."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    walls.leave_network()
    walls.leave_folder()
    walls.leave_files()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends when its worker does: the socket says so
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        serve(connection)


if __name__ == "__main__":
    main()
