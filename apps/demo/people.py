"""Who lives in the demo: texts/people.toml as values. Pure, but for reading its own files.

`People` finds anybody by key, and draws casts from pools.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from apps.mime.address import Address

TEXTS = Path(__file__).parent / "texts"
MAIN = "maya"  # whom the printed link signs in


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes or receives.

    Args:
        reaches: keys of the users who get what is sent to this address: oneself, or an alias's.
        mailer: how letters are written, see `apps.demo.letters`.
        is_user: has a mailbox here.
    """

    key: str
    name: str
    address: str
    language: str = "en"
    zone: str = "uk"
    mailer: str = "plain"
    sign: str = ""
    reaches: tuple[str, ...] = ()
    is_user: bool = False

    @property
    def first(self) -> str:
        """The name that friends use."""
        return self.name.split()[0]

    @property
    def host(self) -> str:
        """The domain of the address."""
        return Address.parse(self.address).domain


@dataclass(frozen=True, slots=True)
class Account:
    """A user to be made here."""

    person: Person
    role: str
    is_suspended: bool
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that leads to others."""

    pattern: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class People:
    """All of them. `organizations` are (name, domains)."""

    organizations: tuple[tuple[str, tuple[str, ...]], ...]
    accounts: tuple[Account, ...]
    aliases: tuple[Alias, ...]
    known: dict[str, Person]
    pools: dict[str, tuple[str, ...]]

    def __getitem__(self, key: str) -> Person:
        return self.known[key]

    def cast(self, wanted: Sequence[str], rng: Random) -> list[Person]:
        """Somebody for each of `wanted`, keys or pools; nobody plays two parts."""
        fixed = set(wanted).difference(self.pools)
        chosen: list[Person] = []
        for name in wanted:
            if name not in self.pools:
                chosen.append(self.known[name])
                continue
            taken = fixed | {person.key for person in chosen}
            free = [key for key in self.pools[name] if key not in taken]
            # The demo opens in this mailbox: it should not be the emptiest.
            eager = MAIN in free and rng.random() < 0.4
            chosen.append(self.known[MAIN if eager else rng.choice(free)])
        return chosen

    def reader(self, wanted: str, rng: Random) -> Person:
        """The person or alias with that key, or somebody of that pool who has a mailbox here."""
        ours = [key for key in self.pools.get(wanted, ()) if self.known[key].is_user]
        return self.known[rng.choice(ours) if ours else wanted]


@cache
def people() -> People:
    """Everybody, as the file tells."""
    told = read("people")
    known: dict[str, Person] = {}
    pools: dict[str, list[str]] = {}
    for row in (*told["user"], *told["outside"]):
        person = _person(row, is_user="role" in row or "folders" in row)
        known[person.key] = person
        for pool in row["pools"]:
            pools.setdefault(pool, []).append(person.key)
    for row in told["alias"]:
        address = row.get("written", row["pattern"])
        known[row["key"]] = Person(row["key"], row["name"], address, reaches=tuple(row["targets"]))
    return People(
        tuple((row["name"], tuple(row["domains"])) for row in told["organization"]),
        tuple(_account(row, known[row["key"]]) for row in told["user"]),
        tuple(_alias(row, known) for row in told["alias"]),
        known,
        {name: tuple(keys) for name, keys in pools.items()},
    )


def read(name: str) -> dict[str, Any]:
    """One file of texts."""
    return tomllib.loads((TEXTS / f"{name}.toml").read_text("utf-8"))


def _person(row: dict[str, Any], *, is_user: bool) -> Person:
    return Person(
        key=row["key"],
        name=row["name"],
        address=row["address"],
        language=row.get("language", "en"),
        zone=row["zone"],
        mailer=row["mailer"],
        sign=row["sign"],
        reaches=(row["key"],) if is_user else (),
        is_user=is_user,
    )


def _account(row: dict[str, Any], person: Person) -> Account:
    return Account(
        person, row.get("role", ""), row.get("state") == "suspended", tuple(row["folders"])
    )


def _alias(row: dict[str, Any], known: dict[str, Person]) -> Alias:
    keys = (*row["targets"], *row.get("outside", ()))
    return Alias(row["pattern"], tuple(known[key].address for key in keys))
