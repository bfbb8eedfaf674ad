"""Rows of the matrix: what an address of the interface for programs answers to whom. Each room has
its own module, `rows_*.py` with a dictionary ROWS, which `test_matrix.py` puts together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STRANGERS: Final = ("anonymous", "suspended")
# The last two are an operator's tokens that are bound to the domain and the organisation of A.
ROLES: Final = (
    *STRANGERS,
    "user",
    "other",
    "helpdesk",
    "admin",
    "reseller",
    "admin of B",
    "operator",
    "operator in the domain of A",
    "operator in the organisation of A",
)
VERBS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODY: Final = ("anonymous", "suspended")
PLAIN: Final = ("user", "other")
ADMINISTRATORS: Final = tuple(role for role in ROLES if role not in (*NOBODY, *PLAIN))
OPERATOR: Final = ("operator",)

Codes = int | tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """What an address answers.

    Args:
        get, post, put, patch, delete: statuses for who may.
        thing: what the number in the address names: a key of `Tenant.ids`, a user of the tenant
            (`person`), a message in the queue (`queued`), the same as its sender's (`sent`);
            "" for none.
        second: what stands for the second argument in the address.
        may: roles that may; the rest with a role gets 403, or 404 where `thing` is out of sight.
        refused: roles of `may` whose writes are refused, 403.
        is_own: everybody with a token has it: an own account.
        is_public: without a token too.
        data: bodies by verb.
    """

    get: Codes = 405
    post: Codes = 405
    put: Codes = 405
    patch: Codes = 405
    delete: Codes = 405
    thing: str = ""
    second: str = ""
    may: tuple[str, ...] = ADMINISTRATORS
    refused: tuple[str, ...] = ()
    is_own: bool = False
    is_public: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)

    def told(self, verb: str) -> tuple[int, ...]:
        """The statuses for who may."""
        codes: Codes = getattr(self, verb.lower())
        return codes if isinstance(codes, tuple) else (codes,)
