"""The embedded broker: Celery messages as files in a folder, safe with any number of processes.

kombu's own filesystem transport writes a message in place, and its reader takes no lock: a reader
may take a file before its text is in it, and the error that follows ends the worker. It also moves
what it reads through the machine's temporary folder. Here a message appears whole, by a rename,
is taken by a rename in the same folder, and what cannot be read is dropped: a message is a bell,
and the sweep finds what a lost bell would have told.
"""

import logging
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25


class Channel(filesystem.Channel):
    """One connection's view of the folder.

    A message is a file `TIME_ID.QUEUE.msg`; names that begin with a dot are on their way in or out.
    """

    # kombu's own classes do not agree on the second name.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        # Names are sorted as text: without the zeros, 10 would come before 9.
        name = f"{time.monotonic_ns():020}_{uuid.uuid4()}.{queue}.msg"
        coming = folder / f".{name}.in"
        coming.write_text(dumps(payload))
        coming.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(path.name for path in folder.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            text = _take(folder, name)
            if text is None:
                continue  # another worker was first
            try:
                return loads(text)
            except ValueError:
                logger.warning("a message on the broker cannot be read and is dropped")
        raise Empty


def _take(folder: Path, name: str) -> str | None:
    """Return the text of a message and remove it, or None if somebody else has it."""
    going = folder / f".{name}.out"
    try:
        (folder / name).rename(going)
        text = going.read_text(errors="replace")
        going.unlink()
    except FileNotFoundError:
        return None
    return text


class Transport(filesystem.Transport):
    """Named in Celery's setting `broker_transport`."""

    Channel = Channel

    # kombu's own classes do not agree on the second argument.
    def drain_events(  # type: ignore[override]
        self, connection: Any, timeout: float | None = None
    ) -> None:
        """Celery waits for two seconds at once, and twice more before it ends: as long as that a
        service would take to stop. It looks often in any case, and may come back sooner."""
        bound = None if timeout is None else min(timeout, LOOK_SECONDS)
        super().drain_events(connection, timeout=bound)
