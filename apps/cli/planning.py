"""What has to be done so that things are as a plan says: nothing, where they are so already."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.cli.asking import Answer, Server, request_of, settled
from apps.cli.calling import Call
from apps.cli.contract import Contract, Field, Operation
from apps.cli.failures import Problem, WrongCall
from apps.cli.naming import Name, Names
from apps.cli.plan import ABSENT, ENSURE, PRESENT, Item, Plan
from apps.cli.resources import ORDER, Part, Resource, known, resource_of
from apps.mime.address import Address, AddressError, looks_like_one

ADD, CHANGE, REMOVE = "add", "change", "remove"
HIDDEN: Final = "(secret)"


@dataclass(frozen=True, slots=True)
class Change:
    """A field, what it is and what it shall be."""

    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Args:
        part: what of the thing; "" is the thing itself.
        calls: what is asked for, one after the other; names in them stand for ids.
        shown_once: fields of the first answer that nobody sees again.
    """

    act: str
    noun: str
    name: str
    changes: Mapping[str, Change]
    calls: tuple[Call, ...]
    part: str = ""
    shown_once: tuple[str, ...] = ()


@dataclass
class Planner:
    """Compares plans with how things are."""

    contract: Contract
    server: Server
    names: Names

    def steps(self, plan: Plan) -> list[Step]:
        """All of them, in the order in which they can be done.

        Raises:
            WrongCall: the plan says what cannot be said.
            Problem: how things are may not be seen.
        """
        wanted = [(self._resource(plan, noun), plan.things[noun]) for noun in _ordered(plan.things)]
        for resource, items in wanted:
            _demand_known(resource, items, plan.name)
        steps: list[Step] = []
        gone: list[Step] = []
        for resource, items in wanted:
            for item in items:
                (gone if _is_absent(item) else steps).extend(self._of(resource, item))
        return [*steps, *reversed(gone)]

    def _resource(self, plan: Plan, noun: str) -> Resource:
        found = resource_of(self.contract, noun)
        if found is None:
            told = _told(noun, known(self.contract))
            raise WrongCall(f"{plan.name}: a plan cannot have {noun}{told}")
        return found

    def _of(self, resource: Resource, item: Item) -> Iterator[Step]:
        name = _name(resource, item)
        found = self._found(resource, name, item)
        if _is_absent(item):
            if found is not None:
                yield self._removal(resource, name, found, item)
        elif found is None:
            yield _addition(resource, name, item)
            yield from self._parts(resource, name, None, item)
        else:
            yield from self._change(resource, name, found, item)
            yield from self._parts(resource, name, found["id"], item)

    def _found(self, resource: Resource, name: str, item: Item) -> Mapping[str, Any] | None:
        """The thing that is meant. What cannot be changed is another thing where anything that is
        said of it is different."""
        if resource.change is not None:
            return self.names.find(resource.collection, name)
        fields, values = _fields(resource), _values(resource, item)
        for one in self.names.all_of(resource.collection, name):
            if not self._differences(fields, values, one):
                return one
        return None

    def _removal(self, resource: Resource, name: str, found: Item, item: Item) -> Step:
        assert resource.delete is not None
        _, headers = self._shown(resource.show, {"": found["id"]}, resource.delete)
        options = {one.name: item[one.name] for one in resource.delete.query if one.name in item}
        places = {one.name: found["id"] for one in resource.delete.places}
        call = Call(resource.delete, places, options, headers=headers)
        return Step(REMOVE, resource.noun, name, {}, (call,))

    def _change(self, resource: Resource, name: str, found: Item, item: Item) -> Iterator[Step]:
        shown, headers = self._shown(resource.show, {"": found["id"]}, resource.change)
        shown = shown or found
        values = _values(resource, item)
        changes = self._differences(_fields(resource), values, shown)
        if not changes:
            return
        settable = {one.name for one in resource.change.form} if resource.change else set()
        for one in changes:
            if one not in settable:
                raise WrongCall(
                    f"{resource.noun} {name}: {one} is {changes[one].before!r} and cannot be"
                    " changed: take it out of the plan, or remove the thing and add it anew"
                )
        assert resource.change is not None
        form = {one: values[one] for one in changes}
        call = Call(resource.change, _places(resource.change, name), form=form, headers=headers)
        yield Step(CHANGE, resource.noun, name, changes, (call,))

    def _parts(self, resource: Resource, name: str, id_: Any, item: Item) -> Iterator[Step]:
        fields = {one.name for one in _fields(resource).values()}
        for key, part in resource.parts.items():
            if key in item and key not in fields:
                yield from self._part(resource, part, name, id_, item[key])

    def _part(
        self, resource: Resource, part: Part, name: str, id_: Any, wanted: Any
    ) -> Iterator[Step]:
        shown: Mapping[str, Any] | None = None
        headers: Mapping[str, str] = {}
        if id_ is not None:
            shown, headers = self._shown(part.show, {"": id_}, part.change)
        if wanted is None:
            if shown is not None and part.delete is not None:
                call = Call(part.delete, _places(part.delete, name))
                yield Step(REMOVE, resource.noun, name, {}, (call,), part.name)
            return
        fields = {one.name: one for one in part.change.form}
        changes = self._differences(fields, wanted, shown or {})
        if not changes:
            return
        # What is put is put as a whole; what is patched, by what differs.
        is_whole = part.change.method == "PUT"
        form = wanted if is_whole else {one: wanted[one] for one in changes}
        call = Call(part.change, _places(part.change, name), form=form, headers=headers)
        act = ADD if id_ is None or (shown is None and is_whole) else CHANGE
        yield Step(act, resource.noun, name, changes, (call,), part.name)

    def _shown(
        self, show: Operation | None, ids: Mapping[str, Any], then: Operation | None
    ) -> tuple[Mapping[str, Any] | None, Mapping[str, str]]:
        """How something is, and the header that holds an operation on it to that state."""
        if show is None:
            return None, {}
        places = {one.name: ids[""] for one in show.places}
        try:
            answer: Answer = settled(self.server.ask(request_of(Call(show, places))))
        except Problem as problem:
            if problem.http_status == 404:
                return None, {}
            raise
        told = answer.json()
        tag = answer.headers.get("etag", "")
        return told, {"If-Match": tag} if tag and then is not None and then.takes_match else {}

    def _differences(
        self, fields: Mapping[str, Field], wanted: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> dict[str, Change]:
        found = {}
        for name, value in wanted.items():
            one = fields[name]
            if one.is_secret or (shown and name not in shown):
                continue  # nobody can see what it is: it is said when the thing is made
            before = shown.get(name)
            if name not in shown or not self._is_same(one, value, before):
                found[name] = Change(before, value)
        return found

    def _is_same(self, one: Field, wanted: Any, shown: Any) -> bool:
        if one.refers and isinstance(wanted, str) and not isinstance(shown, str):
            collection = self.contract.collections.get(one.refers)
            thing = self.names.find(collection, wanted) if collection else None
            return thing is not None and thing["id"] == shown
        return is_same(wanted, shown)


def is_same(wanted: Any, shown: Any) -> bool:
    """Whether two values mean the same: the order of a list, another spelling of an address or of
    a moment make no difference."""
    if isinstance(wanted, bool) or isinstance(shown, bool):
        return wanted is shown
    if isinstance(wanted, str) and isinstance(shown, str):
        return wanted == shown or _plain(wanted) == _plain(shown)
    if isinstance(wanted, list) and isinstance(shown, list):
        left = list(shown)
        for one in wanted:
            match = next((other for other in left if is_same(one, other)), None)
            if match is None:
                return False
            left.remove(match)
        return not left
    if isinstance(wanted, dict) and isinstance(shown, dict):
        return all(is_same(value, shown.get(name)) for name, value in wanted.items())
    return bool(wanted == shown)


def _plain(text: str) -> Any:
    if looks_like_one(text):
        try:
            return Address.parse(text)
        except AddressError:
            return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo is None else moment.timestamp()


def _addition(resource: Resource, name: str, item: Item) -> Step:
    """A thing is made of what its form takes; what else is said of it is changed then."""
    assert resource.create is not None
    values = _values(resource, item)
    taken = {one.name for one in resource.create.form}
    first = {one: value for one, value in values.items() if one in taken}
    rest = {one: value for one, value in values.items() if one not in taken}
    calls = [Call(resource.create, form={**first, resource.key: name})]
    if rest and resource.change is not None:
        calls.append(Call(resource.change, _places(resource.change, name), form=rest))
    fields = _fields(resource)
    changes = {
        one: Change(None, HIDDEN if fields[one].is_secret else value)
        for one, value in values.items()
        if one != resource.key
    }
    again = {one.name for one in resource.show.shows} if resource.show else set()
    once = tuple(one.name for one in resource.create.shows if again and one.name not in again)
    return Step(ADD, resource.noun, name, changes, tuple(calls), shown_once=once)


def _fields(resource: Resource) -> dict[str, Field]:
    forms = [one.form for one in (resource.create, resource.change) if one is not None]
    return {one.name: one for form in forms for one in form}


def _values(resource: Resource, item: Item) -> dict[str, Any]:
    fields = _fields(resource)
    values = {one: value for one, value in item.items() if one in fields and one != resource.key}
    # A plan has ids as numbers; text is a name, of digits too.
    return {
        one: Name(value) if fields[one].refers and isinstance(value, str) else value
        for one, value in values.items()
    }


def _places(operation: Operation, name: str) -> dict[str, Any]:
    return {one.name: Name(name) for one in operation.places}


def _ordered(things: Mapping[str, Any]) -> list[str]:
    first = [noun for noun in ORDER if noun in things]
    return [*first, *(noun for noun in things if noun not in ORDER)]


def _name(resource: Resource, item: Item) -> str:
    return str(item[resource.key])


def _is_absent(item: Item) -> bool:
    return bool(item.get(ENSURE, PRESENT) == ABSENT)


def _demand_known(resource: Resource, items: Sequence[Item], file: str) -> None:
    """Raise WrongCall for what cannot be said: before anything is asked or done."""
    seen = set()
    for number, item in enumerate(items, 1):
        place = f"{file}: {resource.noun}, number {number}"
        name = item.get(resource.key)
        if not isinstance(name, str) or not name:
            raise WrongCall(f"{place}: it has no {resource.key}, which is what it is known by")
        if name in seen and resource.change is not None:
            raise WrongCall(f"{place}: {name} stands there twice")
        seen.add(name)
        _demand_fields(resource, item, f"{file}: {resource.noun} {name}")


def _demand_fields(resource: Resource, item: Item, place: str) -> None:
    absent = _is_absent(item)
    if item.get(ENSURE, PRESENT) not in (PRESENT, ABSENT):
        raise WrongCall(f"{place}: {ENSURE} is {PRESENT} or {ABSENT}")
    if (absent and resource.delete is None) or (not absent and resource.create is None):
        raise WrongCall(f"{place}: it cannot be {'removed' if absent else 'added'} by a plan")
    names = [resource.key, ENSURE, *resource.names]
    if absent and resource.delete is not None:
        options = [one.name for one in resource.delete.query]
        names = [resource.key, ENSURE, *options]
        if resource.change is None:  # all that is said of it tells which one is meant
            names += resource.names
    for one in item:
        if one not in names:
            raise WrongCall(f"{place}: there is no {one}{_told(one, names)}")
    fields = _fields(resource)
    for key, part in resource.parts.items():
        if key in item and key not in fields:
            _demand_part(part, item[key], f"{place}, {key}")


def _demand_part(part: Part, wanted: Any, place: str) -> None:
    if wanted is None and part.delete is not None:
        return
    if not isinstance(wanted, dict):
        raise WrongCall(f"{place}: it has fields of its own")
    names = [one.name for one in part.change.form]
    for one in wanted:
        if one not in names:
            raise WrongCall(f"{place}: there is no {one}{_told(one, names)}")


def _told(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, words, 1)
    return f": {near[0]} was meant?" if near else f", but: {', '.join(words)}"
