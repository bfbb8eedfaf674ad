"""What a plan can speak of: things that the contract lists by name, makes, changes and removes, and
what each of them has one of, such as a domain's limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apps.cli.contract import Collection, Contract, Operation

# Others need these: they come first, and go last. The rest keeps the order of the plan.
ORDER: Final = ("organizations", "domains", "users")


@dataclass(frozen=True, slots=True)
class Part:
    """What a thing has one of."""

    name: str
    show: Operation
    change: Operation
    delete: Operation | None


@dataclass(frozen=True, slots=True)
class Resource:
    """Things of one kind; what an operation is missing for cannot be done."""

    collection: Collection
    create: Operation | None
    show: Operation | None
    change: Operation | None
    delete: Operation | None
    parts: Mapping[str, Part]

    @property
    def noun(self) -> str:
        return self.collection.noun

    @property
    def key(self) -> str:
        return self.collection.key

    @property
    def names(self) -> list[str]:
        """All that can be said of one."""
        forms = [one.form for one in (self.create, self.change) if one is not None]
        fields = dict.fromkeys(field.name for form in forms for field in form)
        return [*fields, *(name for name in self.parts if name not in fields)]


def resource_of(contract: Contract, noun: str) -> Resource | None:
    """Things of that name; None if a plan cannot speak of them."""
    collection = contract.collections.get(noun)
    if collection is None:
        return None
    create, one, parts = contract.at("POST", noun), "", {}
    for operation in contract.operations:
        if found := re.fullmatch(rf"{re.escape(noun)}/{{\w+}}", operation.path):
            one = found[0]
    if not one:
        return None
    for operation in contract.operations:
        name = operation.path.removeprefix(f"{one}/")
        change = contract.at("PATCH", operation.path) or contract.at("PUT", operation.path)
        is_one = operation.method == "GET" and not operation.lists and bool(operation.shows)
        if name != operation.path and re.fullmatch(r"[\w-]+", name) and is_one and change:
            delete = contract.at("DELETE", operation.path)
            parts[name.replace("-", "_")] = Part(name, operation, change, delete)
    at = contract.at
    if create is None and at("PATCH", one) is None:
        return None
    return Resource(collection, create, at("GET", one), at("PATCH", one), at("DELETE", one), parts)


def known(contract: Contract) -> list[str]:
    """What plans can speak of."""
    return [noun for noun in contract.collections if resource_of(contract, noun) is not None]
