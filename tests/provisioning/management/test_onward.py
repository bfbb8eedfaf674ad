"""The commands transport, relay, forward and group as people and programs use them."""

import pytest

from apps.directory import transports
from apps.directory.models import Domain, Forward, Transport, User
from apps.directory.routing import resolve
from apps.mailqueue.models import QueuedMessage
from apps.mime.address import Address
from tests.provisioning.management.running import Done, run

pytestmark = pytest.mark.usefixtures("keep_connection")

OUT = "out@elsewhere.test"


def remote(address: str) -> list[str]:
    return list(resolve(Address.parse(address)).remote)


def test_it_sets_lists_and_removes_transports(domain: Domain) -> None:
    done = run(
        *("transport", "set", "--all", "Smart.test", "--port", "587", "--username", "us"),
        "--password-stdin",
        stdin="a secret\n",
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "Mail to all other domains goes by smtp to smart.test port 587, TLS verify."
    )
    hop = transports.by_key(transports.next_hop("", "elsewhere.test").key)
    assert hop is not None
    assert hop.password == "a secret"

    assert run(
        "transport", "set", "--to", ".Inner.test", "2001:DB8::1", "--lmtp", "--json"
    ).json == {
        "scope": "recipient",
        "domain": ".inner.test",
        "protocol": "lmtp",
        "host": "2001:db8::1",
        "port": 24,
        "tls": "opportunistic",
        "username": "",
    }
    assert run("transport", "set", "--from", "example.test", "a.test", "--tls", "none").code == 0
    listing = run("transport", "list")
    assert listing.out.splitlines() == [
        "all\t-\tsmtp:smart.test:587\tverify\tus",
        "recipient\t.inner.test\tlmtp:[2001:db8::1]:24\topportunistic\t-",
        "sender\texample.test\tsmtp:a.test:25\tnone\t-",
    ]
    for done in (listing, run("transport", "list", "--json")):
        assert "secret" not in done.out

    for rule in (["--all"], ["--to", ".inner.test"], ["--from", "example.test"]):
        assert run("transport", "remove", *rule).code == 0
    assert not Transport.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["remove", "--all"], "There is no transport all."),
        (["set", "--from", "x.test", "a.test"], "The domain x.test is not hosted here."),
        (["set", "--all", "a b"], "Not a host: domain is not valid."),
        (["set", "--all", "a.test", "--port", "0"], "A port is a number from 1 to 65535."),
        (["set", "--all", "a.test", "--password-stdin"], "There is no password on standard input."),
        (
            ["set", "--all", "a.test", "--username", "u"],
            "A user name and a password belong together.",
        ),
    ],
)
def test_it_refuses_transports_in_one_sentence(db: None, words: list[str], sentence: str) -> None:
    assert run("transport", *words) == Done(1, "", f"Error: {sentence}\n")


def test_it_says_how_a_rule_is_written(db: None) -> None:
    for words in (["remove"], ["set", "a.test"], ["remove", "--all", "--to", "a.test"]):
        assert run("transport", *words).code == 2


def test_it_forgets_the_transport_of_a_domain_that_goes(other_domain: Domain) -> None:
    run("transport", "set", "--from", "other.test", "a.test")
    run("domain", "remove", "other.test")

    assert not Transport.objects.exists()


def test_it_relays_a_domain(domain: Domain) -> None:
    assert run("relay", "set", "example.test", "--json").json == {
        "domain": "example.test",
        "check": "call_ahead",
    }
    assert "--to example.test" in run("relay", "set", "example.test", "--check", "list").out
    assert run("domain", "list").out.split("\t")[5] == "relay (list)"
    assert run("relay", "add", "example.test", "b", "A@example.test").out == "2 new.\n"
    assert run("relay", "recipients", "example.test").out == "a@example.test\nb@example.test\n"
    assert remote("B@example.test") == ["B@example.test"]
    assert run("relay", "remove", "example.test", "b").out == "1 removed.\n"
    done = run("relay", "replace", "example.test", stdin="# all\n\n c \nd@example.test\n")
    assert done.out == "2 new, 1 removed.\n"
    assert run("relay", "replace", "example.test", stdin="c\na b\n").code == 1
    assert run("relay", "recipients", "example.test", "--json").json == [
        {"address": "c@example.test"},
        {"address": "d@example.test"},
    ]
    assert run("relay", "off", "example.test").code == 0
    assert run("domain", "list").out.split("\t")[5] == "hosted"
    assert run("relay", "add", "example.test", "c") == Done(
        1, "", "Error: example.test is no relay domain with a list.\n"
    )


def test_it_sends_a_user_s_mail_on(alice: User) -> None:
    done = run("forward", "add", "alice@example.test", OUT, "--no-copy")
    assert done.out == f"{OUT} is asked by mail; nothing is sent on until it agrees.\n"
    assert QueuedMessage.objects.count() == 1
    assert remote("alice@example.test") == []

    assert run("forward", "add", "alice@example.test", OUT, "--agreed", "--json").json == {
        "user": "alice@example.test",
        "target": OUT,
        "copy": True,
        "agreed": True,
    }
    assert QueuedMessage.objects.count() == 1
    assert remote("alice@example.test") == [OUT]
    run("forward", "add", "alice@example.test", "two@elsewhere.test", "--no-copy")
    assert run("forward", "list").out.splitlines() == [
        f"alice@example.test\t{OUT}\tcopy\tagreed",
        "alice@example.test\ttwo@elsewhere.test\tno copy\tasked",
    ]
    for target in (OUT, "two@elsewhere.test"):
        assert run("forward", "remove", "alice@example.test", target).code == 0
    assert run("forward", "list", "--user", "alice@example.test", "--json").json == []
    assert Forward.objects.count() == 2  # for a day, so that nobody is asked again at once
    assert run("forward", "remove", "alice@example.test", OUT).code == 1


def test_it_keeps_groups(alice: User, bob: User) -> None:
    assert run("group", "add", "Team@example.test", "alice@example.test", OUT).code == 0
    assert run("group", "join", "team@example.test", "bob@example.test", OUT, "--json").json == {
        "group": "team@example.test",
        "members": ["alice@example.test", OUT, "bob@example.test"],
    }
    run("alias", "add", "one@example.test", OUT)
    assert run("group", "list").out == (
        f"team@example.test\talice@example.test,{OUT},bob@example.test\tactive\n"
    )
    done = run("group", "leave", "team@example.test", OUT)
    assert done.out == "team@example.test has 2 members.\n"
    assert run("group", "members", "team@example.test").out == (
        "alice@example.test\nbob@example.test\n"
    )
    assert run("group", "leave", "team@example.test", OUT) == Done(
        1, "", f"Error: {OUT} is not in team@example.test.\n"
    )
    assert run("group", "remove", "team@example.test").code == 0
    assert run("group", "members", "team@example.test").code == 1


def test_it_adds_expressions(alice: User) -> None:
    pattern = r"/sales-\d+/@example.test"
    assert run("alias", "add", pattern, OUT).code == 0
    assert run("alias", "list").out == f"{pattern}\t{OUT}\tactive\n"
    assert remote("Sales-42@example.test") == [OUT]
    assert run("alias", "remove", pattern).code == 0
    assert run("alias", "add", "/(/@example.test", OUT).err.startswith(
        "Error: Not a usable regular expression: missing )"
    )
