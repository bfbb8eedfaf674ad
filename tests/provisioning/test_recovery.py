"""Getting back in by a link: who gets one, what it opens, and what nobody learns from it."""

import re
import threading
from email import message_from_bytes, policy

import pytest
from django.contrib.auth.hashers import check_password
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from apps.audit.models import AuditRecord
from apps.blobs import services as blobs
from apps.directory.models import OneTimeLink, State, User
from apps.directory.services import accountlinks, domains, users
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import forwarding, recovery, recoveryaddresses, renaming
from apps.provisioning import services as provisioning
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    MailError,
    NotFound,
    Throttled,
)
from mailhost.env import Endpoint

pytestmark = pytest.mark.django_db

OUT = "alice@elsewhere.test"
NEW = "a quite new sentence"


@pytest.fixture(autouse=True)
def _web(settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()
    settings.MAIL_HOSTNAME = "mail.example.test"


@pytest.fixture
def alice_recovers(alice: User) -> User:
    User.objects.filter(pk=alice.pk).update(
        recovery_address=OUT, recovery_confirmed_at=timezone.now()
    )
    alice.refresh_from_db()
    return alice


def letters() -> list[tuple[str, str, str]]:
    """Recipient, subject and text of each letter, oldest first."""
    found = []
    for row in QueuedMessage.objects.filter(door="report").order_by("recipients__id"):
        parsed = message_from_bytes(blobs.read(row.blob_id), policy=policy.SMTPUTF8)
        found.append((row.recipients.get().address, parsed["Subject"], parsed.get_content()))
    return found


def link_in(text: str) -> str:
    """The token of the one link in a letter."""
    (link,) = re.findall(r"https://mail\.example\.test/(?:login/reset|recovery)/([^/\s]+)/", text)
    return str(link)


def ask(typed: str) -> None:
    recovery.wish(typed)
    recovery.answer_wishes()


def opens(user: User, password: str) -> bool:
    return check_password(password, User.objects.get(pk=user.pk).password)


def test_the_link_goes_to_the_recovery_address_and_sets_a_password(alice_recovers: User) -> None:
    before = User.objects.get(pk=alice_recovers.pk).credential_version
    ask(" Alice@EXAMPLE.test ")
    ((to, subject, text),) = letters()
    assert to == OUT
    assert subject == "A new password for alice@example.test"
    token = link_in(text)
    assert recovery.find(token).address == "alice@example.test"
    assert recovery.find(token).address == "alice@example.test"  # looking uses nothing up
    recovery.reset(token, NEW)
    assert opens(alice_recovers, NEW)
    assert User.objects.get(pk=alice_recovers.pk).credential_version > before
    with pytest.raises(NotFound):
        recovery.reset(token, "another sentence again")
    assert opens(alice_recovers, NEW)
    # She is told, in her mailbox and at the recovery address.
    assert [one[:2] for one in letters()[1:]] == [
        ("alice@example.test", "A new password was set by a link"),
        (OUT, "A new password was set by a link"),
    ]
    assert token not in "".join(text for *_, text in letters()[1:])


def test_the_database_holds_no_token(alice_recovers: User) -> None:
    ask(alice_recovers.address)
    token = link_in(letters()[0][2])
    row = OneTimeLink.objects.get(user=alice_recovers)
    assert token not in repr(vars(row))
    assert token.partition(".")[2].encode() not in bytes(row.digest)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "nobody@example.test",
        "no address",
        "x" * 10_000,
        "alice@example.test\0",
        "\ud800@x.test",
    ],
)
def test_nothing_follows_for_whom_there_is_not(alice_recovers: User, typed: str) -> None:
    ask(typed)
    assert letters() == []
    assert not OneTimeLink.objects.exists()


