"""Names that people know, in place of ids: `mailhost domains show example.org`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from apps.cli.asking import Server, request_of, settled
from apps.cli.calling import Call
from apps.cli.contract import Collection, Contract, Field
from apps.cli.failures import Failed
from apps.mime.address import Address, AddressError, normalise_domain

PAGES: Final = 20  # of things that have it in their names
# Where what is shown may be written in the letters of its language.
_ALSO: Final = ("display_name", "display_address")


class Name(str):
    """What is a name, though it may look like an id."""

    __slots__ = ()


class Missing(Failed):
    """There is no such thing."""


class Names:
    """Finds things by their names, each once."""

    def __init__(self, contract: Contract, server: Server) -> None:
        self._contract = contract
        self._server = server
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}

    def resolved(self, call: Call) -> Call:
        """The call with ids in place of names.

        Raises:
            Missing: nothing has that name.
            Problem: the list may not be asked for.
        """
        operation = call.operation
        fields = {one.name: one for one in (*operation.query, *operation.form)}
        return replace(
            call,
            places={
                one.name: self._id(one, call.places[one.name])
                for one in operation.places
                if one.name in call.places
            },
            query=self._values(fields, call.query),
            form=None if call.form is None else self._values(fields, call.form),
        )

    def find(self, collection: Collection, name: str) -> Mapping[str, Any] | None:
        """The thing of that name, as its list shows it; None if there is none.

        Raises:
            Failed: there are several, and nobody could know which is meant.
        """
        known = self._known.get((collection.noun, name))
        if known is None:
            known = _only(collection, name, list(self.all_of(collection, name)))
            if known is not None:
                self._known[collection.noun, name] = known
        return known

    def forget(self) -> None:
        """What was found may have changed."""
        self._known.clear()

    def _values(self, fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._id(fields[name], value) if name in fields else value
            for name, value in values.items()
        }

    def _id(self, field: Field, value: Any) -> Any:
        is_name = isinstance(value, Name) or (isinstance(value, str) and not _is_id(value))
        if not field.refers or not is_name:
            return value
        collection = self._contract.collections.get(field.refers)
        if collection is None:
            raise Missing(f"{value!r} is no id of {field.refers}: a whole number")
        found = self.find(collection, value)
        if found is None:
            raise Missing(f"There is nothing called {value!r} in {field.refers}")
        return found["id"]

    def all_of(self, collection: Collection, name: str) -> Iterator[Mapping[str, Any]]:
        """All things of that name: a user has several roles."""
        query: dict[str, Any] = {}
        if collection.listing.is_paged:
            query = {collection.key: name, "limit": collection.listing.page}
        wanted = _spellings(name)
        for _ in range(PAGES):
            request = request_of(Call(collection.listing), query)
            items, following = settled(self._server.ask(request)).items()
            yield from (one for one in items if wanted & _names(collection, one))
            if not following:
                return
            query["cursor"] = following
        raise Failed(f"Too many have {name!r} in their names: give its id")


def _only(
    collection: Collection, name: str, found: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The only one; of several, the one that is written so to the letter."""
    if len(found) > 1:
        found = [one for one in found if one[collection.key] == name]
        if len(found) != 1:
            raise Failed(f"Several in {collection.noun} are called {name!r}: give an id")
    return found[0] if found else None


def _names(collection: Collection, item: Mapping[str, Any]) -> set[str]:
    return {str(item[key]).casefold() for key in (collection.key, *_ALSO) if key in item}


def _spellings(name: str) -> set[str]:
    """As it is written, and as the directory keeps domains and addresses."""
    found = {name.casefold()}
    with suppress(AddressError):
        found.add(normalise_domain(name))
    with suppress(AddressError):
        found.add(str(Address.parse(name)).casefold())
    return found


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit()
