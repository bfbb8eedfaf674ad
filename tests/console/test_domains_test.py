"""A letter that shows whether mail arrives, and how far it is."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.console.domains import deliverytest
from apps.delivery import administer
from apps.directory.models import Domain, Role, State, User
from apps.directory.services import forwards
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Entry, SpecialUse
from apps.provisioning import services as provisioning
from apps.provisioning.administration import deliverytests
from apps.runtime import clock
from apps.scan import runner
from apps.trace.models import TraceEvent
from tests.console.conftest import browser, holder
from tests.support.mail import drain


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())


def at(domain: Domain) -> str:
    return f"/admin/domains/{domain.pk}/test/"


def text(answer: Any) -> str:
    page = re.sub(r"<[^>]*>", " ", answer.content.decode())
    return " ".join(page.split()).replace(" .", ".")


def part(client: Client, domain: Domain) -> Any:
    return client.get(at(domain), headers={"hx-request": "true"})


def test_a_letter_to_oneself_arrives(admin: User, domain: Domain) -> None:
    client = browser(admin)
    assert f'href="{at(domain)}"' in client.get(f"/admin/domains/{domain.pk}/").content.decode()
    page = client.get(at(domain)).content.decode()
    assert 'value="admin@example.test"' in page
    assert "data-fresh" not in page.partition('id="main"')[2].partition("</main>")[0]

    assert client.post(at(domain), {"to": "admin@example.test"}).status_code == 302

    waiting = part(client, domain)
    assert "On its way" in text(waiting)
    assert 'data-fresh="2"' in waiting.content.decode()
    assert "<html" not in waiting.content.decode()
    assert "Look again" in text(client.get(at(domain)))  # without script
    drain()
    there = part(client, domain)
    assert re.search(r"Arrived It is in the inbox\. It took \d+\.\d s\.", text(there))
    assert "data-fresh" not in there.content.decode()
    (entry,) = Entry.objects.filter(mailbox__user=admin)
    assert f'href="/mail/inbox/{entry.uid}/"' in there.content.decode()
    assert entry.message.sender_address == "postmaster@example.test"
    (kept,) = AuditRecord.objects.filter(action="domain.test")
    assert (kept.subject, kept.detail) == ("example.test", {"to": "admin@example.test"})


def test_of_another_mailbox_it_is_told_that_it_came_and_no_more(
    admin: User, alice: User, domain: Domain
) -> None:
    client = browser(admin)
    client.post(at(domain), {"to": " Alice "})
    drain()
    answer = client.get(at(domain))
    assert "To Alice@example.test" in text(answer)
    assert "It is in the inbox." in text(answer)
    assert "/mail/inbox/" not in answer.content.decode()

    Entry.objects.filter(mailbox__user=alice).delete()
    assert "its own rules have put it into another folder" in text(client.get(at(domain)))


def test_junk_is_told(admin: User, alice: User, domain: Domain) -> None:
    client = browser(admin)
    client.post(at(domain), {"to": "alice"})
    drain()
    junk = alice.mailboxes.get(special_use=SpecialUse.JUNK)
    Entry.objects.filter(mailbox__user=alice).update(mailbox=junk)
    assert "It is in Junk" in text(client.get(at(domain)))


def test_one_that_does_not_come_is_no_riddle(
    admin: User, operator: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who, words in ((admin, "ask who runs this service"), (operator, "Health says whether")):
        client = browser(who)
        client.post(at(domain), {"to": "admin@example.test"})
        later = clock.now_us() + 31_000_000
        with monkeypatch.context() as clocks:
            clocks.setattr(deliverytest, "now_us", lambda later=later: later)
            late = part(client, domain)
        assert "It waits in the queue longer than it should" in text(late)
        assert words in text(late)
        assert 'data-fresh="15"' in late.content.decode()


def test_what_is_known_of_it_ends(admin: User, domain: Domain) -> None:
    client = browser(admin)
    client.post(at(domain), {"to": "admin@example.test"})
    TraceEvent.objects.all().delete()
    assert "send another one" in text(client.get(at(domain)))


def test_one_that_an_operator_deletes_is_told(admin: User, domain: Domain) -> None:
    client = browser(admin)
    client.post(at(domain), {"to": "admin@example.test"})
    administer.delete([QueuedMessage.objects.get().pk])
    answer = client.get(at(domain))
    assert "Not delivered Deleted by an administrator." in text(answer)
    assert "Look again" not in text(answer)


def test_an_operator_from_elsewhere_gets_it_by_the_way_out(operator: User, domain: Domain) -> None:
    client = browser(operator)
    assert client.post(at(domain), {"to": operator.address}).status_code == 302
    row = QueuedMessage.objects.get()
    assert row.sender == ""
    assert "To root@elsewhere.test" in text(client.get(at(domain)))


def test_mail_that_is_sent_on_is_told(admin: User, alice: User, domain: Domain) -> None:
    link = forwards.ask(user=alice, target="far@away.test", keeps_copy=True)
    assert link is not None
    client = browser(admin)
    client.post(at(domain), {"to": "alice@example.test"})
    assert "On its way" in text(client.get(at(domain)))


def test_an_address_of_a_mirror_is_one_of_the_domain(
    admin: User, alice: User, domain: Domain
) -> None:
    mirror = provisioning.add_domain("mirror.test", alias_of="example.test")
    client = browser(admin)
    assert client.post(at(mirror), {"to": "alice"}).status_code == 302
    drain()
    assert "To alice@mirror.test" in text(client.get(at(mirror)))
    assert "It is in the inbox." in text(client.get(at(mirror)))
    # It is told on the page of that domain alone.
    assert "alice@mirror.test" not in text(client.get(at(domain)))


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("", "Not an address"),
        ("nobody", "There is no mailbox nobody@example.test."),
        ("eve@other.test", "Write your own address, or one of example.test."),
        ("nobody@other.test", "Write your own address, or one of example.test."),
        ("x@gmail.com", "Write your own address, or one of example.test."),
        ("a\r\nBcc: x@y.test", "Not an address"),
        ("<script>", "Not an address"),
        ("%s" * 90, "There is no mailbox %s%s"),
        ("a@b@c", "Not an address"),
        ("\0", "Not an address"),
        ("é" * 300, "Not an address"),
    ],
)
def test_nobody_else_is_written_to(
    admin: User, eve: User, domain: Domain, to: str, words: str
) -> None:
    answer = browser(admin).post(at(domain), {"to": to})
    assert answer.status_code == 422
    assert words in text(answer)
    assert "<script>" not in answer.content.decode().partition('id="main"')[2]
    assert QueuedMessage.objects.count() == 0


def test_a_suspended_domain_says_so(operator: User, alice: User, domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).update(state=State.SUSPENDED)
    answer = browser(operator).post(at(domain), {"to": "alice@example.test"})
    assert answer.status_code == 409
    assert "is refused now" in text(answer)


def test_they_are_few(
    admin: User, alice: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliverytests, "A_DAY", 2)
    client = browser(admin)
    sent = [client.post(at(domain), {"to": "alice"}).status_code for _ in range(2)]
    assert sent == [302, 302]
    answer = client.post(at(domain), {"to": "alice"})
    assert "You had 2 test letters written today" in text(answer)
    assert answer.status_code >= 400
    assert QueuedMessage.objects.count() == 2


def test_who_may_change_the_domain_may_test_it(
    helpdesk: User, domain: Domain, other_domain: Domain
) -> None:
    assert browser(helpdesk).get(at(domain)).status_code == 404
    stranger = browser(holder("boss@other.test", Role.DOMAIN_ADMIN, other_domain))
    assert stranger.get(at(domain)).status_code == 404
    assert stranger.post(at(domain), {"to": "boss@other.test"}).status_code == 404
    assert QueuedMessage.objects.count() == 0
