"""The first run in the browser: from an account to a delivered message."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from apps.audit.models import AuditRecord
from apps.directory.models import DkimKey, Domain, Role, State, User
from apps.directory.permissions import powers_of
from apps.dnscheck.models import DomainCheck
from apps.mailstore.models import Entry
from apps.provisioning import services as provisioning
from apps.provisioning.administration import firstmessages
from apps.runtime import clock
from apps.scan import runner
from apps.wire.errors import InUse, NotFound, NotPermitted
from tests.console.conftest import PASSWORD, browser, holder
from tests.support.mail import drain

START = "/admin/setup/"
DOMAIN, DNS, MESSAGE, DONE = (f"{START}{step}/" for step in ("domain", "dns", "message", "done"))


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())


@pytest.fixture
def owner(db: None) -> User:
    """The first operator, who let the domain of the address be hosted."""
    provisioning.add_domain("example.test")
    return provisioning.create_operator("olga@example.test", PASSWORD)[0]


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.content.decode()))


def next_of(client: Client) -> str:
    return str(client.get(START).headers["Location"])


def test_the_set_up_link_leads_on(db: None) -> None:
    client = Client()
    link = f"/setup/{provisioning.make_setup_link()}/"
    assert "First message" in text(client.get(link))

    data = {"address": "olga@example.test", "password": PASSWORD, "host_domain": "on"}
    answer = client.post(link, data, follow=True)

    # The domain of the address is hosted: its records are next.
    assert answer.redirect_chain == [(START, 302), (DNS, 302)]
    assert "Point example.test at this server" in text(answer)


def test_from_an_account_elsewhere_to_a_delivered_message(operator: User) -> None:
    client = browser(operator)
    assert next_of(client) == DOMAIN
    assert "What will be made" in text(client.get(DOMAIN))

    answer = client.post(DOMAIN, {"name": "Bücher.example."})

    assert answer.headers["Location"] == DNS
    domain = Domain.objects.get()
    assert domain.name == "xn--bcher-kva.example"
    assert DkimKey.objects.filter(domain=domain).count() == 2
    assert DomainCheck.objects.get(domain=domain).requested_at is not None
    assert "Point bücher.example at this server" in text(client.get(DNS))
    assert next_of(client) == DNS

    assert "Nobody has a mailbox here yet" in text(client.get(MESSAGE))
    assert client.post(MESSAGE).status_code == 302  # nothing to send to: nothing happens
    reader, _ = provisioning.add_user("ann@bücher.example", PASSWORD)
    assert "ann@" in text(client.get(MESSAGE))
    client.post(MESSAGE)
    assert "Waiting for it to arrive" in text(client.get(MESSAGE))
    drain()
    # It is another's mailbox: the operator is told that it came, and is not led into it.
    page = client.get(MESSAGE)
    assert "It is there" in text(page)
    assert "/mail/inbox/" not in page.content.decode()
    assert next_of(client) == DONE
    (entry,) = Entry.objects.filter(mailbox__user=reader)
    assert entry.message.sender_address == "postmaster@xn--bcher-kva.example"


def test_the_own_first_message_is_one_to_oneself(owner: User) -> None:
    client = browser(owner)
    part = client.get(MESSAGE, headers={"hx-request": "true"}).content.decode()
    assert part.startswith('<div class="stack" id="setup-message" data-fresh="10"')
    assert "Finish</button>" in part

    client.post(MESSAGE)

    part = client.get(MESSAGE, headers={"hx-request": "true"}).content.decode()
    assert 'data-fresh="2"' in part
    assert "<html" not in part
    drain()
    part = client.get(MESSAGE, headers={"hx-request": "true"}).content.decode()
    assert "data-fresh" not in part
    (entry,) = Entry.objects.filter(mailbox__user=owner, mailbox__special_use="inbox")
    assert f'href="/mail/inbox/{entry.uid}/"' in part
    assert entry.message.sender_address == "olga@example.test"
    assert "Your first message" in client.get(f"/mail/inbox/{entry.uid}/").content.decode()
    (kept,) = AuditRecord.objects.filter(action="setup.message")
    assert kept.subject == "olga@example.test"


def test_one_that_does_not_come_is_no_riddle(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser(owner)
    client.post(MESSAGE)
    later = clock.now() + 61
    monkeypatch.setattr("apps.console.setup.progress.now", lambda: later)

    assert "It is not there yet" in text(client.get(MESSAGE))


def test_a_mailbox_without_room_says_so(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(quota=1)

    client = browser(owner)
    client.post(MESSAGE)  # the last one that fits: a mailbox is full when it is over

    assert "Mailbox is full" in text(client.post(MESSAGE, follow=True))


def test_it_goes_on_where_it_was_left(owner: User) -> None:
    browser(owner).post(MESSAGE)
    drain()

    another_day = browser(owner)

    assert next_of(another_day) == DONE
    said = text(another_day.get(DONE))
    assert "First message: done" in said
    assert "DNS: still to do" in said
    assert "Almost there" in said
    assert "Done: DNS" not in said
    assert "There is mail in this mailbox already" in text(another_day.get(MESSAGE))
    assert "is hosted here" in text(another_day.get(DOMAIN))


def test_the_records_are_there_to_copy_and_looked_at(owner: User) -> None:
    client = browser(owner)
    page = client.get(DNS).content.decode()
    assert 'data-copy="10 mail.example.test."' in page
    assert "v=DKIM1" in page
    assert "/zone/" in page
    assert "Do this later" in page

    assert client.post(DNS).headers["Location"] == DNS

    assert DomainCheck.objects.get().requested_at is not None
    part = client.get(DNS, headers={"hx-request": "true"}).content.decode()
    assert part.startswith('<div class="stack" id="setup-dns" data-fresh="3"')


def test_what_is_no_domain_is_said_beside_its_field(operator: User) -> None:
    client = browser(operator)
    for name in ("", "example", "a b.test", "192.0.2.1", "x" * 300, "<b>.test", "\x00.test"):
        answer = client.post(DOMAIN, {"name": name})
        assert answer.status_code == 422, name
        assert 'aria-invalid="true"' in answer.content.decode(), name
        assert "<b>.test" not in answer.content.decode()
    assert not Domain.objects.exists()


def test_a_form_that_is_sent_twice_makes_one_domain(operator: User) -> None:
    client = browser(operator)
    for _ in range(2):
        assert client.post(DOMAIN, {"name": "example.test"}).headers["Location"] == DNS
    client.post(DOMAIN, {"name": "other.test"})

    assert Domain.objects.get().name == "example.test"


@pytest.mark.parametrize("page", [DNS, MESSAGE, DONE])
def test_without_a_domain_it_begins_at_the_domain(operator: User, page: str) -> None:
    assert browser(operator).get(page).headers["Location"] == DOMAIN


@pytest.mark.parametrize("role", [Role.RESELLER, Role.DOMAIN_ADMIN, Role.HELPDESK])
def test_it_is_for_operators(domain: Domain, role: Role) -> None:
    where = domain.organization if role == Role.RESELLER else domain
    person = holder("someone@example.test", role, where)
    for page in (START, DOMAIN, DNS, MESSAGE, DONE):
        assert browser(person).get(page).status_code == 404
    assert browser(person).post(MESSAGE).status_code == 404

    with pytest.raises(NotPermitted):
        firstmessages.send(powers=powers_of(person), user_id=person.pk)


def test_who_has_no_mailbox_here_gets_none(operator: User) -> None:
    with pytest.raises(InUse, match="mailbox"):
        firstmessages.send(powers=powers_of(operator), user_id=operator.pk)
    with pytest.raises(NotFound):
        firstmessages.send(powers=powers_of(operator), user_id=0)


def test_a_session_of_another_reader_tells_nothing(owner: User) -> None:
    client = browser(owner)
    session = client.session
    session["setup-message"] = [owner.pk + 1, UUID(int=1).hex, 0]
    session.save()

    assert "Send a message to" in text(client.get(MESSAGE))


def test_a_page_costs_the_same_in_a_full_house(
    owner: User, django_assert_max_num_queries: Any
) -> None:
    client = browser(owner)
    for number in range(30):
        provisioning.add_domain(f"more{number}.test")
        provisioning.add_user(f"user{number}@example.test", None)
    client.get(DNS)
    with django_assert_max_num_queries(20):
        assert client.get(DNS).status_code == 200
    with django_assert_max_num_queries(20):
        assert client.get(MESSAGE).status_code == 200


def test_a_suspended_domain_is_still_shown(owner: User, operator: User) -> None:
    Domain.objects.update(state=State.SUSPENDED)

    assert browser(operator).get(DNS).status_code == 200


def test_a_host_that_nobody_finds_is_said_before_any_record_is_entered(
    operator: User, settings: Settings
) -> None:
    settings.MAIL_HOSTNAME = "vm"
    client = browser(operator)
    # The domain of the operator's own address is not hosted: the first step asks for one.
    assert "such as mail.example.org, give that name" in text(client.get(DOMAIN))

    provisioning.add_domain("first.test")

    for page in (DOMAIN, DNS):
        assert "such as mail.first.test, give that name" in text(client.get(page))
    settings.MAIL_HOSTNAME = "mail.first.test"
    for page in (DOMAIN, DNS):
        assert "full host name" not in text(client.get(page))
