"""A model IMAP client: believes what it is told and nothing else, and is strict about how.

It applies every untagged reply to its picture of the mailbox in the order they come, and fails when
the server breaks a rule that a client relies on:

- a count never falls without EXPUNGE, and every number is within it (RFC 3501 section 5.2);
- no EXPUNGE without a command, nor while FETCH, STORE or SEARCH is answered (section 7.4.1), nor
  while numbers that were sent already may be meant by the old count (section 5.5);
- UIDs rise with the numbers and never change theirs (section 2.3.1.1);
- FLAGS names a keyword before a message has it (section 7.2.6);
- every command has one tagged answer, in the order they were sent;
- a message is \\Recent to one session (section 2.3.2): `World` is what several of them share.

Of four kinds: "rev1" knows RFC 3501 alone, "condstore" and "qresync" RFC 7162, "uidonly" RFC 9586.
Those of RFC 7162 remember a mailbox when they leave it, and when they come back believe what they
remember and what they are told then: `open` fails if that is not what is there. Of them too:

- what is told without FETCH has UID and MODSEQ (RFC 7162 section 3.2.4), and no modseq ever falls;
- VANISHED, not EXPUNGE, once QRESYNC or UIDONLY is enabled, and only of what was announced;
- no line of a "uidonly" client has a sequence number.
"""

import re
import select
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE = 30.0
_NUMBER = re.compile(r"\* (\d+) (EXISTS|RECENT|EXPUNGE)")
_FETCH = re.compile(r"\* (\d+) (FETCH|UIDFETCH) \((.*)\)")
_VANISHED = re.compile(r"\* VANISHED( \(EARLIER\))? ([0-9:,]+)")
_LITERAL = re.compile(r"\{(\d+)\}$")
_UID = re.compile(r"UID (\d+)")
_MODSEQ = re.compile(r"MODSEQ \((\d+)\)")
_FLAGS = re.compile(r"\bFLAGS \(([^)]*)\)")
_CODE = re.compile(r"\[(UIDVALIDITY|UIDNEXT|UNSEEN|APPENDUID|COPYUID|HIGHESTMODSEQ) ([^\]]*)\]")
_USES_NUMBERS = frozenset({"FETCH", "STORE", "SEARCH"})
_MOVES_NUMBERS = frozenset({"EXPUNGE", "UID EXPUNGE", "MOVE", "UID MOVE", "REPLACE", "UID REPLACE"})
_FREE = re.compile(r"\* (OK|LIST|LSUB|STATUS|CAPABILITY|SEARCH|ENABLED|NO)\b.*")

Picture = list[tuple[int | None, frozenset[str] | None]]


