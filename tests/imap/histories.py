"""Random histories of several IMAP sessions, repeatable by their seed.

Four model clients, one of each kind (tests.support.imap_client), do what clients do to a few
mailboxes, alone and two at a time, while mail is delivered; mailboxes are renamed, emptied, deleted
and made again under them, and what was expunged is forgotten. At the end each one's picture must be
what a fresh session is shown.
"""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from django.db import transaction

from apps.mailstore import queries
from apps.mailstore.models import Change
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing, deliver
from apps.mailstore.services.prepare import prepare
from apps.mailstore.services.purge import purge
from apps.runtime.ulid import new_ulid
from tests.conftest import PASSWORD
from tests.support.imap_client import ModelClient, Picture, Wire, World

KINDS = ("rev1", "condstore", "qresync", "uidonly")
NAMES = ("INBOX", "INBOX", "INBOX", "Archive", "Work", "Play")
SYSTEM = (r"\Seen", r"\Flagged", r"\Answered", r"\Draft", r"\Deleted")
KEYWORDS = ("$Work", "$Junk", "Later")
MESSAGE = b"From: carol@example.net\r\nSubject: One more\r\n\r\nHello.\r\n"
GONE = ("NO [EXPUNGEISSUED]", "OK [EXPUNGEISSUED]")


class Owner(Protocol):
    """Whose mailboxes they are."""

    pk: int
    address: str