def test_the_page_does_the_same_for_everybody(
    alice_recovers: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for typed in (alice_recovers.address, bob.address, "nobody@example.test", "nonsense"):
        with django_assert_num_queries(1):
            recovery.wish(typed)
        with django_assert_num_queries(1):
            recovery.wish(typed)
    # Twice the same wish is one.
    assert OneTimeLink.objects.filter(purpose="forgot").count() == 4


def test_who_has_no_proved_address_gets_no_letter(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(recovery_address="victim@elsewhere.test")
    ask(alice.address)
    ask(bob.address)
    assert letters() == []


def test_who_may_not_sign_in_gets_no_link(alice_recovers: User) -> None:
    provisioning.suspend_user(alice_recovers.address)
    ask(alice_recovers.address)
    with pytest.raises(InUse):
        recovery.make_reset_link(User.objects.get(pk=alice_recovers.pk))
    provisioning.resume_user(alice_recovers.address)
    domains.set_state(name="example.test", state=State.SUSPENDED)
    ask(alice_recovers.address)
    assert letters() == []


def test_no_link_goes_to_who_came_after_the_proof(alice_recovers: User) -> None:
    """The domain is hosted here since, for somebody else: mail to it does not go where it went."""
    provisioning.add_domain("elsewhere.test", organization="B")
    provisioning.add_user(OUT)
    ask(alice_recovers.address)
    assert letters() == []

    User.objects.filter(pk=alice_recovers.pk).update(recovery_confirmed_at=timezone.now())
    ask(alice_recovers.address)
    assert [to for to, *_ in letters()] == [OUT]


def test_no_link_goes_to_whose_domain_took_the_name_after_the_proof(alice: User) -> None:
    """The domain is older than the proof; under this name it is not."""
    provisioning.add_domain("old.test", organization="B")
    provisioning.add_user("alice@old.test")
    User.objects.filter(pk=alice.pk).update(
        recovery_address=OUT, recovery_confirmed_at=timezone.now()
    )
    renaming.rename_domain("old.test", "elsewhere.test")
    ask(alice.address)
    assert letters() == []


def test_an_hour_has_three_letters(alice_recovers: User, bob: User) -> None:
    for _ in range(6):
        ask(alice_recovers.address)
    assert len(letters()) == recovery.LETTERS_AN_HOUR
    # A newer one ends the older ones.
    tokens = [link_in(text) for *_, text in letters()]
    for token in tokens[:-1]:
        with pytest.raises(NotFound):
            recovery.find(token)
    assert recovery.find(tokens[-1]).pk == alice_recovers.pk
    # An administrator is not held up by it, and nobody ends the administrator's link by asking.
    given = recovery.make_reset_link(alice_recovers)
    ask(alice_recovers.address)
    assert recovery.find(link_in(given)).pk == alice_recovers.pk
    # An hour later there is another one.
    OneTimeLink.objects.update(expires_at=timezone.now())
    ask(alice_recovers.address)
    assert len(letters()) == recovery.LETTERS_AN_HOUR + 1


@pytest.mark.parametrize("what", ["password", "suspended", "removed", "expired", "domain"])
def test_a_link_ends(alice_recovers: User, what: str) -> None:
    token = link_in(recovery.make_reset_link(alice_recovers))
    if what == "password":
        provisioning.set_password(alice_recovers, NEW)
    elif what == "suspended":
        provisioning.suspend_user(alice_recovers.address)
        provisioning.resume_user(alice_recovers.address)
    elif what == "removed":
        users.bury(alice_recovers)
    elif what == "domain":
        domains.set_state(name="example.test", state=State.SUSPENDED)
    else:
        OneTimeLink.objects.update(expires_at=timezone.now())
    for act in (recovery.find, lambda one: recovery.reset(one, "evil sentence here")):
        with pytest.raises(NotFound):
            act(token)


def test_guessing_is_hopeless_and_cheap(
    alice: User, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    token = link_in(recovery.make_reset_link(alice))
    number, _, secret = token.partition(".")
    assert len(secret) >= 43
    for wrong in (
        "", ".", "x", f"{number}.", f"{number}.{secret[:-1]}", f"{number}.{secret}x",
        f"{bob.pk}.{secret}", f"{'9' * 18}.{secret}", f"{'9' * 70}.{secret}", f"-1.{secret}",
        f"²{number}.{secret}", f"{number}.\ud800", "x" * 10_000, f"{number}.{secret.lower()}",
    ):  # fmt: skip
        with django_assert_max_num_queries(3), pytest.raises(NotFound):
            recovery.find(wrong)
    assert not AuditRecord.objects.filter(detail__icontains=secret).exists()


def test_a_link_of_one_purpose_is_none_of_another(alice: User) -> None:
    token = link_in(recovery.make_reset_link(alice))
    with pytest.raises(NotFound):
        recoveryaddresses.agree(token)
    recoveryaddresses.ask(alice, OUT)
    proof = link_in(letters()[0][2])
    with pytest.raises(NotFound):
        recovery.reset(proof, NEW)


def test_every_browser_is_signed_out(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    assert browser.get("/mail/inbox/").status_code == 200
    recovery.reset(link_in(recovery.make_reset_link(alice)), NEW)
    assert browser.get("/mail/inbox/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_the_password(alice: User) -> None:
    token = link_in(recovery.make_reset_link(alice))
    start, outcomes = threading.Barrier(4), []

    def use(number: int) -> None:
        start.wait(10)
        try:
            recovery.reset(token, f"{NEW} {number}")
            outcomes.append(number)
        except MailError:
            outcomes.append(-1)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    (won,) = [number for number in outcomes if number >= 0]
    assert len(outcomes) == 4
    assert opens(alice, f"{NEW} {won}")


# --- the recovery address


@pytest.fixture
def asked(alice: User) -> str:
    """The token of a letter that asks for alice's recovery address."""
    recoveryaddresses.ask(alice, "Alice@elsewhere.test")
    return link_in(letters()[0][2])


def recovery_of(user: User) -> str:
    user.refresh_from_db()
    return user.recovery_address if user.recovery_confirmed_at else ""


def test_an_address_is_proved_by_its_letter(alice: User, asked: str) -> None:
    provisioning.change_user(alice.address, name="Buy https://spam.test")
    (to, subject, text) = letters()[0]
    assert to == "Alice@elsewhere.test"
    assert "spam" not in subject + text
    assert recovery_of(alice) == ""
    recoveryaddresses.find(asked)
    assert recovery_of(alice) == ""
    recoveryaddresses.agree(asked)
    assert recovery_of(alice) == "Alice@elsewhere.test"
    with pytest.raises(NotFound):
        recoveryaddresses.agree(asked)
    assert letters()[1][:2] == ("alice@example.test", "Your recovery address was changed")


def test_no_is_an_answer(alice: User, asked: str) -> None:
    recoveryaddresses.refuse(asked)
    with pytest.raises(NotFound):
        recoveryaddresses.agree(asked)
    assert recovery_of(alice) == ""


def test_old_and_new_address_hear_of_a_change(alice_recovers: User) -> None:
    token = link_in(recovery.make_reset_link(alice_recovers))
    recoveryaddresses.ask(alice_recovers, "other@elsewhere.test")
    recoveryaddresses.agree(link_in(letters()[0][2]))
    assert [to for to, *_ in letters()[1:]] == [
        "alice@example.test",
        OUT,
        "other@elsewhere.test",
    ]
    # What may have gone to the old one works no more.
    with pytest.raises(NotFound):
        recovery.find(token)


def test_a_thief_with_the_old_password_is_shut_out(alice: User, asked: str) -> None:
    provisioning.set_password(alice, NEW)
    with pytest.raises(NotFound):
        recoveryaddresses.agree(asked)
    assert recovery_of(alice) == ""


def test_it_takes_no_address_that_is_the_same_mailbox(alice: User, bob: User) -> None:
    provisioning.add_alias("sales@example.test", [alice.address, bob.address])
    provisioning.add_domain("example.org", alias_of="example.test")
    provisioning.add_alias("only@example.test", [alice.address])
    for own in (
        "alice@example.test", "ALICE+x@example.test", "alice@example.org", "sales@example.test",
        "only@example.test",
    ):  # fmt: skip
        with pytest.raises(InvalidAddress, match="own mailbox"):
            recoveryaddresses.ask(alice, own)
    assert letters() == []
    assert str(recoveryaddresses.ask(alice, bob.address)) == bob.address


def test_it_takes_nobody_who_sends_all_on_to_the_same_mailbox(alice: User, bob: User) -> None:
    forwarding.add(bob.address, alice.address, keeps_copy=False)
    with pytest.raises(InvalidAddress, match="own mailbox"):
        recoveryaddresses.ask(alice, bob.address)


@pytest.mark.parametrize(
    "typed",
    ["", "x", "a b@c.test", "a@[192.0.2.1]", "x" * 10_000 + "@y.test", "a@b.test\r\nBcc: c@d.test"],
)
def test_it_takes_no_nonsense(alice: User, typed: str) -> None:
    with pytest.raises(InvalidAddress):
        recoveryaddresses.ask(alice, typed)
    assert letters() == []


def test_it_tells_nothing_of_other_addresses_here(alice: User, eve: User) -> None:
    """Whoever exists at another tenant's, or does not, hears of it or not; alice cannot tell."""
    assert str(recoveryaddresses.ask(alice, "eve@other.test")) == "eve@other.test"
    assert str(recoveryaddresses.ask(alice, "nobody@other.test")) == "nobody@other.test"
    assert [to for to, *_ in letters()] == ["eve@other.test"]


def test_a_day_has_five_letters(alice: User) -> None:
    for number in range(recoveryaddresses.LETTERS_A_DAY):
        recoveryaddresses.ask(alice, f"{number}@elsewhere.test")
    with pytest.raises(Throttled) as refused:
        recoveryaddresses.ask(alice, "six@elsewhere.test")
    assert "tomorrow" in refused.value.reply.text
    # The newest question alone is open.
    with pytest.raises(NotFound):
        recoveryaddresses.agree(link_in(letters()[0][2]))
    recoveryaddresses.agree(link_in(letters()[-1][2]))
    assert recovery_of(alice) == "4@elsewhere.test"


def test_it_goes_when_its_owner_wishes(alice_recovers: User) -> None:
    with pytest.raises(AlreadyExists):
        recoveryaddresses.ask(
            alice_recovers, OUT.upper().replace("ELSEWHERE.TEST", "elsewhere.test")
        )
    recoveryaddresses.remove(alice_recovers)
    assert recovery_of(alice_recovers) == ""
    assert [to for to, *_ in letters()] == ["alice@example.test", OUT]
    with pytest.raises(NotFound):
        recoveryaddresses.remove(alice_recovers)
    assert set(AuditRecord.objects.values_list("action", flat=True)) >= {"recovery.remove"}


def test_old_rows_go(alice: User, asked: str) -> None:
    recovery.wish("nobody@example.test")
    assert accountlinks.forget_old() == 0
    OneTimeLink.objects.update(expires_at=timezone.now())
    assert recovery.answer_wishes() == 0
    assert accountlinks.forget_old() == 2
