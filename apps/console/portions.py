"""An act on all that match a filter, a portion a request.

However much matches, a request does a bounded part of it. The page that answers says how far it has
come and asks for the next portion: by itself where scripts run, by a button where none do. What is
kept between two portions stands in the form of that page. Nothing is permitted by it: each portion
looks anew at what is in sight, and what its numbers say is only said to whoever sent them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self
from uuid import UUID

from apps.console.typed import typed
from apps.runtime.ulid import new_ulid, parse_ulid, ulid_text
from apps.wire.numbers import whole_number

_PREFIX: Final = "all_"  # no filter has a field that begins so
_LENGTH: Final = 300  # characters of a field


def new_run() -> str:
    """A name for an act that a page may ask for."""
    return ulid_text(new_ulid())


@dataclass(frozen=True, slots=True)
class Stand:
    """How far it has come.

    Args:
        after: the last thing that was looked at, as its list writes ids; "" before the first one.
        until: what came later is not meant, as its list writes it.
        total: how many match, in words.
        done: to how many things it was done.
        left: how many stayed as they were, and why the last one did.
        run: what its portions have in common (`BulkAct.run`): a page that is sent again belongs to
            the same act.
    """

    after: str = ""
    until: str = ""
    total: str = ""
    done: int = 0
    left: int = 0
    why: str = ""
    run: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Read what came in a form; the beginning if nothing did."""
        given = {one.name: typed(values, _PREFIX + one.name, _LENGTH) for one in fields(cls)}
        return cls(
            after=given["after"],
            until=given["until"],
            total=given["total"],
            done=whole_number(given["done"]) or 0,
            left=whole_number(given["left"]) or 0,
            why=given["why"],
            run=given["run"],
        )

    @property
    def is_first(self) -> bool:
        """Whether nothing was done yet."""
        return not self.after

    @property
    def run_id(self) -> UUID | None:
        """`run` as it is kept; None if it is none."""
        return parse_ulid(self.run)

    def of_run(self, sent: Self) -> Self:
        """The beginning of the act that the list's page named when it was sent; of a new one if it
        named none."""
        return replace(self, run=sent.run if sent.run_id else new_run())

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Name and value of each field, for a form."""
        return [(_PREFIX + one.name, str(getattr(self, one.name))) for one in fields(self)]

    def further(self, after: str, *, done: int, left: int = 0, why: str = "") -> Self:
        """The same after a portion."""
        return replace(
            self, after=after, done=self.done + done, left=self.left + left, why=why or self.why
        )
