"""Who is at work: each door says so once, and what it does is recorded under that name.

A context variable, because the fact belongs to a request or a command as a whole: a thread that
does something else has no part in it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts.

    Args:
        kind: a signed-in user, who runs commands on this machine, or mailhost itself.
        user_id: of a user.
        name: the user's address, or the name on this machine.
        door: web, command, api.
        address: the client's IP address, "" on this machine.
        acting_for: the address of the user as whom an administrator works, "" for oneself.
        via: the API token by which a program acts, "" for people.
    """

    kind: Literal["user", "command", "service"]
    user_id: int | None
    name: str
    door: str
    address: str = ""
    acting_for: str = ""
    via: str = ""


SERVICE: Final = Actor("service", None, "mailhost", "")
_actor: ContextVar[Actor | Callable[[], Actor]] = ContextVar("actor", default=SERVICE)


@contextmanager
def acting(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Record what is done within as done by `actor`.

    Args:
        actor: a function is asked when something is recorded, and not before: most requests
            record nothing, and need not know who asks.
    """
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current() -> Actor:
    """Who is at work; mailhost itself if no door said anything."""
    actor = _actor.get()
    return actor if isinstance(actor, Actor) else actor()
