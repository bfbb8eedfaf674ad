"""Asking a target: the letter, its link, and what is left when it cannot be sent."""

import re
from email import message_from_bytes, policy

import pytest
from pytest_django.fixtures import Settings

from apps.blobs import services as blobs
from apps.directory.models import Forward, User
from apps.directory.services.forwards import MAX_FORWARDS
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import forwarding
from apps.provisioning import services as provisioning
from apps.wire.errors import AccountSuspended, MailError, NotFound, UnknownRecipient
from mailhost.env import Endpoint

OUT = "out@elsewhere.test"


@pytest.fixture(autouse=True)
def _web(settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 8443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()
    settings.MAIL_HOSTNAME = "mail.example.test"


def letter() -> tuple[QueuedMessage, str, str]:
    """The one letter in the queue: its row, its header and text."""
    row = QueuedMessage.objects.get()
    parsed = message_from_bytes(blobs.read(row.blob_id), policy=policy.SMTPUTF8)
    return row, str(parsed), parsed.get_content()


def test_it_writes_to_the_target(alice: User) -> None:
    provisioning.change_user(alice.address, name="Buy now at https://spam.test")
    forwarding.ask(alice.address, "Out@elsewhere.test", keeps_copy=False)

    row, whole, text = letter()
    (recipient,) = row.recipients.all()
    assert (row.sender, recipient.address, recipient.user_id) == ("", "Out@elsewhere.test", None)
    assert recipient.notify == "NEVER"
    for line in (
        "From: Mail service <postmaster@example.test>",
        "To: Out@elsewhere.test",
        "Subject: May mail for alice@example.test be sent on to you?",
        "Auto-Submitted: auto-generated",
    ):
        assert line in whole
    assert "spam" not in whole
    links = re.findall(r"https?://\S+", text)
    assert len(links) == 1
    prefix, token = links[0].split("/forward/")
    assert prefix == "https://mail.example.test:8443"
    assert forwarding.question(token.rstrip("/")).address == "Out@elsewhere.test"


def test_it_writes_in_any_script(alice: User) -> None:
    provisioning.add_domain("bücher.example")
    provisioning.add_user("jörg@bücher.example", "correct horse battery")
    forwarding.ask("jörg@bücher.example", OUT)

    row, whole, text = letter()
    assert not row.smtputf8
    assert whole.isascii()
    assert "jörg@bücher.example" in text
    QueuedMessage.objects.all().delete()
    forwarding.ask(alice.address, "jörg@elsewhere.test")
    assert letter()[0].smtputf8


def test_it_writes_to_a_user_of_ours(alice: User, bob: User) -> None:
    forwarding.ask(alice.address, bob.address)

    (recipient,) = letter()[0].recipients.all()
    assert (recipient.address, recipient.user_id) == (bob.address, bob.pk)


def test_it_asks_nobody_who_is_not_there(alice: User, bob: User) -> None:
    provisioning.suspend_user(bob.address)
    refused: dict[str, type[MailError]] = {
        "nobody@example.test": UnknownRecipient,
        bob.address: AccountSuspended,
    }
    for target, error in refused.items():
        with pytest.raises(error):
            forwarding.ask(alice.address, target)
    assert not Forward.objects.exists()
    assert not QueuedMessage.objects.exists()


def test_it_asks_nobody_where_nobody_could_agree(alice: User, settings: Settings) -> None:
    settings.WEB_LISTEN = None
    with pytest.raises(NotFound):
        forwarding.ask(alice.address, OUT)
    assert not Forward.objects.exists()
    forwarding.add(alice.address, OUT)


def test_it_writes_few_letters_whatever_a_user_tries(alice: User) -> None:
    for attempt in range(3):
        for number in range(MAX_FORWARDS + 2):
            target = f"u{number}@elsewhere.test"
            try:
                forwarding.ask(alice.address, target)
            except MailError:
                assert attempt or number >= MAX_FORWARDS
            else:
                forwarding.remove(alice.address, target)
    assert QueuedMessage.objects.count() == MAX_FORWARDS


@pytest.mark.parametrize(
    ("tls", "port", "proxies", "start"),
    [
        (True, 443, (), "https://mail.example.test/forward/"),
        (False, 80, (), "http://mail.example.test/forward/"),
        (False, 8000, (), "http://mail.example.test:8000/forward/"),
        (False, 8000, ("10.0.0.0/8",), "https://mail.example.test/forward/"),
    ],
)
def test_it_makes_links_that_lead_here(
    settings: Settings, tls: bool, port: int, proxies: tuple[str, ...], start: str
) -> None:
    settings.WEB_TLS, settings.TRUSTED_PROXIES = tls, proxies
    settings.WEB_LISTEN = Endpoint("127.0.0.1", port)

    assert forwarding.link("1.x") == f"{start}1.x/"