class Wire:
    """One connection, by lines; knows whether something was said that nobody has read."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._buffer = b""
        assert self.line().startswith("* OK")

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode("ascii"))

    def line(self) -> str:
        """The next line without its end; "" when the connection has ended."""
        while b"\n" not in self._buffer:
            if not self._more():
                return ""
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r").decode("latin-1")

    def octets(self, count: int) -> bytes:
        while len(self._buffer) < count:
            assert self._more(), "the connection ended within a literal"
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def has_unread(self) -> bool:
        """Whether there is something to read now."""
        return bool(self._buffer) or bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()

    def _more(self) -> bool:
        try:
            raw = self._socket.recv(65_536)
        except ConnectionResetError:  # closed while a command was on its way, all else is read
            return False
        self._buffer += raw
        return bool(raw)


@dataclass
class World:
    """What several clients know together: to whom a message is \\Recent, and which UIDs were given.

    Messages are known by UIDVALIDITY and UID: no two ever have the same (section 2.3.1.1).
    """

    recent: dict[tuple[int, int], str] = field(default_factory=dict)
    given: set[tuple[int, int]] = field(default_factory=set)

    def is_recent(self, mailbox: int, uid: int, session: str) -> None:
        owner = self.recent.setdefault((mailbox, uid), session)
        assert owner == session, f"UID {uid} is \\Recent to {session} and to {owner}"

    def give(self, mailbox: int, uids: Sequence[int]) -> None:
        for uid in uids:
            assert (mailbox, uid) not in self.given, f"UID {uid} was given twice"
            self.given.add((mailbox, uid))


@dataclass(eq=False)
class Seen:
    """One message as the client knows it; None is what it has not been told."""

    uid: int | None = None
    flags: frozenset[str] | None = None
    modseq: int = 0


@dataclass(frozen=True)
class Remembered:
    """A mailbox as the client left it."""

    validity: int
    modseq: int
    flags: dict[int, frozenset[str]]


@dataclass
class ModelClient:
    """One connection. `name` is for failures; `log` is what was said on it."""

    wire: Wire
    world: World = field(default_factory=World)
    name: str = "client"
    messages: list[Seen] = field(default_factory=list)
    mailbox: int = 0  # UIDVALIDITY of what is selected, 0 for nothing
    uidnext: int = 0
    read_only: bool = False
    bye: str = ""
    idling: bool = False
    log: list[str] = field(default_factory=list)
    kind: str = "rev1"
    modseq: int = 0  # the client knows all up to it (RFC 7162 section 6)
    memory: dict[str, Remembered] = field(default_factory=dict)  # by the name of the mailbox
    named: str = ""  # what is selected
    _told: int = 0  # the largest MODSEQ since the last tagged answer
    _highest: int = 0  # the last HIGHESTMODSEQ since then
    _session: str = ""
    _count: int = 0
    _keywords: frozenset[str] = frozenset()
    _sent: deque[tuple[str, str]] = field(default_factory=deque)  # tag, name of the command
    _recent: int = 0
    _earlier: set[int] = field(default_factory=set)  # VANISHED (EARLIER) of the last SELECT

    # -- what a test does -------------------------------------------------------------------------

    def login(self, address: str, password: str) -> None:
        answer = self.command(f'LOGIN {address} "{password}"')
        assert answer.startswith("OK"), answer
        if self.kind != "rev1":
            self.command(f"ENABLE {self.kind.upper()}")

    @property
    def knows_modseq(self) -> bool:
        return self.kind in {"condstore", "qresync"}

    def open(self, mailbox: str, *, read_only: bool = False) -> str:
        """SELECT or EXAMINE, and ask for all flags; the tagged answer of the first."""
        self.assert_silent()
        self.left()
        self.read_only = read_only
        self._session = f"{self.name}.{self._count}"
        known = self.memory.get(mailbox)
        line = f"{'EXAMINE' if read_only else 'SELECT'} {mailbox}"
        if known is not None and self.kind == "qresync":
            line += f" (QRESYNC ({known.validity} {known.modseq}{_some_uids(known)}))"
        answer = self.command(line)
        if answer.startswith("OK"):
            assert self.mailbox
            assert self.uidnext
            self.named = mailbox
            if known is not None and known.validity == self.mailbox:
                self._come_back(known)
            else:
                self.learn_all()
        return answer

    def _come_back(self, known: Remembered) -> None:
        """What the client remembers, brought up to date, must be what is there."""
        if self.kind == "condstore":
            self.command(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {known.modseq})")
        believed = {uid: flags for uid, flags in known.flags.items() if uid not in self._earlier}
        believed.update((m.uid, m.flags) for m in self.messages if m.uid and m.flags is not None)
        self.learn_all()
        there = {message.uid: message.flags for message in self.messages}
        if self.kind == "condstore":  # it looks by itself which messages are gone
            believed = {uid: flags for uid, flags in believed.items() if uid in there}
        assert believed.items() <= there.items(), f"{believed} is not {there}"

    def learn_all(self) -> None:
        if self.messages:
            by_uid = "UID " * (self.kind == "uidonly")
            self.command(f"{by_uid}FETCH 1:* (UID FLAGS)")

    def left(self) -> None:
        """No mailbox is selected any more."""
        if self.mailbox and self.named and self.knows_modseq and self.modseq:
            flags = {m.uid: m.flags for m in self.messages if m.uid and m.flags is not None}
            self.memory[self.named] = Remembered(self.mailbox, self.modseq, flags)
        self.named, self.modseq, self._told, self._highest = "", 0, 0, 0
        self._earlier = set()
        self.messages, self.mailbox, self.uidnext, self._recent = [], 0, 0, 0
        self._keywords = frozenset()

    def command(self, line: str) -> str:
        """Run a command; return its tagged answer without the tag."""
        return self.commands(line)[0]

    def commands(self, *lines: str) -> list[str]:
        """Send commands in one packet; return their tagged answers."""
        self.start(*lines)
        return [self.finish() for _ in lines]

    def start(self, *lines: str) -> None:
        """Send commands in one packet and read nothing yet."""
        self.assert_silent()
        text = ""
        for line in lines:
            self._count += 1
            words = line.split()
            named = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
            self._sent.append((f"t{self._count}", named))
            text += f"t{self._count} {line}\r\n"
            self.log.append(f"{self.name} C: t{self._count} {line}")
        self.wire.send(text)

    def finish(self) -> str:
        """Read up to the next tagged answer; "" if the server has said BYE and closed."""
        if not self._sent:
            assert self.bye, "an answer is wanted that nobody asked for"
            return ""
        tag, _ = self._sent[0]
        while said := self._line():
            if said.startswith(f"{tag} "):
                self._sent.popleft()
                self._codes(said)
                self.modseq = self._highest or max(self.modseq, self._told)
                self._highest = self._told = 0
                return said.removeprefix(f"{tag} ")
            self._hear(said)
        assert self.bye, "the connection was closed without BYE"
        self._sent.clear()
        return ""

    def idle(self) -> None:
        """Begin IDLE."""
        self.start("IDLE")
        while not (said := self._line()).startswith("+"):
            assert said.startswith("* "), said
            self._hear(said)
        self.idling = True

    def done(self) -> str:
        """End IDLE; the tagged answer."""
        self.idling = False
        self.wire.send("DONE\r\n")
        return self.finish()

    def hear(self) -> str:
        """Wait for one untagged line (in IDLE); "" when the server has closed."""
        said = self._line()
        if said.startswith("* "):
            self._hear(said)
        return said

    def assert_silent(self) -> None:
        """No command is running: nothing may have been said but a goodbye."""
        while not self.idling and not self._sent and self.wire.has_unread():
            said = self._line()
            if not said:
                assert self.bye, "the connection was closed without BYE"
                return
            assert said.startswith("* BYE"), f"said without a command: {said}"
            self._hear(said)

    def picture(self) -> Picture:
        """Ask for what the client was never told, and return all it believes."""
        unknown = [
            seq
            for seq, message in enumerate(self.messages, 1)
            if message.uid is None or message.flags is None
        ]
        if unknown:
            if self.kind == "uidonly":
                self.learn_all()
            else:
                self.command(f"FETCH {','.join(map(str, unknown))} (UID FLAGS)")
        return [(message.uid, message.flags) for message in self.messages]

    # -- what the server says ---------------------------------------------------------------------

    def _line(self) -> str:
        """A line of an answer, the contents of its literals left out."""
        said = self.wire.line()
        while found := _LITERAL.search(said):
            self.wire.octets(int(found[1]))
            said = said[: found.start()] + '""' + self.wire.line()
        self.log.append(f"{self.name} S: {said}")
        return said

    def _hear(self, said: str) -> None:
        if found := _NUMBER.fullmatch(said):
            self._count_is(int(found[1]), found[2])
        elif found := _FETCH.fullmatch(said):
            assert (found[2] == "UIDFETCH") is (self.kind == "uidonly")
            self._learn(int(found[1]), found[3])
        elif found := _VANISHED.fullmatch(said):
            self._vanish(_numbers(found[2]), earlier=bool(found[1]))
        elif said.startswith("* FLAGS ("):
            known = frozenset(said.removeprefix("* FLAGS (").removesuffix(")").split())
            assert self._keywords <= known, "a keyword was forgotten"
            self._keywords = known
        elif said.startswith("* BYE"):
            self.bye = said
        else:
            assert _FREE.fullmatch(said), f"not understood: {said}"
            self._codes(said)
            if said.startswith("* SEARCH"):
                self._found([int(word) for word in said.split()[2:]])

    def _count_is(self, number: int, what: str) -> None:
        if what == "EXISTS":
            assert number >= len(self.messages), "EXISTS may not shrink the mailbox"
            self.messages += [Seen() for _ in range(number - len(self.messages))]
        elif what == "RECENT":
            assert number <= len(self.messages), "more \\Recent messages than there are"
            self._recent = number
        else:
            assert self.kind not in {"qresync", "uidonly"}, "EXPUNGE, not VANISHED"
            self._may_expunge()
            assert 1 <= number <= len(self.messages), "EXPUNGE of a number that is not there"
            del self.messages[number - 1]

    def _vanish(self, uids: list[int], *, earlier: bool) -> None:
        assert self.kind in {"qresync", "uidonly"}
        if earlier:
            self._earlier.update(uids)
            assert not {m.uid for m in self.messages} & set(uids)
            return
        self._may_expunge()
        for uid in uids:
            self.messages.remove(self._announced(uid))

    def _announced(self, uid: int) -> Seen:
        """The message of a UID; of those that were announced and not asked for, one where it is."""
        unknown: Seen | None = None
        for message in self.messages:
            if message.uid == uid:
                return message
            if message.uid is None:
                unknown = message
            elif message.uid < uid and self.kind != "uidonly":  # which has no numbers: no order
                unknown = None
            elif message.uid > uid:
                break
        assert unknown is not None, f"UID {uid} was never announced"
        return unknown

    def _may_expunge(self) -> None:
        assert self._sent, "EXPUNGE without a command"
        running = self._sent[0][1]
        assert running not in _USES_NUMBERS, f"EXPUNGE while {running} is answered"
        behind = [name for _, name in list(self._sent)[1:]]
        assert not behind or running in _MOVES_NUMBERS, f"EXPUNGE before {behind} is answered"

    def _found(self, numbers: list[int]) -> None:
        assert numbers == sorted(set(numbers))
        if self._sent[0][1] == "SEARCH":
            assert self.kind != "uidonly"
            assert all(1 <= number <= len(self.messages) for number in numbers)

    def _learn(self, number: int, items: str) -> None:
        if self.kind == "uidonly":
            message = self._by_uid(number)
            assert number == message.uid
        else:
            assert 1 <= number <= len(self.messages), "FETCH of a number that is not there"
            message = self.messages[number - 1]
        if found := _UID.search(items):
            uid = int(found[1])
            assert message.uid in {None, uid}, "a number changed its message"
            message.uid = uid
            self._assert_ascending(self.messages.index(message))
        self._learn_modseq(message, items)
        if found := _FLAGS.search(items):
            flags = frozenset(found[1].split())
            unknown = flags - self._keywords - {"\\Recent"}
            assert not unknown, f"{unknown} were not announced"
            if "\\Recent" in flags and message.uid is not None and not self.read_only:
                self.world.is_recent(self.mailbox, message.uid, self._session)
            message.flags = flags - {"\\Recent"}

    def _learn_modseq(self, message: Seen, items: str) -> None:
        if found := _MODSEQ.search(items):
            modseq = int(found[1])
            assert modseq >= message.modseq, "a modseq fell"
            message.modseq, self._told = modseq, max(self._told, modseq)
        running = self._sent[0][1] if self._sent else "IDLE"
        if self.knows_modseq and running not in {"FETCH", "UID FETCH"}:
            assert found, "without MODSEQ"
            assert _UID.search(items), "without UID"

    def _by_uid(self, uid: int) -> Seen:
        """The message of a UID; one that was announced only gets it now."""
        message = self._announced(uid)
        if message.uid is None:
            message.uid = uid
            self.messages.sort(key=lambda one: (one.uid is not None, one.uid))
        return message

    def _assert_ascending(self, place: int) -> None:
        uid = self.messages[place].uid
        assert uid is not None
        below = next((m.uid for m in reversed(self.messages[:place]) if m.uid is not None), 0)
        above = next((m.uid for m in self.messages[place + 1 :] if m.uid is not None), uid + 1)
        assert below < uid < above, "UIDs do not rise with the numbers"

    def _codes(self, said: str) -> None:
        for code, text in _CODE.findall(said):
            words = text.split()
            if code == "UIDVALIDITY":
                self.mailbox = int(text)
            elif code == "UIDNEXT":
                assert int(text) >= self.uidnext
                self.uidnext = int(text)
            elif code == "HIGHESTMODSEQ":
                self._highest = int(text)
            elif code == "UNSEEN":
                assert 1 <= int(text) <= len(self.messages)
            else:
                self.world.give(int(words[0]), _numbers(words[-1]))


def _some_uids(known: Remembered) -> str:
    """The third argument of QRESYNC: all that is remembered, if it is not everything."""
    return f" {','.join(map(str, sorted(known.flags)))}" if known.flags else ""


def _numbers(text: str) -> list[int]:
    """A set without `*`, in full."""
    numbers: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition(":")
        numbers += range(int(low), int(high or low) + 1)
    return numbers
