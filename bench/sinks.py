"""Where the outbound race sends to: Debian's smtp-sink, which counts; a sink of our own that notes
when each message came; and a server that takes connections and never says a word.
"""

import asyncio
import contextlib
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from bench import processes
from bench.processes import BenchError

SMTP_SINK: Final = Path("/usr/sbin/smtp-sink")
_COUNT: Final = re.compile(rb"mesg=(\d+)\r")
_NUMBER: Final = re.compile(rb"^Subject: number (\d+)\r$", re.MULTILINE)


class SmtpSink:
    """Debian's smtp-sink on all loopback addresses of one port, between enter and exit."""

    def __init__(self, port: int) -> None:
        self._port = port
        # It writes its counters at once to a terminal only.
        self._terminal, self._its_end = os.openpty()
        self._told = b""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if not SMTP_SINK.exists():
            raise BenchError("smtp-sink is not installed: apt-get install postfix")
        command = [str(SMTP_SINK), "-u", "nobody", "-c", f":{self._port}", "1000"]
        self._process = subprocess.Popen(command, stdout=self._its_end, stderr=self._its_end)
        processes.wait_until(lambda: processes.accepts(self._port), "smtp-sink", seconds=10)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        os.close(self._its_end)
        os.close(self._terminal)

    @property
    def count(self) -> int:
        """Messages that it has taken."""
        while select.select([self._terminal], [], [], 0)[0]:
            self._told = (self._told + os.read(self._terminal, 1 << 16))[-200:]
        found = _COUNT.findall(self._told)
        return int(found[-1]) if found else 0

    def wait_for(self, count: int, *, seconds: float) -> float:
        """The moment (time.monotonic) in which it had that many."""
        processes.wait_until(
            lambda: self.count >= count,
            f"{count} messages at the sink (there are {self.count})",
            seconds=seconds,
            pause=0.01,
        )
        return time.monotonic()


class NotingSink:
    """Notes when the message with `Subject: number N` came; a `silent` address never answers.

    A process of its own would need a clock in common and a way back; a thread with a loop is
    enough for a few hundred messages.
    """

    def __init__(self, port: int, *, address: str, silent: str) -> None:
        self._port, self._address, self._silent = port, address, silent
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.arrived: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def wait_for(self, sent: Mapping[int, float], *, seconds: float) -> list[float]:
        """Seconds from each sending to its arrival, sorted."""
        processes.wait_until(
            lambda: len(self.arrived) >= len(sent),
            f"{len(sent)} messages ({len(self.arrived)} came)",
            seconds=seconds,
        )
        return sorted(self.arrived[number] - at for number, at in sent.items())

    async def _open(self) -> None:
        for address, talk in ((self._address, self._serve), (self._silent, self._be_silent)):
            self._servers.append(
                await asyncio.start_server(talk, address, self._port, limit=1 << 20)
            )

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _be_silent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin()
        with contextlib.suppress(asyncio.CancelledError, OSError):  # the end of the race
            await reader.read()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin()
        writer.write(b"220 sink ESMTP\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go\r\n")
                    self._note(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(_REPLIES.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _note(self, text: bytes) -> None:
        now = time.monotonic()
        if match := _NUMBER.search(text):
            self.arrived.setdefault(int(match[1]), now)
        else:
            print("bench: a message without a number came", file=sys.stderr)


_REPLIES: Final = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
    b"QUIT": b"221 bye\r\n",
}
