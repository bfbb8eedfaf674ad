"""Limits of all that is opened of one message, counted together. Pure but for the clock.

Everything that can grow is asked for here first: how deep, how many, how much, how much more than
was packed, how long. What goes beyond is `TooMuch`: the message is then `unscannable`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MB: Final = 1024 * 1024


class TooMuch(Exception):
    """A limit was reached; its text says which, in words."""


class Damaged(Exception):
    """A container cannot be read as what it claims to be; its text says why, in words."""


class Locked(Exception):
    """A container can be opened only by who knows its password."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may cost.

    Args:
        depth: containers inside containers.
        members: files in all containers together.
        size: octets unpacked in all.
        member: octets of one file that are unpacked and looked at.
        held: octets of containers that are open at once, one inside the other.
        ratio: times that unpacked content may be larger than what came, once it is over `grace`.
        seconds: of this process's processor time.
    """

    depth: int = 8
    members: int = 20_000
    size: int = 400 * MB
    member: int = 32 * MB
    held: int = 48 * MB
    ratio: int = 100
    grace: int = 24 * MB
    seconds: float = 6.0


class Budget:
    """What is left of the limits of one message of `packed` octets."""

    def __init__(
        self,
        packed: int,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.limits = limits or Limits()
        self._most = max(self.limits.grace, packed * self.limits.ratio)
        self._clock = clock
        self._until = clock() + self.limits.seconds
        self._members = self._size = self._held = 0

    def count(self, members: int = 1) -> None:
        """Take note of files found."""
        self._members += members
        if self._members > self.limits.members:
            raise TooMuch(f"more than {self.limits.members} files")
        self.watch()

    def spend(self, octets: int) -> None:
        """Take note of octets unpacked."""
        self._size += octets
        if self._size > self.limits.size:
            raise TooMuch(f"more than {self.limits.size // MB} MB unpacked")
        if self._size > self._most:
            raise TooMuch(f"more than {self.limits.ratio} times larger unpacked than packed")
        self.watch()

    def watch(self) -> None:
        """See whether there is time left."""
        if self._clock() > self._until:
            raise TooMuch(f"more than {self.limits.seconds:g} s of work")

    def hold(self, octets: int) -> None:
        """Take note of a container kept in memory because something inside it is looked at."""
        self._held += octets
        if self._held > self.limits.held:
            raise TooMuch(f"more than {self.limits.held // MB} MB of archives inside archives")

    def release(self, octets: int) -> None:
        """Take note that it is done with."""
        self._held -= octets
