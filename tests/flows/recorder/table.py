"""Twenty ways in which mail goes wrong or goes away, each made by real traffic, and what the flight
recorder says of it in one line. docs/trace.md shows the same table to people.
"""

import imaplib
import poplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import pytest

from apps.delivery import judged, process
from apps.mailqueue.models import QueuedMessage
from apps.pop3.doors import Service as Pop3
from apps.runtime.ulid import new_ulid
from tests.flows.recorder.world import STRANGER, World, command, letter
from tests.scan.attachments import made
from tests.support import imap_server
from tests.support.database import without
from tests.support.listening import listening
from tests.support.mail import drain
from tests.support.outgoing import send
from tests.support.smtp_dialogue import PASSWORD

ALICE, BOB = "alice@example.test", "bob@example.test"
SCRIPT = {"accept": "application/json", "x-requested-with": "fetch"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row.

    Args:
        name: as docs/trace.md has it.
        make: makes it, and returns what the administrator looks for.
        outcome: of the message, as lists show it.
        line: the sentence on top, a regular expression for all of it.
    """

    name: str
    make: Callable[[World], str]
    outcome: str
    line: str


# at the door


def mailbox_full(world: World) -> str:
    command("user", "set", BOB, "--quota", "2000")
    world.bring(BOB, raw=letter("carol@friend.test", BOB, "First", "long " * 300))
    drain()
    assert world.bring(BOB, sender="full@friend.test").code == 452
    return "full@friend.test"


def spf_fails(world: World) -> str:
    bank(world)
    assert world.bring(ALICE, sender="ceo@bank.test", client=STRANGER).code == 550
    return "ceo@bank.test"


def dmarc_rejects(world: World) -> str:
    bank(world)
    raw = letter("ceo@bank.test", ALICE, "Your account")
    assert world.bring(ALICE, sender="dmarc@friend.test", raw=raw).code == 550
    return "dmarc@friend.test"


def bank(world: World) -> None:
    """It sends from nowhere, and asks to refuse what is not from there."""
    world.zones.add("bank.test", "TXT", "v=spf1 -all")
    world.zones.add("_dmarc.bank.test", "TXT", "v=DMARC1; p=reject")


def greylisted(world: World) -> str:
    command("domain", "set", "example.test", "--greylisting", "on")
    answer = world.bring(ALICE, sender="new@unknown.test", client=STRANGER)
    assert answer.starts("451")
    return "new@unknown.test"


def unknown_user(world: World) -> str:
    assert world.bring("nobody@example.test", sender="slip@friend.test").code == 550
    return "slip@friend.test"


def alias_loop(world: World) -> str:
    command("alias", "add", "here@example.test", "there@example.test")
    command("alias", "add", "there@example.test", "here@example.test")
    assert world.bring("here@example.test", sender="round@friend.test").code == 554
    return "round@friend.test"


def database_down(world: World) -> str:
    with without("mailqueue_queuedmessage"):
        assert world.bring(ALICE, sender="dark@friend.test").starts("451 4.3.0")
    return "dark@friend.test"


def held_by_limit(world: World) -> str:
    command("limit", "set", ALICE, "--messages-per-hour", "1")
    assert world.submit(BOB).code == 250
    assert world.submit(BOB).code == 452
    return ALICE


# in the filter


def wrong_folder(world: World) -> str:
    """Two get it; one of them has forgotten about an entry in a list."""
    command("spam", "list", "block", "friend.test", "--user", BOB)
    assert world.bring(ALICE, BOB, sender="rule@friend.test").code == 250
    drain()
    return "rule@friend.test"


def virus(world: World) -> str:
    raw = made.mail("invoice.com", made.EICAR).replace(b"\n", b"\r\n")
    assert world.bring(ALICE, sender="virus@friend.test", raw=raw).code == 250
    drain()
    return "virus@friend.test"


def quarantined(world: World) -> str:
    attachment(world, "kept@friend.test")
    return "kept@friend.test"


def attachment(world: World, sender: str) -> None:
    """A file of a kind that the server keeps back."""
    command("attachments", "set", "server", "ending", "iso", "quarantine")
    raw = made.mail("disk.iso", b"a disk").replace(b"\n", b"\r\n")
    assert world.bring(ALICE, sender=sender, raw=raw).code == 250
    drain()


def released(world: World) -> str:
    attachment(world, "freed@friend.test")
    number = command("quarantine", "list", "--all").split()[0]
    command("quarantine", "release", number)
    drain()
    return "freed@friend.test"


def poison(world: World) -> str:
    """Three workers die over it, each as suddenly as a kill does it."""
    assert world.bring(ALICE, sender="poison@friend.test").code == 250

    def die(*_: object) -> None:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged, "judge", die)
        while QueuedMessage.objects.filter(state="accepted").exists():
            with suppress(SystemExit):
                process.run_once()
            QueuedMessage.objects.update(lease_until=1)  # its lease has ended
    return "poison@friend.test"


# in the mailbox


def moved(world: World) -> str:
    with imap(world, "moved@friend.test") as client:
        client.uid("MOVE", "1", "Archive")
    return "moved@friend.test"


def deleted(world: World) -> str:
    with imap(world, "deleted@friend.test") as client:
        client.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    return "deleted@friend.test"


@contextmanager
def imap(world: World, sender: str) -> Iterator[imaplib.IMAP4]:
    """A message was delivered to Alice, and her mail program looks at it."""
    assert world.bring(ALICE, sender=sender).code == 250
    drain()
    with imap_server.running() as server:
        client = imaplib.IMAP4("127.0.0.1", server.port)
        client.login(ALICE, PASSWORD)
        client.select("INBOX")
        yield client
        client.logout()


def expunged(world: World) -> str:
    assert world.bring(ALICE, sender="popped@friend.test").code == 250
    drain()
    with listening(Pop3, "pop3", "pop3s") as server:
        client = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=15)
        client.user(ALICE)
        client.pass_(PASSWORD)
        client.dele(1)
        client.quit()
    return "popped@friend.test"


# on the way out


def deferred(world: World) -> str:
    world.outside.domain("slow.test").on("RCPT", "451 4.7.1 Come again later")
    return sent(world, "dave@slow.test")


def bounced(world: World) -> str:
    world.outside.domain("strict.test").on("RCPT", "550 5.1.1 No such person")
    return sent(world, "dave@strict.test")


def tls_refused(world: World) -> str:
    command("tls-policy", "set", "plain.test", "verify")
    world.outside.domain("plain.test")
    return sent(world, "dave@plain.test")


def sent(world: World, to: str) -> str:
    assert world.submit(to).code == 250
    drain()
    send()
    return to


def cancelled(world: World) -> str:
    """Undo, within the seconds in which it can be."""
    reader, draft = world.browser("alice"), new_ulid()
    fields = {"revision": "0", "kind": "new", "to": "undone@other.test", "subject": "Too early"}
    more = {"text": "Not yet.", "plain": "1"}
    told = reader.post(f"/mail/compose/{draft}/send/", fields | more, headers=SCRIPT).json()
    assert reader.post(told["undo"], headers=SCRIPT).status_code == 200
    return "undone@other.test"


FAULTS: Final = (
    Fault("mailbox full", mailbox_full, "refused", "Refused: mailbox full"),
    Fault(
        "SPF fail",
        spf_fails,
        "refused",
        "Refused: SPF: bank.test does not let 198.51.100.7 send, and bank.test asks to refuse such"
        " mail",
    ),
    Fault(
        "DMARC reject",
        dmarc_rejects,
        "refused",
        "Refused: bank.test asks to reject what fails DMARC",
    ),
    Fault("greylisted", greylisted, "put off", "Put off: greylisted, asked to come back in .+"),
    Fault("unknown user", unknown_user, "refused", "Refused: there is no such user"),
    Fault(
        "alias loop", alias_loop, "refused", "Refused: loop: its address leads round in a circle"
    ),
    Fault(
        "wrong folder by a rule",
        wrong_folder,
        "junk",
        r"In Junk: .+ list blocks friend\.test.+\(for bob@example\.test; delivered to 2 of 2\)",
    ),
    Fault("moved by a client", moved, "delivered", "Moved to Archive by a mail program.* at .+"),
    Fault("deleted by a client", deleted, "delivered", "Deleted by a mail program.* at .+"),
    Fault("expunged by POP3", expunged, "delivered", "Deleted by a mail program by POP3.* at .+"),
    Fault(
        "deferred by a server",
        deferred,
        "deferred",
        r"Waits: mx\.slow\.test said 451 4\.7\.1 Come again later; next try .+ UTC",
    ),
    Fault(
        "bounced",
        bounced,
        "bounced",
        r"Bounced: mx\.strict\.test said 550 5\.1\.1 No such person",
    ),
    Fault(
        "TLS refused",
        tls_refused,
        "deferred",
        r"Not sent yet: no safe TLS to mx\.plain\.test: it does not offer TLS, .+; next try .+ UTC",
    ),
    Fault("virus", virus, "quarantined", "In quarantine: .+EICAR.+"),
    Fault("quarantined", quarantined, "quarantined", r"In quarantine: .+disk\.iso.+"),
    Fault(
        "released",
        released,
        "delivered",
        "Released from quarantine by an administrator, delivered to Inbox",
    ),
    Fault(
        "held by a limit",
        held_by_limit,
        "put off",
        "Put off: a sending limit is reached: alice@example.test may send 1 message per hour; .+",
    ),
    Fault("cancelled by undo", cancelled, "cancelled", "Cancelled by its sender"),
    Fault("poison", poison, "held", "Held: its worker died 3 times while it worked on it alone"),
    Fault("database down", database_down, "put off", "Refused for now: the database was away"),
)
