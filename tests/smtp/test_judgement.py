"""Forged mail at the door, by the wishes of the domains it is for: refused, put into Junk, or told;
and what trace, rejects memory, queue and mailbox say afterwards."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from apps.delivery import process
from apps.directory.models import Sternness, User
from apps.directory.services.domains import Reception
from apps.mailauth.inquiry import Inquiry
from apps.mailqueue.models import QueuedMessage
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox
from apps.provisioning import services as provisioning
from apps.reception import judging
from apps.reception.models import Refused
from apps.reports.models import DmarcCount
from apps.trace.models import TraceEvent
from tests.support.smtp_dialogue import BALANCER, Answer, Client, Running, running
from tests.support.zones import Zones

STRANGER, PROPER = "198.51.100.7", "192.0.2.1"
FORGED = (
    b"From: The Bank <ceo@bank.test>\r\nTo: alice@example.test\r\nSubject: Your account\r\n"
    b"Date: Thu, 26 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@bank.test>\r\n\r\nPay at once.\r\n"
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def zones() -> Zones:
    """A bank that sends from PROPER alone, and wants forgeries refused."""
    zones = Zones()
    zones.add("bank.test", "TXT", f"v=spf1 ip4:{PROPER} -all")
    zones.add("_dmarc.bank.test", "TXT", "v=DMARC1; p=reject; rua=mailto:dmarc@bank.test")
    zones.reverse(PROPER, "mail.bank.test")
    zones.host("mail.bank.test", PROPER)
    return zones


@pytest.fixture
def smtp(settings: Settings, zones: Zones) -> Iterator[Running]:
    settings.TRUSTED_PROXIES = (BALANCER,)
    with running("smtp", resolver=zones) as found:
        yield found


def give(
    smtp: Running,
    *recipients: str,
    raw: bytes = FORGED,
    sender: str = "ceo@bank.test",
    client: str = STRANGER,
) -> Answer:
    """Hand in a message; the answer to its text."""
    with smtp.ready(seen_as=client) as door:
        assert door.ask(f"MAIL FROM:<{sender}>").code == 250
        for one in recipients or ("alice@example.test",):
            assert door.ask(f"RCPT TO:<{one}>").code == 250
        assert door.ask("DATA").code == 354
        return door.text(raw)


def wish(stern: Sternness, domain: str = "example.test") -> None:
    provisioning.change_domain(domain, reception=Reception(dmarc_policy=stern))


def box(user: User, use: str) -> list[bytes]:
    """What a user finds in INBOX or Junk."""
    mailbox = Mailbox.objects.get(user=user, special_use=use)
    rows = Entry.objects.filter(mailbox=mailbox).order_by("uid")
    return [mailstore.shown_bytes(row.message_id, row.head_id) for row in rows]


def deliver() -> None:
    while process.run_once():
        pass


def soon(found: Callable[[], Any]) -> Any:
    """Wait for what is written in the background."""
    deadline = time.monotonic() + 15.0
    while not (value := found()):
        assert time.monotonic() < deadline
    return value


def trace(*words: str) -> str:
    out = StringIO()
    call_command("trace", *words, stdout=out)
    return out.getvalue()


def questions(smtp: Running) -> list[str]:
    """What the door still asks for the sake of a sender."""
    assert smtp.loop is not None

    async def running_now() -> list[str]:
        return [str(task.get_coro()) for task in asyncio.all_tasks()]

    found = asyncio.run_coroutine_threadsafe(running_now(), smtp.loop).result(15.0)
    return [one for one in found if "check_" in one]


def test_forged_mail_is_refused_at_the_dot_and_can_be_found(smtp: Running, alice: User) -> None:
    answer = give(smtp)
    assert answer.code == 550
    assert all(line.startswith("5.7.26 ") for line in answer.lines)
    assert "asks to refuse such mail (policy reject)" in " ".join(answer.lines)
    assert not QueuedMessage.objects.exists()

    soon(TraceEvent.objects.filter(kind="mx.refused").exists)
    for word in ("alice@example.test", "ceo@bank.test"):
        assert "<ceo@bank.test> to alice@example.test: Refused: " in trace(word)
    # The sender's postmaster asks with the reference of the answer.
    reference = answer.lines[-1].rpartition("(reference ")[2].rstrip(")")
    told = trace(reference)
    for words in (
        f"Refused at the end of its text from {STRANGER} (me.test): <ceo@bank.test> to"
        " alice@example.test: it says that it is from bank.test, which neither SPF nor DKIM show.",
        "The answer was: 550 5.7.26 ",
        "SPF fail of the sender: bank.test says that this address may not send for it, by -all.",
        "DKIM: the message is not signed.",
        "DMARC fail: ",
    ):
        assert words in told


def test_its_recipient_can_learn_of_it(smtp: Running, alice: User) -> None:
    assert give(smtp).code == 550
    row = soon(Refused.objects.first)
    assert (row.reason, row.subject) == ("dmarc", "Your account")
    assert row.client == STRANGER


def test_it_is_counted_for_the_report_that_its_owner_gets(smtp: Running, alice: User) -> None:
    assert give(smtp).code == 550
    assert give(smtp, raw=FORGED.replace(b"1@bank", b"2@bank"), client=PROPER).code == 250
    smtp.begin_stop()
    counted = soon(
        lambda: sorted(DmarcCount.objects.values_list("address", "disposition", "messages"))
    )
    assert counted == [(PROPER, "none", 1), (STRANGER, "reject", 1)]


@pytest.mark.parametrize(
    ("stern", "use", "disposition"),
    [(Sternness.JUNK, "junk", "quarantine"), (Sternness.REPORT, "inbox", "none")],
)
def test_a_domain_may_be_milder(
    smtp: Running, alice: User, stern: Sternness, use: str, disposition: str
) -> None:
    wish(stern)
    assert give(smtp).code == 250
    deliver()
    (shown,) = box(alice, use)
    assert b"\r\n\tdmarc=fail " in shown
    told = trace("alice@example.test")
    told = trace(told.split()[0])
    assert "DMARC fail: " in told
    assert ("It belongs into Junk: it says that it is from bank.test" in told) is (use == "junk")
    smtp.begin_stop()
    row = soon(DmarcCount.objects.first)
    assert (row.disposition, row.override) == (disposition, "local_policy")


def test_mail_for_domains_with_different_wishes_goes_to_each_as_it_wants(
    smtp: Running, alice: User, eve: User
) -> None:
    wish(Sternness.REPORT, "other.test")
    assert give(smtp, "alice@example.test", eve.address).code == 250
    deliver()
    assert len(box(alice, "junk")) == len(box(eve, "inbox")) == 1
    assert not box(alice, "inbox")
    assert not box(eve, "junk")


@pytest.mark.parametrize("role", ["postmaster@example.test", "Abuse@EXAMPLE.TEST", "postmaster"])
def test_roles_hear_of_everything(smtp: Running, alice: User, role: str) -> None:
    provisioning.make_domain_admin(alice)
    assert give(smtp, role).code == 250
    deliver()
    assert len(box(alice, "junk")) == 1


def test_who_has_no_junk_finds_it_in_the_inbox(smtp: Running, alice: User) -> None:
    wish(Sternness.JUNK)
    Mailbox.objects.filter(user=alice, special_use="junk").update(special_use="")
    assert give(smtp).code == 250
    deliver()
    assert len(box(alice, "inbox")) == 1


def test_what_is_kept_is_acknowledged_whatever_counting_does(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("a defect of ours")

    monkeypatch.setattr("apps.reports.counting.Counts.add", fail)
    assert give(smtp, client=PROPER).code == 250
    assert QueuedMessage.objects.count() == 1


def test_a_defect_of_a_check_neither_loses_mail_nor_lets_it_in(
    smtp: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("a defect of ours")

    monkeypatch.setattr("apps.reception.judging.rule", fail)
    assert give(smtp, client=PROPER).starts("451 4.3.0")
    assert not QueuedMessage.objects.exists()


def test_hosts_of_our_own_hand_on_what_they_have(
    settings: Settings, zones: Zones, alice: User
) -> None:
    settings.TRUSTED_PROXIES = (BALANCER,)
    settings.SMTP_TRUSTED = (ip_network(f"{STRANGER}/32"),)
    with running("smtp", resolver=zones) as smtp:
        assert give(smtp).code == 250
    row = QueuedMessage.objects.get()
    found = judging.read(row.judgement)
    assert found is not None
    assert found.case.is_trusted
    assert not found.junk
    assert found.case.authentication.dmarc.result == "fail"
    assert not DmarcCount.objects.exists()


def test_genuine_mail_says_so_above_our_received(smtp: Running, alice: User) -> None:
    assert give(smtp, client=PROPER).code == 250
    deliver()
    (shown,) = box(alice, "inbox")
    head, body = shown.split(b"\r\nAuthentication-Results: mail.example.test;", 1)
    assert head.startswith(b"Return-Path: ")
    assert b"Received: from me.test (mail.bank.test [192.0.2.1])" in body
    assert b"\tspf=pass " in body.partition(b"Received: from")[0]
    assert b"\tdmarc=pass " in body.partition(b"Received: from")[0]
    assert body.index(b"\r\nReceived-SPF: pass") < body.index(b"\r\nReceived: from")


def test_results_in_our_name_that_came_along_are_hidden(smtp: Running, alice: User) -> None:
    lie = b"Authentication-Results: MAIL.example.test; dmarc=pass\r\nReceived-SPF: pass (x)\r\n"
    theirs = b"Authentication-Results: relay.elsewhere.test; spf=pass\r\n"
    assert give(smtp, raw=lie + theirs + FORGED, client=PROPER).code == 250
    deliver()
    (shown,) = box(alice, "inbox")
    assert b"MAIL.example.test" not in shown
    assert theirs in shown


def _client(doors: Running, door: str) -> Client:
    return doors.ready(door) if door == "lmtp" else doors.signed_in()


@pytest.mark.parametrize("door", ["lmtp", "submission"])
def test_other_doors_hide_them_too(alice: User, door: str) -> None:
    lie = b"Authentication-Results: mail.example.test; dmarc=pass\r\n"
    raw = lie + b"From: alice@example.test\r\nSubject: x\r\n\r\nText\r\n"
    with running(door) as doors, _client(doors, door) as client:
        assert client.ask("MAIL FROM:<alice@example.test>").code == 250
        assert client.ask("RCPT TO:<alice@example.test>").code == 250
        assert client.ask("DATA").code == 354
        assert client.text(raw).code == 250
    row = QueuedMessage.objects.get()
    assert json.loads(row.cuts) == [[0, len(lie)]]
    assert row.judgement == ""


def test_a_silent_dns_delays_mail_by_no_more_than_its_deadline(
    smtp: Running, zones: Zones, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.smtp.judge.Inquiry", partial(Inquiry, seconds=1.0))
    monkeypatch.setattr("apps.reception.visit.SECONDS", 1.0)
    zones.drop()
    started = time.monotonic()
    assert give(smtp).code == 250
    assert time.monotonic() - started < 10
    found = judging.read(QueuedMessage.objects.get().judgement)
    assert found is not None
    assert found.case.authentication.dmarc.result == "temperror"


def test_a_client_that_goes_leaves_nothing_behind(smtp: Running, zones: Zones, alice: User) -> None:
    zones.drop()
    with smtp.ready(seen_as=STRANGER) as client:
        assert client.ask("MAIL FROM:<ceo@bank.test>").code == 250
        soon(lambda: questions(smtp))
        assert client.ask("RSET").code == 250
        soon(lambda: not questions(smtp))
        assert client.ask("MAIL FROM:<ceo@bank.test>").code == 250
        assert client.ask("EHLO again.test").code == 250
        assert client.ask("MAIL FROM:<ceo@bank.test>").code == 250
    soon(lambda: not questions(smtp))


def test_a_refused_recipient_stands_in_the_trace_of_the_message(
    settings: Settings, zones: Zones, alice: User, eve: User
) -> None:
    settings.TRUSTED_PROXIES = (BALANCER,)
    settings.DNS_BLOCK_LISTS = ("bl.test",)
    zones.add("1.2.0.192.bl.test", "A", "127.0.0.2")
    provisioning.change_domain("other.test", reception=Reception(list_policy=Sternness.JUNK))
    with running("smtp", resolver=zones) as smtp, smtp.ready(seen_as=PROPER) as client:
        assert client.ask("MAIL FROM:<ceo@bank.test>").code == 250
        assert client.ask("RCPT TO:<alice@example.test>").starts("550 5.7.1")
        assert client.ask(f"RCPT TO:<{eve.address}>").code == 250
        assert client.ask("DATA").code == 354
        assert client.text(FORGED).code == 250
    deliver()
    assert len(box(eve, "junk")) == 1
    (line,) = trace("ceo@bank.test").splitlines()
    assert "Refused: 192.0.2.1 is listed by bl.test (for alice@example.test; " in line
    told = trace(line.split()[0])
    assert "Refused when the recipient was named from 192.0.2.1" in told
    assert "is listed by bl.test" in told
    assert "It belongs into Junk: the client is listed by bl.test." in told
