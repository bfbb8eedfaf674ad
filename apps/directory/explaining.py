"""Why mail for an address goes where it goes: the steps of `routing`, in words.

The words are made of the same answers that route mail, so they cannot tell another story.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.directory.homes import homes_of
from apps.directory.matching import Answer, Rule, Status
from apps.directory.routing import Resolution, result_of
from apps.directory.walking import MAX_DEPTH, MAX_RESULTS, Walk, walk
from apps.mime.address import Address


@dataclass(frozen=True, slots=True)
class Step:
    """What one address is.

    Args:
        rule: name of the `Rule`, in lower case, for programs.
        text: a sentence for people.
        leads_to: addresses that are looked at next.
    """

    address: str
    rule: str
    text: str
    leads_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps in the order in which they were taken, and what came of them."""

    steps: tuple[Step, ...]
    resolution: Resolution
    notes: tuple[str, ...]


def explain(address: Address) -> Explanation:
    """Route an address, and tell how."""
    (one,) = walk([address])
    resolution = result_of(one)
    homes = homes_of({met.domain for met, _ in one.met.values()})
    steps = []
    for met, answer in one.met.values():
        home = homes.get(met.domain)
        behind = home.name if home is not None and home.name != met.domain else ""
        steps.append(_step(met, answer, behind))
    return Explanation(tuple(steps), resolution, tuple(_notes(one, resolution)))


def _step(address: Address, answer: Answer, behind: str) -> Step:
    sentences = [_sentence(address, answer)]
    if behind:
        sentences.insert(0, f"{address.domain} is an alias domain of {behind}.")
    leads_to: list[str] = []
    if answer.targets:
        leads_to += map(str, answer.targets)
        sentences.append(f"It leads to {_listed(leads_to)}.")
    for user in answer.users:
        onward = answer.onward.get(user.user_id)
        if onward is not None:
            targets = [str(target) for target in onward.targets]
            leads_to += targets
            copy = "and keeps a copy" if onward.keeps_copy else "and keeps no copy"
            sentences.append(f"{user.address} has mail sent on to {_listed(targets)} {copy}.")
    if answer.returns is not None:
        leads_to.append(str(answer.returns))
    return Step(str(address), answer.rule.name.lower(), " ".join(sentences), tuple(leads_to))


def _sentence(address: Address, answer: Answer) -> str:
    words = answer.rule.value[0].upper() + answer.rule.value[1:]
    if answer.rule is Rule.RETURN_BROKEN:
        return f"{words} it {answer.detail}."
    if answer.rule in {Rule.USER, Rule.ALIAS} and not _is_same(address, answer.detail):
        words += " without its detail"
    if answer.status is Status.SUSPENDED and answer.rule is not Rule.SUSPENDED:
        words += ", and is suspended"
    if answer.rule is Rule.ROLE:
        return f"{words}: {_listed(user.address for user in answer.users)}."
    return f"{words}: {answer.detail}." if answer.detail else f"{words}."


def _is_same(address: Address, detail: str) -> bool:
    """Whether the local parts are the same."""
    return Address.parse(detail).local.casefold() == address.local.casefold()


def _notes(one: Walk, resolution: Resolution) -> Iterable[str]:
    """What the steps alone do not show."""
    if one.is_endless:
        yield (
            f"More than {MAX_DEPTH} addresses one behind the other, or more than {MAX_RESULTS} in"
            " all: nobody gets it, rather than some."
        )
    elif one.returned:
        yield "One address was reached twice; it gets one copy."
    for address in one.lost if not one.is_endless else ():
        yield f"{address} reaches nobody and is left out."
    met = {user.user_id for _, answer in one.met.values() for user in answer.users}
    last = [user.address for user in resolution.users if user.user_id not in met]
    if last:
        yield f"Nobody was reached, and this role always must: {_listed(last)} gets it."
    yield from _kept(one, resolution)


def _kept(one: Walk, resolution: Resolution) -> Iterable[str]:
    """Who has mail sent on without a copy, and gets one nevertheless."""
    served = {user.user_id for user in resolution.users}
    for _, answer in one.met.values():
        for user in answer.users:
            onward = answer.onward.get(user.user_id)
            if onward is not None and not onward.keeps_copy and user.user_id in served:
                yield f"Where {user.address} has mail sent on to reaches nobody: it stays there."


def _listed(words: Iterable[str]) -> str:
    found = list(words)
    return ", ".join(found) if found else "nobody"
