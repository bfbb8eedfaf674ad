"""A request of many lines, worked off some lines at a time.

Each time the powers of who asks are read anew, what takes time is made on the threads for it, and
then one transaction does these lines, each within a savepoint: a line that fails hurts no other.
While a transaction writes, what the next lines need is made. Memory holds the lines of two of them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from django.db import OperationalError, transaction

from apps.api import problems
from apps.api.access import Access
from apps.api.authentication import renewed
from apps.api.bulk.lines import LONGEST, MOST, Line, written
from apps.api.forms import Form
from apps.api.problems import Fault, Wrong
from apps.api.services import replays
from apps.api.services.replays import Asked, Kept
from apps.audit.acting import Actor, acting
from apps.runtime.db import in_db, translate_errors
from apps.wire.errors import Overloaded, StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

_HASHES: Final = 2  # at the same time, so that others who sign in have their turn between them
_ENDING: Final = (StorageUnavailable, StorageFull, Overloaded, OperationalError)
"""What the next lines would meet as well."""
_DEFECT: Final = problems.problem(500, "internal", "This line met a defect of ours: it is noted")


class Work(Protocol):
    """What is done with the lines of a resource.

    Args:
        at_once: lines of a transaction. Nobody else writes to SQLite meanwhile, so it is to last
            some tens of milliseconds.
    """

    at_once: int

    def looked(self, access: Access, lines: Sequence[Line]) -> None:
        """Look at lines whose `ready` is the object that was sent: say of those that cannot be done
        why not (`refuse`), and put what `made` needs into the others; a few statements for all."""

    def made(self, line: Line) -> Any:
        """What takes its time and asks nobody (hashes, keys); it becomes `Line.ready`."""

    def locked(self, access: Access, lines: Sequence[Line]) -> None:
        """Lock what the lines are added to, in the house's order: one after the other, two requests
        would wait for each other."""

    def done(self, access: Access, line: Line) -> Mapping[str, Any]:
        """Do a line; return what is shown of it."""


@contextmanager
def trying(line: Line) -> Iterator[None]:
    """Within: what fails is said of the line, but for what the next lines would meet as well."""
    try:
        yield
    except _ENDING:
        raise
    except Exception as error:  # noqa: BLE001 - the answer has begun: it says so
        refuse(line, error)


def refuse(line: Line, error: Exception) -> None:
    """Say why a line cannot be done."""
    found = problems.told(error)
    if found is None:
        logger.error("a line of a request met a defect", exc_info=error)
        found = _DEFECT
    line.answer = {"line": line.number, "status": found["status"], "problem": found}


def checked(form: type[Form], lines: Sequence[Line]) -> list[Line]:
    """Those lines that are such forms: what was sent is what `ready` is then."""
    for line in lines:
        with trying(line):
            found = form(data=line.ready)
            found.is_valid(raise_exception=True)
            line.ready = found.validated_data
    return _open(lines)


@dataclass(slots=True)
class Run:
    """A request.

    Args:
        key: the Idempotency-Key; "" for none.
        about: of all lines: method and address.
        outside: who acts where it is no user.
        status: of a line that was done.
    """

    work: Work
    access: Access
    source: Iterator[Line]
    key: str
    about: str
    outside: Actor
    status: int = 201
    seen: int = 0
    did: int = 0
    failed: int = 0

    def plainly(self) -> Iterator[bytes]:
        """The answer, made on this thread."""
        problem = None
        try:
            with translate_errors():
                while lines := self._looked():
                    for line in _open(lines):
                        line.ready = self._made(line)
                    yield self._done(lines)
        except Exception as error:  # noqa: BLE001 - the answer has begun: it says so
            problem = _ending(error)
        yield self._end(problem)

    async def beside(self) -> AsyncIterator[bytes]:
        """The answer, made on the threads of the database and of hashes."""
        problem = None
        following = asyncio.ensure_future(self._ready())
        try:
            while lines := await following:
                following = asyncio.ensure_future(self._ready())
                yield await in_db("write", self._done, lines)
        except Exception as error:  # noqa: BLE001 - the answer has begun: it says so
            problem = _ending(error)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        yield self._end(problem)

    async def _ready(self) -> list[Line]:
        lines = await in_db("read", self._looked)
        turns = asyncio.Semaphore(_HASHES)

        async def make(line: Line) -> None:
            async with turns:
                line.ready = await in_db("hash", self._made, line)

        await asyncio.gather(*(make(line) for line in _open(lines)))
        return lines

    def _looked(self) -> list[Line]:
        """The next lines, looked at; none at the end."""
        lines = list(islice(self.source, min(self.work.at_once, MOST - self.seen)))
        self.seen += len(lines)
        if not lines:
            self._demand_end()
            return lines
        self.access = renewed(self.access)
        for line in lines:
            _read(line)
        if self.key:
            kept = replays.kept(caller=self.access.caller, asked=self._asked(_open(lines)))
            self._tell_again(lines, kept)
        self.work.looked(self.access, _open(lines))
        return lines

    def _demand_end(self) -> None:
        if next(self.source, None) is not None:
            words = f"A request has up to {MOST:,} lines: send those that follow in another one"
            raise Wrong(Fault("", "too_large", words), status=413)

    def _made(self, line: Line) -> Any:
        with trying(line):
            return self.work.made(line)
        return None

    def _done(self, lines: Sequence[Line]) -> bytes:
        """Do the lines, in one transaction; return what is said of them."""
        with acting(self.access.actor or self.outside), transaction.atomic():
            if self.key:
                asked = self._asked(_open(lines))
                self._tell_again(lines, replays.claim(caller=self.access.caller, asked=asked))
            mine = _open(lines)
            self.work.locked(self.access, mine)
            for line in mine:
                self._do(line)
            if self.key:
                self._keep(mine)
        self._count(lines)
        return b"".join(written(line.answer or {}) for line in lines)

    def _do(self, line: Line) -> None:
        with trying(line):
            with transaction.atomic():
                result = self.work.done(self.access, line)
            line.answer = {"line": line.number, "status": self.status, "result": result}

    def _keep(self, lines: Sequence[Line]) -> None:
        """Note what was done, within its transaction; what failed may be asked for again."""
        good = [line for line in lines if line.answer and "result" in line.answer]
        done = {self._key(line): written(line.answer or {}) for line in good}
        replays.keep(
            caller=self.access.caller,
            claimed=[self._key(line) for line in lines],
            done=done,
            status=self.status,
        )

    def _tell_again(self, lines: Sequence[Line], kept: Mapping[str, Kept]) -> None:
        for line in _open(lines):
            found = kept.get(self._key(line))
            if found is None:
                continue
            with trying(line):
                line.answer = {**found.answer(), "is_replayed": True}

    def _asked(self, lines: Sequence[Line]) -> list[Asked]:
        return [Asked(self._key(line), self.about.encode() + b"\0" + line.octets) for line in lines]

    def _key(self, line: Line) -> str:
        """Of a line alone: no header has a line break in it."""
        return f"{self.key}\n{line.number}"

    def _count(self, lines: Sequence[Line]) -> None:
        failed = sum("problem" in (line.answer or {}) for line in lines)
        self.failed += failed
        self.did += len(lines) - failed

    def _end(self, problem: Mapping[str, Any] | None) -> bytes:
        return written({"done": self.did, "failed": self.failed, "problem": problem})


def _read(line: Line) -> None:
    with trying(line):
        if not line.octets:
            words = f"A line has up to {LONGEST:,} octets"
            raise Wrong(Fault("", "too_large", words), status=413)
        line.ready = line.parsed()


def _ending(error: Exception) -> Mapping[str, Any]:
    """Why no further line is done."""
    found = problems.told(error)
    if found is None:
        logger.error("a request of many lines met a defect", exc_info=error)
    return found or _DEFECT


def _open(lines: Sequence[Line]) -> list[Line]:
    """Those of which nothing is said yet."""
    return [line for line in lines if line.answer is None]
