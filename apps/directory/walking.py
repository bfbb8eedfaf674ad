"""One address on its way through aliases and forwards: what was met, and what comes of it.

A `Walk` is fed level by level with answers of `matching`, so that many walks share their look-ups.
It keeps the whole graph that it met, so cycles and doubles cost nothing and nobody is met twice.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from apps.directory.homes import LocalUser
from apps.directory.matching import Answer, Status, look_up
from apps.mime.address import Address

MAX_DEPTH: Final = 10  # addresses that lead to addresses
MAX_RESULTS: Final = 100  # addresses that one address becomes, on the way too


class Walk:
    """One address, `root`, and all that it leads to.

    Args:
        open: what is to be looked up next.
        met: address and answer of each that was looked up, in order, by its key.
        lost: addresses on the way that reach nobody.
        returned: whether some led back to one that was met before.
    """

    def __init__(self, root: Address) -> None:
        self.root = root
        self.open = [root]
        self.met: dict[str, tuple[Address, Answer]] = {}
        self.lost: list[Address] = []
        self.returned = False
        self._seen = {root.key}
        self._has_too_many = False

    def take(self, answers: dict[Address, Answer]) -> None:
        """Go one level on with what the open addresses turned out to be."""
        level, self.open = self.open, []
        for address in level:
            answer = answers[address]
            self.met[address.key] = address, answer
            if answer.status not in {Status.LOCAL, Status.REMOTE} and address is not self.root:
                self.lost.append(address)
            for target in edges(answer):
                self._open(target)

    def _open(self, target: Address) -> None:
        if target.key in self._seen:
            self.returned = True
        elif len(self._seen) <= MAX_RESULTS:
            self._seen.add(target.key)
            self.open.append(target)
        else:
            self._has_too_many = True

    @property
    def is_endless(self) -> bool:
        """Whether it was given up: too deep or too wide. Then nobody gets it, rather than some."""
        return bool(self.open) or self._has_too_many

    @property
    def answer(self) -> Answer:
        """What the root is."""
        return self.met[self.root.key][1]

    def users(self) -> list[LocalUser]:
        """Whose mailboxes get a copy, each once.

        A user who has all mail sent on gets it nevertheless where that reaches nobody.
        """
        productive = self._productive()
        return _distinct(
            user
            for _, answer in self.met.values()
            for user in answer.users
            if _keeps(answer, user)
            or not any(target.key in productive for target in answer.onward[user.user_id].targets)
        )

    def remote(self) -> list[str]:
        """Addresses outside that get a copy."""
        return [
            str(answer.relay or address)
            for address, answer in self.met.values()
            if answer.status is Status.REMOTE or answer.relay is not None
        ]

    def forwarders(self) -> dict[str, LocalUser]:
        """The user who has it sent on to an address outside, for each of `remote` to which no alias
        alone leads: the last one on the way there, and of several ways the shortest."""
        senders: dict[str, LocalUser | None] = {self.root.key: None}
        for key in (queue := [self.root.key]):  # grows while it is walked
            for target, user in _steps(self.met[key][1]):
                if target.key in self.met and target.key not in senders:
                    senders[target.key] = user or senders[key]
                    queue.append(target.key)
        return {
            str(answer.relay or address): user
            for key, (address, answer) in self.met.items()
            if (answer.status is Status.REMOTE or answer.relay is not None)
            and (user := senders.get(key)) is not None
        }

    def owners(self) -> list[LocalUser]:
        """The users whom aliases alone lead to: the mail is theirs, wherever they have it sent."""
        reached = {self.root.key: None}
        queue = [self.root.key]
        for key in queue:  # grows while it is walked
            for target in self.met[key][1].targets:
                if target.key not in reached and target.key in self.met:
                    reached[target.key] = None
                    queue.append(target.key)
        return _distinct(user for key in reached for user in self.met[key][1].users)

    def problems(self) -> set[Status]:
        """Why it reached nobody."""
        met = {answer.status for _, answer in self.met.values()} - {Status.LOCAL, Status.REMOTE}
        return met | ({Status.LOOP} if self.returned else set())

    def _productive(self) -> set[str]:
        """Keys of the addresses that lead to a mailbox or outside, whatever forwards say."""
        if not any(answer.onward for _, answer in self.met.values()):
            return set()
        found = {key for key, (_, answer) in self.met.items() if _is_end(answer)}
        grows = True
        while grows:
            more = {
                key
                for key, (_, answer) in self.met.items()
                if key not in found and any(target.key in found for target in edges(answer))
            }
            found |= more
            grows = bool(more)
        return found


def walk(addresses: Sequence[Address]) -> list[Walk]:
    """Walk from each address to its ends; a few statements for each level of all together."""
    walks = [Walk(address) for address in addresses]
    for _ in range(MAX_DEPTH + 1):
        asked = {address for one in walks for address in one.open}
        if not asked:
            break
        answers = look_up(asked)
        for one in walks:
            one.take(answers)
    return walks


def edges(answer: Answer) -> Iterator[Address]:
    """The addresses that an answer leads on to."""
    yield from answer.targets
    for onward in answer.onward.values():
        yield from onward.targets
    if answer.returns is not None:
        yield answer.returns


def _steps(answer: Answer) -> Iterator[tuple[Address, LocalUser | None]]:
    """`edges`, each with the user whose wish it is; None: it is no user's."""
    yield from ((target, None) for target in answer.targets)
    for user in answer.users:
        if user.user_id in answer.onward:
            yield from ((target, user) for target in answer.onward[user.user_id].targets)
    if answer.returns is not None:
        yield answer.returns, None


def _keeps(answer: Answer, user: LocalUser) -> bool:
    onward = answer.onward.get(user.user_id)
    return onward is None or onward.keeps_copy


def _is_end(answer: Answer) -> bool:
    return (
        answer.status is Status.REMOTE
        or answer.relay is not None
        or any(_keeps(answer, user) for user in answer.users)
    )


def _distinct(users: Iterator[LocalUser]) -> list[LocalUser]:
    return list({user.user_id: user for user in users}.values())
