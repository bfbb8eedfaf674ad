"""Letters to whose mailbox fills up: once at each level, also in a mailbox that is full."""

import threading
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.blobs import services as blobs
from apps.directory.models import Domain, Kind, Organization, State, User, UserState
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailstore import fullness
from apps.mailstore.models import Entry, Mailbox, QuotaNotice, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services import sharing
from apps.provisioning import quotaletters, renaming, services
from apps.provisioning.quotaletters import tell_all
from tests.conftest import PASSWORD
from tests.support.mail import drain

QUOTA = 1_000_000


@pytest.fixture
def alice(domain: Domain) -> User:
    return services.add_user("alice@example.test", PASSWORD, quota=QUOTA)[0]


def fill(user: User, percent: float) -> None:
    Usage.objects.filter(user=user).update(size=int(QUOTA * percent / 100))


def letters() -> list[EmailMessage]:
    rows = QueuedMessage.objects.order_by("pk").values_list("blob_id", flat=True)
    return [message_from_bytes(blobs.read(pk), policy=policy.default) for pk in rows]


def subjects() -> list[str]:
    return [str(one["Subject"]) for one in letters()]


def level(user: User) -> int:
    return QuotaNotice.objects.filter(user=user).values_list("level", flat=True).first() or 0


@pytest.mark.parametrize(
    ("percent", "subject"),
    [
        (80, "Your mailbox is 80 % full"),
        (94.9, "Your mailbox is 94 % full"),
        (95, "Your mailbox is 95 % full"),
        (99.9, "Your mailbox is 99 % full"),
        (100, "Your mailbox is full"),
        (103, "Your mailbox is full"),
    ],
)
def test_each_level_is_told_once(alice: User, percent: float, subject: str) -> None:
    fill(alice, percent)

    assert (tell_all(), tell_all()) == (1, 0)
    assert subjects() == [subject]


def test_nobody_is_told_below_the_first(alice: User, bob: User) -> None:
    fill(alice, 79.9)

    assert tell_all() == 0
    assert not QuotaNotice.objects.exists()


def test_it_tells_of_levels_one_after_the_other(alice: User) -> None:
    for percent in (50, 80, 85, 95, 97, 100, 120):
        fill(alice, percent)
        tell_all()

    assert subjects() == [
        "Your mailbox is 80 % full",
        "Your mailbox is 95 % full",
        "Your mailbox is full",
    ]


def test_two_levels_at_once_are_one_letter(alice: User) -> None:
    fill(alice, 96)
    tell_all()
    fill(alice, 81)
    tell_all()
    fill(alice, 100)
    tell_all()

    assert subjects() == ["Your mailbox is 96 % full", "Your mailbox is full"]


def test_a_level_comes_again_when_it_was_left_clearly(alice: User) -> None:
    fill(alice, 95)
    tell_all()
    for percent in (94, 95, 90, 95):  # to and fro
        fill(alice, percent)
        assert tell_all() == 0
    fill(alice, 89.9)
    tell_all()
    assert level(alice) == 80
    fill(alice, 95)
    assert tell_all() == 1
    fill(alice, 74.9)
    tell_all()
    assert not QuotaNotice.objects.exists()
    fill(alice, 80)
    assert tell_all() == 1


def test_from_full_it_falls_step_by_step(alice: User) -> None:
    fill(alice, 100)
    tell_all()
    for percent, left in ((95, 100), (94.9, 95), (90, 95), (89, 80), (75, 80), (74, 0)):
        fill(alice, percent)
        assert tell_all() == 0
        assert level(alice) == left


def test_mail_that_is_on_its_way_counts(alice: User) -> None:
    Usage.objects.filter(user=alice).update(size=600_000, reserved=200_000)

    assert tell_all() == 1