class History:
    """One history.

    Args:
        ports: of the listeners; clients are spread over them.
    """

    def __init__(self, seed: int, owner: Owner, ports: Sequence[int]) -> None:
        self.dice = random.Random(seed)
        self.owner = owner
        self.ports = ports
        self.world = World()
        self.log: list[str] = []
        self.deleted: set[int] = set()
        self.made = 0
        self.clients = [self.client(kind) for kind in KINDS]

    # -- the frame --------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        """Let it happen, then compare."""
        try:
            self._run(steps)
        finally:
            for client in self.clients:
                client.wire.close()

    def _run(self, steps: int) -> None:
        self.clients[0].command("CREATE Work")
        self.deliver(6)
        for client in self.clients:
            client.open("INBOX")
        for _ in range(steps):
            self.step()
        self.compare()

    def step(self) -> None:
        kinds = (self.one, self.two, self.deliver_some, self.boxes, self.forget)
        self.dice.choices(kinds, (120, 30, 20, 20, 3))[0]()
        for client in list(self.clients):
            if client.bye:
                self.replace(client)

    def one(self) -> None:
        """One client does something."""
        client = self.awake(self.dice.choice(self.clients))
        kinds = [
            self.reopen, self.idle, self.pipeline, self.silent_store, self.command, self.come_back,
        ]  # fmt: skip
        weights = (
            (2, 1, 2, 2, 10, 4 * client.knows_modseq) if client.mailbox else (8, 0, 0, 0, 2, 0)
        )
        self.dice.choices(kinds, weights)[0](client)

    def two(self) -> None:
        """Two clients each send a command before either answer is read."""
        pair = [self.awake(client) for client in self.dice.sample(self.clients, 2)]
        for client in pair:
            client.start(self.any_command(client))
        for client in pair:
            self.accept(client, client.finish())

    def client(self, kind: str = "rev1") -> ModelClient:
        self.made += 1
        port = self.ports[self.made % len(self.ports)]
        client = ModelClient(Wire(port), self.world, f"c{self.made}", log=self.log, kind=kind)
        client.login(self.owner.address, PASSWORD)
        return client

    def replace(self, client: ModelClient) -> None:
        """The server has ended a session: right if its mailbox was deleted, and only then."""
        assert client.mailbox in self.deleted, f"{client.name}: {client.bye}"
        client.wire.close()
        self.clients[self.clients.index(client)] = self.client(client.kind)

    def awake(self, client: ModelClient) -> ModelClient:
        if client.idling:
            self.accept(client, client.done())
        if client.bye:
            place = self.clients.index(client)
            self.replace(client)
            return self.clients[place]
        return client

    def accept(self, client: ModelClient, answer: str) -> None:
        """Nothing may fail but for a reason that another client gave."""
        if client.bye:
            return
        fine = ("OK", *GONE, "NO [TRYCREATE]", "NO [NONEXISTENT]", "NO [READ-ONLY]")
        assert answer.startswith(fine), answer

    # -- what a client does -----------------------------------------------------------------------

    def reopen(self, client: ModelClient) -> None:
        if client.mailbox and self.dice.random() < 0.5:
            how = self.dice.choice(("CLOSE", "UNSELECT"))
            self.accept(client, client.command(how))
            if client.bye:
                return
            client.left()
        name = self.dice.choice(NAMES)
        answer = client.open(name, read_only=self.dice.random() < 0.2)
        self.accept(client, answer)
        if not answer.startswith("OK"):
            client.left()

    def come_back(self, client: ModelClient) -> None:
        """A client leaves, perhaps with an expunge that it could not be told of yet, and comes back
        after others have changed more."""
        name = client.named
        others = [one for one in self.clients if one is not client and not one.idling]
        if self.dice.random() < 0.5:
            self.expunge_under(client, others)
        if client.messages and not client.bye:
            self.accept(client, client.command(self.numbered(client, "STORE", r"+FLAGS (\Draft)")))
        if not client.bye:
            self.accept(client, client.command("UNSELECT"))
        if client.bye:
            return
        client.left()
        for other in self.dice.sample(others, min(2, len(others))):
            if not other.bye:
                self.command(other)
        answer = client.open(name)
        self.accept(client, answer)
        if not answer.startswith("OK"):
            client.left()

    def expunge_under(self, client: ModelClient, others: Sequence[ModelClient]) -> None:
        """Others expunge something in the mailbox that a client has open."""
        for other in others:
            if other.mailbox == client.mailbox and other.messages and not other.read_only:
                marking = self.numbered(other, "STORE", r"+FLAGS (\Deleted)")
                self.accept(other, other.command(marking))
                if not other.bye:
                    self.accept(other, other.command("EXPUNGE"))

    def idle(self, client: ModelClient) -> None:
        client.idle()

    def command(self, client: ModelClient) -> None:
        self.accept(client, client.command(self.any_command(client)))

    def pipeline(self, client: ModelClient) -> None:
        """Several commands in one packet; those that move numbers last, as a client must."""
        lines = [self.reading(client) for _ in range(self.dice.randint(1, 3))]
        lines.append(self.any_command(client))
        for answer in client.commands(*lines):
            self.accept(client, answer)

    def silent_store(self, client: ModelClient) -> None:
        """A client that asks for silence works out by itself what it stored."""
        if not client.messages:
            return
        if client.kind == "uidonly":
            return
        numbers, words = self.some(client), self.flags()
        mode = self.dice.choice(("+", "-", ""))
        low, _, high = numbers.partition(":")
        for message in client.messages[int(low) - 1 : int(high or low)]:
            if message.flags is not None and not client.read_only:
                given = frozenset(words)
                message.flags = {
                    "+": message.flags | given,
                    "-": message.flags - given,
                    "": given,
                }[mode]
        # What the server tells from here on is newer than what was worked out.
        line = f"STORE {numbers} {mode}FLAGS.SILENT ({' '.join(words)})"
        answer = client.command(line)
        self.accept(client, answer)

    def any_command(self, client: ModelClient) -> str:
        if not client.mailbox:
            return self.dice.choice(("NOOP", "APPEND INBOX {4+}\r\na:\r\n"))
        if not client.messages:
            return self.dice.choice((self.append, self.noop, self.expunge))(client)
        kinds: list[Callable[[ModelClient], str]] = [
            self.store, self.store, self.store, self.expunge, self.uid_expunge, self.move,
            self.copy, self.copy, self.append, self.replace_one, self.noop, self.reading,
            self.reading,
        ]  # fmt: skip
        return self.dice.choice(kinds)(client)

    def reading(self, client: ModelClient) -> str:
        if not client.messages:
            return "NOOP"
        kinds = (
            lambda: self.numbered(client, "FETCH", "(UID FLAGS)"),
            lambda: self.numbered(client, "FETCH", "(FLAGS BODY[TEXT])"),
            lambda: f"UID FETCH {self.uids(client)} (FLAGS RFC822.SIZE)",
            lambda: f"UID FETCH {self.uids(client)} BODY[HEADER]",
            lambda: f"{self.uid(client)}SEARCH UNSEEN",
            lambda: f"{self.uid(client)}SEARCH SUBJECT more",
            lambda: "UID SEARCH KEYWORD Later",
            lambda: "NOOP",
            lambda: "CHECK",
            lambda: 'LIST "" *',
        )
        return self.dice.choice(kinds)()

    def store(self, client: ModelClient) -> str:
        mode = self.dice.choice(("+FLAGS", "-FLAGS", "FLAGS"))
        words = " ".join(self.flags())
        since = ""
        if client.knows_modseq and self.dice.random() < 0.3:
            since = f"(UNCHANGEDSINCE {max(0, client.modseq - self.dice.randint(0, 6))}) "
        if self.dice.random() < 0.5:
            return f"UID STORE {self.uids(client)} {since}{mode} ({words})"
        return self.numbered(client, "STORE", f"{since}{mode} ({words})")

    def expunge(self, _: ModelClient) -> str:
        return "EXPUNGE"

    def uid_expunge(self, client: ModelClient) -> str:
        return f"UID EXPUNGE {self.uids(client)}"

    def move(self, client: ModelClient) -> str:
        return self.transfer(client, "MOVE")

    def copy(self, client: ModelClient) -> str:
        return self.transfer(client, "COPY")

    def transfer(self, client: ModelClient, how: str) -> str:
        target = self.dice.choice(NAMES)  # now and then the very mailbox it comes from
        if self.dice.random() < 0.5:
            return f"UID {how} {self.uids(client)} {target}"
        return self.numbered(client, how, target)

    def append(self, _: ModelClient) -> str:
        one = f" ({' '.join(self.flags())}) {{9+}}\r\na: b\r\n\r\nc"
        return f"APPEND {self.dice.choice(NAMES)}{one * self.dice.choice((1, 1, 2))}"

    def replace_one(self, client: ModelClient) -> str:
        """REPLACE (RFC 8508): a new message comes where an old one goes."""
        rest = f"{self.dice.choice(NAMES)} ({' '.join(self.flags())}) {{9+}}\r\na: b\r\n\r\nc"
        known = [message.uid for message in client.messages if message.uid is not None]
        if client.kind == "uidonly" or (known and self.dice.random() < 0.5):
            return f"UID REPLACE {self.dice.choice(known or [1])} {rest}"
        return f"REPLACE {self.dice.randint(1, len(client.messages))} {rest}"

    def noop(self, _: ModelClient) -> str:
        return "NOOP"

    # -- what others do ---------------------------------------------------------------------------

    def deliver_some(self) -> None:
        self.deliver(self.dice.randint(1, 3))

    def deliver(self, count: int) -> None:
        """As the worker does: into INBOX, in one transaction."""
        inbox = queries.inboxes([self.owner.pk])[self.owner.pk]
        self.log.append(f"delivery of {count}")
        filings = [
            Filing(
                message=prepare(MESSAGE, trace_id=new_ulid()),
                user_id=self.owner.pk,
                mailbox_id=inbox,
                internaldate=1_800_000_000,
                origin=Origin("lmtp", None),
                keywords=self.dice.choice(((), ("$Sorted",))),
            )
            for _ in range(count)
        ]
        with transaction.atomic():
            filed = deliver(filings)
        self.world.give(filed[0].uidvalidity, [one.uid for one in filed])

    def boxes(self) -> None:
        """Mailboxes come, go and change their names, under whoever has them open."""
        client = self.awake(self.dice.choice(self.clients))
        kind = self.dice.choice((self.rename, self.rename_inbox, self.delete, self.create))
        kind(client)

    def rename(self, client: ModelClient) -> None:
        old, new = self.dice.sample(NAMES[3:], 2)
        self.accept_any(client, client.command(f"RENAME {old} {new}"))

    def rename_inbox(self, client: ModelClient) -> None:
        self.accept_any(client, client.command(f"RENAME INBOX {self.dice.choice(NAMES[3:])}"))

    def create(self, client: ModelClient) -> None:
        self.accept_any(client, client.command(f"CREATE {self.dice.choice(NAMES[3:])}"))

    def delete(self, client: ModelClient) -> None:
        name = self.dice.choice(NAMES[3:])
        validity = self.validities().get(name, 0)
        answer = client.command(f"DELETE {name}")
        self.accept_any(client, answer)
        if answer.startswith("OK"):
            self.deleted.add(validity)
            if client.mailbox == validity:
                client.left()  # whoever deletes what it has selected has nothing selected

    def accept_any(self, client: ModelClient, answer: str) -> None:
        assert client.bye or answer.startswith(("OK", "NO [ALREADYEXISTS]", "NO [NONEXISTENT]"))

    # -- the end ----------------------------------------------------------------------------------

    def validities(self) -> dict[str, int]:
        return {row.name: row.counters.uidvalidity for row in queries.mailboxes(self.owner.pk)}

    def compare(self) -> None:
        self.assert_modseqs_rise()
        fresh = self.client()
        truth: dict[int, Picture] = {}
        for name, validity in self.validities().items():
            fresh.open(name, read_only=True)
            assert fresh.mailbox == validity
            truth[validity] = fresh.picture()
        fresh.wire.close()
        for client in list(self.clients):
            if client.idling:
                client.done()
            if not client.bye:
                client.command("NOOP")
            if client.bye:
                self.replace(client)
            elif client.mailbox:
                assert client.picture() == truth[client.mailbox], client.name

    def assert_modseqs_rise(self) -> None:
        """In the order of commits: the journal is written under the lock that gives them."""
        last: dict[int, int] = {}
        rows = Change.objects.filter(user_id__in=[self.owner.pk, None]).order_by("pk")
        for mailbox_id, modseq in rows.values_list("mailbox_id", "modseq"):
            assert modseq > last.get(mailbox_id, 0), f"mailbox {mailbox_id}: {modseq}"
            last[mailbox_id] = modseq

    def forget(self) -> None:
        """The rows of what was expunged go: a client of QRESYNC may come from before that."""
        self.log.append("expunges forgotten")
        purge(keep_days=-1)

    # -- choices ----------------------------------------------------------------------------------

    def uid(self, client: ModelClient) -> str:
        return "UID " * (client.kind == "uidonly")

    def numbered(self, client: ModelClient, how: str, rest: str) -> str:
        """By sequence numbers, if the client has any."""
        if client.kind == "uidonly":
            return f"UID {how} {self.uids(client)} {rest}"
        return f"{how} {self.some(client)} {rest}"

    def some(self, client: ModelClient) -> str:
        low = self.dice.randint(1, len(client.messages))
        high = min(len(client.messages), low + self.dice.randint(0, 3))
        return f"{low}:{high}"

    def uids(self, client: ModelClient) -> str:
        known = [message.uid for message in client.messages if message.uid is not None]
        low = self.dice.choice([*known, 1])
        return self.dice.choice((f"{low}", f"{low}:{low + 4}", f"{low}:*"))

    def flags(self) -> list[str]:
        return self.dice.sample(SYSTEM, self.dice.randint(0, 2)) + self.dice.sample(
            KEYWORDS, self.dice.choice((0, 0, 1))
        )
