"""Letters about one's account: who gets them, what they say, and what nobody can put into them."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.audit.acting import Actor, acting
from apps.blobs import services as blobs
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services as provisioning
from apps.provisioning.notices import About, tell
from apps.provisioning.noticewords import WORDS
from mailhost.env import Endpoint
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _web(settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()
    settings.MAIL_HOSTNAME = "mail.example.test"


def letters() -> list[tuple[list[str], EmailMessage]]:
    """Each letter of the queue, with the addresses that it goes to."""
    found = []
    for row in QueuedMessage.objects.filter(door="report").order_by("recipients__id"):
        parsed = message_from_bytes(blobs.read(row.blob_id), policy=policy.SMTPUTF8)
        assert isinstance(parsed, EmailMessage)
        found.append(([one.address for one in row.recipients.all()], parsed))
    return found


def with_recovery(user: User, address: str) -> User:
    User.objects.filter(pk=user.pk).update(
        recovery_address=address, recovery_confirmed_at=timezone.now()
    )
    user.refresh_from_db()
    return user


@pytest.mark.parametrize("about", list(About))
def test_each_letter_says_what_when_and_what_to_do(alice: User, about: About) -> None:
    assert tell(alice, about, detail="Phone", address="192.0.2.7", client=FIREFOX)

    ((to, letter),) = letters()
    text = letter.get_content()
    assert to == ["alice@example.test"]
    assert letter["From"] == "Mail service <postmaster@example.test>"
    assert letter["To"] == "alice@example.test"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == WORDS[about].subject
    assert "alice@example.test" in text
    assert "UTC" in text
    assert "192.0.2.7" in text
    assert "Firefox on Linux" in text
    assert text.count("https://mail.example.test/") == 1
    assert max(len(line) for line in text.splitlines()) <= 78


def test_it_says_who_did_it(alice: User) -> None:
    admin = Actor("user", 99, "olga@example.test", "web", "198.51.100.1")
    with acting(admin):
        tell(alice, About.PASSWORD_RESET)
    with acting(Actor("command", None, "root", "command")):
        tell(alice, About.FACTORS_RESET)
    with acting(Actor("user", alice.pk, alice.address, "web", "192.0.2.7")):
        tell(alice, About.PASSWORD_CHANGED)
    (_, by_admin), (_, by_command), (_, by_herself) = letters()
    assert "198.51.100.1" in by_admin.get_content()
    assert "olga@" in by_admin.get_content()
    assert "an administrator on the server" in by_command.get_content()
    assert "root" not in by_command.get_content()
    assert "By:" not in by_herself.get_content()


def test_the_gravest_go_to_the_recovery_address_too(alice: User) -> None:
    with_recovery(alice, "alice@elsewhere.test")
    tell(alice, About.FACTORS_RESET)
    tell(alice, About.APP_PASSWORD_ADDED, detail="Phone")
    (own, _), (further, letter), (usual, _) = letters()
    assert (own, further, usual) == (
        ["alice@example.test"],
        ["alice@elsewhere.test"],
        ["alice@example.test"],
    )
    # Not from the postmaster of a domain that is not ours.
    assert letter["From"] == "Mail service <postmaster@example.test>"
    assert "recovery address of" in letter.get_content()
    assert "recovery address of" not in letters()[0][1].get_content()


def test_an_address_that_was_not_proved_hears_nothing(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(recovery_address="victim@elsewhere.test")
    alice.refresh_from_db()
    tell(alice, About.FACTORS_RESET)
    assert [to for to, _ in letters()] == [["alice@example.test"]]


def test_old_and_new_address_hear_of_a_change(alice: User) -> None:
    with_recovery(alice, "new@elsewhere.test")
    tell(alice, About.RECOVERY_CHANGED, also=["old@elsewhere.test", "NEW@elsewhere.test"])
    assert [to for to, _ in letters()] == [
        ["alice@example.test"],
        ["old@elsewhere.test"],
        ["NEW@elsewhere.test"],
    ]


def test_nobody_writes_header_fields_or_links_into_it(alice: User) -> None:
    hostile = "Phone\r\nBcc: victim@elsewhere.test\r\n\r\nhttps://evil.invalid/ \u202egnp.exe"
    tell(alice, About.APP_PASSWORD_ADDED, detail=hostile, client=hostile + FIREFOX)
    tell(alice, About.ACTED, detail="x" * 10_000, by="a@b.test\r\nX-Evil: 1", address="1" * 500)
    for to, letter in letters():
        assert to == ["alice@example.test"]
        assert letter["Bcc"] is None
        assert letter["X-Evil"] is None
        text = letter.get_content()
        assert "https://evil" not in text
        assert "\u202e" not in text
        assert len(text) < 2_000


@pytest.mark.usefixtures("noon")
def test_a_day_has_an_end(alice: User, bob: User) -> None:
    told = [tell(alice, About.NEW_PLACE) for _ in range(6)]
    assert told == [True, True, True, False, False, False]
    # Noise of one sort hides nothing of another, and nothing of somebody else's.
    assert tell(alice, About.APP_PASSWORD_ADDED)
    assert tell(bob, About.NEW_PLACE)
    assert sum(tell(alice, About.CODE_USED) for _ in range(50)) == 19
    assert tell(alice, About.PASSWORD_RESET)


def test_the_letter_goes_with_the_act_or_not_at_all(alice: User) -> None:
    for _ in range(5):
        with transaction.atomic():
            assert tell(alice, About.NEW_PLACE)
            transaction.set_rollback(True)
    assert letters() == []
    assert tell(alice, About.NEW_PLACE)


def test_who_cannot_be_told_breaks_nothing(alice: User, settings: Settings) -> None:
    provisioning.suspend_user(alice.address)
    assert not tell(alice, About.FACTORS_RESET)
    settings.WEB_LISTEN = None
    provisioning.resume_user(alice.address)
    assert tell(alice, About.FACTORS_RESET)
    assert "http" not in letters()[0][1].get_content()


@pytest.mark.usefixtures("db")
def test_an_operator_from_elsewhere_hears_from_this_host() -> None:
    olga, _ = provisioning.create_operator("olga@elsewhere.test", PASSWORD)
    assert tell(olga, About.PASSWORD_CHANGED)
    ((to, letter),) = letters()
    assert to == ["olga@elsewhere.test"]
    assert letter["From"] == "Mail service <postmaster@mail.example.test>"


def test_it_writes_in_any_script(alice: User) -> None:
    provisioning.add_domain("bücher.example")
    joerg, _ = provisioning.add_user("jörg@bücher.example", PASSWORD)
    assert tell(joerg, About.APP_PASSWORD_ADDED, detail="Telefon für unterwegs 📱")
    ((to, letter),) = letters()
    assert to == ["jörg@xn--bcher-kva.example"]
    assert "Telefon für unterwegs 📱" in letter.get_content()
    assert "jörg@bücher.example" in letter.get_content()
