"""Something that is asked now and needed later: its answer, or what stands in for it until then."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Question(Generic[T]):
    """One question. `otherwise` is the answer as long as there is no other."""

    def __init__(self, otherwise: T) -> None:
        self._answer = otherwise
        self._task: asyncio.Task[T] | None = None

    def answer(self, answer: T) -> None:
        """The answer is known."""
        self.stop()
        self._answer = answer

    def ask(self, question: Coroutine[Any, Any, T]) -> None:
        """Find it out in the background."""
        self.stop()
        self._task = asyncio.get_running_loop().create_task(question)

    @property
    def value(self) -> T:
        """What is known by now."""
        self._take()
        return self._answer

    async def wait(self, until: float) -> T:
        """What is known when the answer is here, or at a time of the loop."""
        if self._task is not None and not self._task.done():
            left = until - asyncio.get_running_loop().time()
            await asyncio.wait([self._task], timeout=max(0.0, left))
        return self.value

    def stop(self) -> None:
        """Nobody needs it any more; an answer that is here stays."""
        self._take()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _take(self) -> None:
        """Keep the answer if it is here."""
        task = self._task
        if task is None or not task.done():
            return
        self._task = None
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            # A mistake of ours must not close the door: nobody knows, then.
            logger.error("a question about a client failed", exc_info=error)
        else:
            self._answer = task.result()
