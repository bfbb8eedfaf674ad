"""`manage.py route`: the whole decision in words, and the same for programs."""

from collections.abc import Callable

import pytest

from apps.delivery.callahead import CallAhead
from apps.directory.models import Domain, RelayCheck, TransportScope, User
from apps.directory.services import forwards, relay, transports
from apps.directory.services.transports import Server
from apps.mailstore.services import quota
from apps.provisioning import services as provisioning
from apps.wire.errors import UnknownRecipient
from tests.provisioning.management.running import run

pytestmark = pytest.mark.usefixtures("keep_connection")

OUT = "out@elsewhere.test"


def lines(*words: str) -> list[str]:
    done = run("route", *words)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_it_tells_of_a_user(alice: User) -> None:
    assert lines("alice+x@example.test") == [
        "1. alice+x@example.test: A user has this address without its detail: alice@example.test.",
        "=> mailbox of alice@example.test",
        "Taken.",
    ]


def test_it_tells_the_whole_way(alice: User, bob: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.add_alias("team@example.test", ["alice@example.test", "bob@example.test", OUT])
    forwards.add(user=alice, target="far@elsewhere.test", keeps_copy=False)
    transports.put(scope=TransportScope.ALL, server=Server("smart.test"))

    assert lines("Team@alias.test", "--sender", "s@sender.test") == [
        "1. Team@alias.test: alias.test is an alias domain of example.test. An alias has this"
        " address: team@alias.test. It leads to alice@example.test, bob@example.test,"
        f" {OUT}.",
        "2. alice@example.test: A user has this address: alice@example.test."
        " alice@example.test has mail sent on to far@elsewhere.test and keeps no copy.",
        "3. bob@example.test: A user has this address: bob@example.test.",
        f"4. {OUT}: Its domain is not one of ours.",
        "5. far@elsewhere.test: Its domain is not one of ours.",
        "=> mailbox of bob@example.test",
        f"=> {OUT}: by the transport for all mail: smtp to smart.test port 25, TLS opportunistic",
        RETURN,
        "=> far@elsewhere.test: by the transport for all mail: smtp to smart.test port 25, TLS"
        " opportunistic",
        RETURN,
        "Taken.",
    ]


class _Return:
    """A line that shows a rewritten sender."""

    def __eq__(self, other: object) -> bool:
        return str(other).startswith("   as from <SRS0=") and str(other).endswith(
            "=sender.test=s@alias.test>"
        )

    __hash__ = object.__hash__


RETURN = _Return()


def suspend(user: User) -> None:
    provisioning.suspend_user(user.address)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("example.test")


def loop(user: User) -> None:
    provisioning.remove_user(user.address)
    provisioning.add_alias(user.address, [user.address])


def remove(user: User) -> None:
    provisioning.remove_user(user.address)


@pytest.mark.parametrize(
    ("change", "step", "verdict"),
    [
        (
            suspend,
            "A user has this address, and is suspended: alice@example.test.",
            "Refused: 550 5.2.1 Mailbox is disabled",
        ),
        (
            suspend_domain,
            "Its domain or organisation is suspended: example.test.",
            "Refused: 550 5.2.1 Mailbox is disabled",
        ),
        (
            loop,
            "An alias has this address: alice@example.test. It leads to alice@example.test.",
            "Refused: 554 5.4.6 Routing loop detected",
        ),
        (remove, "No rule takes it.", "Refused: 550 5.1.1 No such user here"),
    ],
)
def test_it_says_why_mail_is_refused(
    alice: User, change: Callable[[User], None], step: str, verdict: str
) -> None:
    change(alice)

    first, *_, last = lines("alice@example.test")
    assert (first, last) == (f"1. alice@example.test: {step}", verdict)


def test_it_tells_of_mail_for_other_servers(db: None) -> None:
    assert lines(OUT, "--sender", "") == [
        f"1. {OUT}: Its domain is not one of ours.",
        f"=> {OUT}: to the servers that DNS names for elsewhere.test (MX)",
        "   as from <>",
        "Taken from users who have signed in; refused from others: 550 5.7.1 We do not relay for"
        " this domain",
    ]


def test_it_tells_that_a_mailbox_is_full(alice: User) -> None:
    provisioning.change_user("alice@example.test", quota=1)
    assert quota.reserve([(alice.pk, 1)]) == set()
    assert lines("alice@example.test")[-1] == (
        "Refused for now, a mailbox is full: 452 4.2.2 Mailbox is full"
    )


def test_it_tells_what_is_lost_and_what_is_kept(alice: User) -> None:
    forwards.add(user=alice, target="gone@example.test", keeps_copy=False)

    assert lines("alice@example.test")[1:] == [
        "2. gone@example.test: No rule takes it.",
        "   gone@example.test reaches nobody and is left out.",
        "   Where alice@example.test has mail sent on to reaches nobody: it stays there.",
        "=> mailbox of alice@example.test",
        "Taken.",
    ]


def test_it_tells_why_postmaster_always_gets_it(domain: Domain) -> None:
    assert lines("Abuse@example.test") == [
        "1. Abuse@example.test: No other rule reaches anybody, and this role always must:"
        " postmaster@example.test.",
        "=> mailbox of postmaster@example.test",
        "Taken.",
    ]
    provisioning.add_alias("abuse@example.test", ["abuse@example.test"])
    assert lines("abuse@example.test")[1:] == [
        "   One address was reached twice; it gets one copy.",
        "   Nobody was reached, and this role always must: postmaster@example.test gets it.",
        "=> mailbox of postmaster@example.test",
        "Taken.",
    ]


def test_it_tells_of_patterns(alice: User) -> None:
    for pattern in ("/x[0-9]/@example.test", "s-*@example.test", "@example.test"):
        provisioning.add_alias(pattern, [OUT])

    firsts = [lines(f"{name}@example.test")[0] for name in ("x1", "s-1", "z")]
    assert [first.partition(": ")[2].partition(". ")[0] for first in firsts] == [
        "A regular expression of an alias matches: /x[0-9]/@example.test",
        "A wildcard alias matches: s-*@example.test",
        "The domain's catch-all takes it: @example.test",
    ]


def test_it_tells_of_a_rewritten_sender_that_it_did_not_make(domain: Domain) -> None:
    assert lines("SRS0=AAAAAAAA=AA=elsewhere.test=x@example.test") == [
        "1. SRS0=AAAAAAAA=AA=elsewhere.test=x@example.test: It looks like a rewritten sender"
        " (SRS), but it was not made by this server, or was changed.",
        "Refused: 550 5.1.1 No such user here",
    ]


def test_it_asks_the_server_of_a_relay_domain(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.set_relay(domain=domain, check=RelayCheck.CALL_AHEAD)
    answers: list[Exception | None] = [None, UnknownRecipient()]
    asked = []

    async def check(self: CallAhead, address: str) -> None:
        asked.append(address)
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    monkeypatch.setattr(CallAhead, "check", check)
    assert lines("x@example.test") == [
        "1. x@example.test: The domain's other server is asked whether it has it.",
        "=> x@example.test: to the servers that DNS names for example.test (MX)",
        "Taken, if the server of this domain says that it has the address.",
    ]
    assert asked == []
    assert lines("x@example.test", "--ask")[-1] == "Taken: the server of this domain has it."
    assert lines("x@example.test", "--ask")[-1] == "Refused: 550 5.1.1 No such user here"
    assert asked == ["x@example.test"] * 2


def test_it_tells_programs_the_same(alice: User) -> None:
    forwards.add(user=alice, target=OUT, keeps_copy=True)

    assert run("route", "alice@example.test", "--json").json == {
        "address": "alice@example.test",
        "status": "local",
        "verdict": "Taken.",
        "steps": [
            {
                "address": "alice@example.test",
                "rule": "user",
                "text": "A user has this address: alice@example.test. alice@example.test has mail"
                f" sent on to {OUT} and keeps a copy.",
                "leads_to": [OUT],
            },
            {
                "address": OUT,
                "rule": "outside",
                "text": "Its domain is not one of ours.",
                "leads_to": [],
            },
        ],
        "notes": [],
        "mailboxes": ["alice@example.test"],
        "copies": [
            {
                "address": OUT,
                "key": "mx/elsewhere.test",
                "text": "to the servers that DNS names for elsewhere.test (MX)",
                "sender": None,
            }
        ],
        "asks": "",
    }


@pytest.mark.parametrize("words", [["x"], ["a@b@c"], ["a@example.test", "--sender", "x y"]])
def test_it_says_that_it_is_no_address(db: None, words: list[str]) -> None:
    done = run("route", *words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: Not an address: ")
