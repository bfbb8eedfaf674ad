"""Rows of the matrix: what an address answers to whom. Each room of the console has its own module,
`rows_*.py` with a dictionary ROWS, which `test_matrix.py` puts together."""

from dataclasses import dataclass
from typing import Any, Final

STRANGERS: Final = ("anonymous", "suspended")
OF_A: Final = ("user", "other", "helpdesk", "admin", "reseller")
ROLES: Final = (*STRANGERS, *OF_A, "admin of B", "operator")

Codes = int | tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """What an address answers.

    Args:
        get, post: statuses for who may; other verbs get `rest`.
        strangers: what who is not signed in gets: sent to sign in, `post` if only POST is a
            question at all; None for the same as everybody.
        thing: what the number in the address names: a column of `Tenant.ids`, a user of the tenant
            (`person`), a message in one's own mailbox (`mail`), a letter that is being written and
            a file of it (`draft`); "" for none.
        may: roles for which the page is there; the rest gets 404, for every verb if they are not
            let into the console at all.
        refused: roles of `may` whose POST is refused, 403.
        data: what is posted.
    """

    get: Codes
    post: Codes
    strangers: str | None = "login"
    rest: Codes = 405
    thing: str = ""
    may: tuple[str, ...] = ROLES
    refused: tuple[str, ...] = ()
    data: tuple[tuple[str, str], ...] = ()


CONSOLE: Final = ("helpdesk", "admin", "reseller", "admin of B", "operator")
AUDIT: Final = ("admin", "reseller", "admin of B", "operator")
NONE: Final = ()


def public(get: Codes, post: Codes) -> Row:
    return Row(get, post, strangers=None)


def own(get: Codes, post: Codes, thing: str = "", **more: Any) -> Row:
    return Row(get, post, thing=thing, **more)


def console(get: Codes, post: Codes, thing: str = "", **more: Any) -> Row:
    return Row(get, post, thing=thing, **{"may": CONSOLE, **more})
