"""With whom a user shares: counted by the database, bounded, nobody named who is out of sight."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Delegation, Domain, User
from apps.directory.permissions import powers_of
from apps.mailstore.models import MailboxRight
from apps.mailstore.services import mailboxes
from apps.provisioning import services as provisioning
from apps.provisioning.administration import lending
from apps.provisioning.administration.lending import ELSEWHERE, lending_of
from tests.console.conftest import browser
from tests.support.reading import Reading, analyze


def share(owner: User, users: list[User | None], folders: int) -> None:
    for number in range(folders):
        box = mailboxes.create(user_id=owner.pk, name=f"F{folders}-{number}")
        MailboxRight.objects.bulk_create(
            MailboxRight(mailbox=box, user=user, rights="lr") for user in users
        )


def crowd(domain: Domain, number: int) -> list[User]:
    first = User.objects.count()
    return User.objects.bulk_create(
        User(key=f"m{n:03}@{domain.name}", address=f"m{n:03}@{domain.name}", domain=domain)
        for n in range(first, first + number)
    )


def test_folders_are_counted_for_each_and_anyone_comes_first(
    admin: User, alice: User, bob: User, eve: User, other_domain: Domain
) -> None:
    share(alice, [bob, None, eve], 3)
    Delegation.objects.create(owner=alice, delegate=bob, may_send_as=True)

    found = lending_of(powers_of(admin), alice)

    assert [(one.who, one.folders) for one in found.shared] == [
        ("anyone", 3),
        ("bob@example.test", 3),
        (ELSEWHERE, 3),
    ]
    assert [one.who for one in found.by] == ["bob@example.test"]
    assert not found.has_more
    other = lending_of(powers_of(admin), bob)
    assert [(one.who, one.folders) for one in other.reads] == [("alice@example.test", 3)]
    assert [one.who for one in other.to] == ["alice@example.test"]


def test_of_very_many_the_first_are_told(
    admin: User, alice: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "MOST", 5)
    people = crowd(domain, 8)
    share(alice, [*people], 2)
    Delegation.objects.bulk_create(Delegation(owner=alice, delegate=one) for one in people)

    found = lending_of(powers_of(admin), alice)

    assert [one.who for one in found.shared] == [one.address for one in people[:5]]
    assert len(found.by) == 5
    assert found.has_more == {"by", "shared"}
    page = browser(admin).get(f"/admin/users/{alice.pk}/sharing/").content.decode()
    assert page.count("and others") == 2


def test_it_costs_the_same_however_much_is_shared(admin: User, alice: User, domain: Domain) -> None:
    powers = powers_of(admin)
    counts = []
    for number, people in enumerate((crowd(domain, 1), crowd(domain, 40))):
        share(alice, [*people], 1 + number * 10)
        with CaptureQueriesContext(connection) as found:
            lending_of(powers, alice)
        counts.append(len(found))
    assert counts == [5, 5]


def test_no_stranger_is_read(admin: User, alice: User, bob: User, domain: Domain) -> None:
    share(alice, [bob], 2)
    crowd(domain, 900)
    provisioning.add_user("last@example.test", None)
    analyze()
    reading = Reading(("mailstore_mailboxright", "directory_delegation"))
    with connection.execute_wrapper(reading):
        lending_of(powers_of(admin), alice)
    assert len(reading.found) == 4
    assert reading.beyond(200) == []