def test_another_quota_is_another_level(alice: User) -> None:
    fill(alice, 50)
    services.change_user("alice@example.test", quota=QUOTA // 2)
    assert tell_all() == 1
    services.change_user("alice@example.test", quota=10 * QUOTA)
    assert tell_all() == 0
    assert level(alice) == 0
    services.change_user("alice@example.test", quota=QUOTA // 2)
    assert tell_all() == 1


def test_no_limit_is_never_reached(alice: User) -> None:
    fill(alice, 100)
    tell_all()
    services.change_user("alice@example.test", quota=0)
    Usage.objects.filter(user=alice).update(size=2**62)

    assert tell_all() == 0
    assert not QuotaNotice.objects.exists()


def test_the_largest_quota_can_be_counted_with(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=2**63 - 1)
    Usage.objects.filter(user=alice).update(size=2**62 + 2**61 + 2**60)

    assert tell_all() == 1
    assert subjects() == ["Your mailbox is 87 % full"]


def test_the_letter_arrives_in_a_full_mailbox(alice: User) -> None:
    fill(alice, 100)
    tell_all()

    drain()

    (entry,) = Entry.objects.filter(mailbox__user=alice)
    assert entry.mailbox_id == Mailbox.objects.get(user=alice, name="INBOX").pk


def test_the_letter_says_what_is_and_what_to_do(alice: User) -> None:
    fill(alice, 100)
    tell_all()

    (letter,) = letters()
    assert letter["To"] == "alice@example.test"
    assert letter["From"] == "Mail service <postmaster@example.test>"
    assert letter["Auto-Submitted"] == "auto-generated"
    text = " ".join(letter.get_content().split())
    assert "alice@example.test is full: it holds 976.6 KB, and may hold 976.6 KB." in text
    assert "turned away from now on" in text
    assert "Trash and Junk" in text
    assert "http" in text


@pytest.mark.parametrize("local", ["a{b}%s%x", "o'neil&b", "ñandú", "{address}", "{0}", "שלום"])
def test_an_address_is_an_address_whatever_is_in_it(domain: Domain, local: str) -> None:
    user, _ = services.add_user(f"{local}@example.test", PASSWORD, quota=QUOTA)
    shared, _ = services.add_user(f"x{local}@example.test", quota=QUOTA, kind=Kind.SHARED)
    fill(user, 80)
    fill(shared, 80)

    assert tell_all() == 2
    for letter, name in zip(letters(), (local, f"x{local}"), strict=True):
        assert f"{name}@example.test" in " ".join(letter.get_content().split())
    assert subjects()[1] == f"The mailbox x{local}@example.test is 80 % full"


def test_who_is_removed_or_suspended_is_not_told(alice: User) -> None:
    fill(alice, 100)
    services.suspend_user("alice@example.test")
    assert tell_all() == 0
    services.resume_user("alice@example.test")
    services.suspend_domain("example.test")
    assert tell_all() == 0
    services.resume_domain("example.test")
    Organization.objects.update(state=State.SUSPENDED)
    assert tell_all() == 0
    Organization.objects.update(state=State.ACTIVE)
    services.remove_user("alice@example.test")
    assert tell_all() == 0
    services.restore_user("alice@example.test")
    assert tell_all() == 1  # afterwards


def test_who_is_locked_is_told_and_reads_it_later(alice: User) -> None:
    fill(alice, 80)
    User.objects.filter(pk=alice.pk).update(state=UserState.LOCKED)

    assert tell_all() == 1


def test_of_a_shared_mailbox_those_are_told_who_administer_it(domain: Domain, bob: User) -> None:
    shared, _ = services.add_user("team@example.test", quota=QUOTA, kind=Kind.SHARED)
    services.add_user("carol@example.test", PASSWORD)
    inbox = Mailbox.objects.get(user=shared, name="INBOX")
    for to, rights in (("bob@example.test", "lra"), ("carol@example.test", "lrs")):
        sharing.grant(mailbox_id=inbox.pk, to=to, rights=rights, origin=Origin("test", None))
    fill(shared, 95)

    assert tell_all() == 1
    assert QueuedRecipient.objects.get().address == "bob@example.test"
    assert subjects() == ["The mailbox team@example.test is 95 % full"]


def test_else_the_domains_administrators_are(domain: Domain, bob: User) -> None:
    shared, _ = services.add_user("team@example.test", quota=QUOTA, kind=Kind.SHARED)
    services.make_domain_admin(bob)
    fill(shared, 80)

    assert tell_all() == 1
    assert QueuedRecipient.objects.get().address == "bob@example.test"


def test_who_was_renamed_is_told_under_the_new_name(alice: User) -> None:
    fill(alice, 80)
    renaming.rename_user("alice@example.test", "alicia@example.test", keeps_alias=False)

    assert tell_all() == 1
    assert letters()[0]["To"] == "alicia@example.test"


def test_a_user_for_whom_none_can_be_made_stops_nobody(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(pk=bob.pk).update(quota=QUOTA)
    User.objects.filter(pk=alice.pk).update(address="no address")
    fill(alice, 80)
    fill(bob, 80)
    monkeypatch.setattr(quotaletters, "PAGE", 1)

    assert tell_all() == 1
    assert not QuotaNotice.objects.filter(user=alice).exists()


def test_who_has_nothing_new_to_hear_costs_one_statement(alice: User, bob: User) -> None:
    fill(alice, 80)
    tell_all()

    with CaptureQueriesContext(connection) as captured:
        assert tell_all() == 0
    assert len(captured) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("told", [0, 80])
def test_two_at_once_send_one_letter(alice: User, told: int) -> None:
    if told:
        fill(alice, 80)
        tell_all()
        QueuedMessage.objects.all().delete()
    fill(alice, 95)
    seen = fullness.changed()
    assert len(seen) == 1
    sent: list[bool] = []
    start = threading.Barrier(3)

    def run() -> None:
        start.wait(30)
        try:
            sent.append(quotaletters.tell(seen[0]))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(sent) == [False, False, True]
    assert subjects() == ["Your mailbox is 95 % full"]


def test_the_statement_says_what_its_rule_says(alice: User) -> None:
    for percent in range(130):
        fill(alice, percent)
        for told in (0, 80, 95, 100):
            QuotaNotice.objects.all().delete()
            if told:
                QuotaNotice.objects.create(user=alice, level=told, told_at=0)
            reached = max((one for one in fullness.LEVELS if percent >= one), default=0)
            kept = max((one for one in fullness.LEVELS if percent >= one - 5), default=0)
            wanted = max(reached, min(told, kept))
            found = fullness.changed()
            assert [one.level for one in found] == ([wanted] if wanted != told else [])


def test_the_rest_of_a_long_run_waits_for_the_next(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotaletters, "RUN_SECONDS", -1.0)
    fill(alice, 80)

    assert tell_all() == 0
