"""People share their folders, with whom and as far as they say, and end it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.directory.models import User
from apps.mailstore.models import Mailbox, MailboxRight
from apps.provisioning import services as provisioning
from apps.webmail.services import places

pytestmark = pytest.mark.django_db

PAGE = "/settings/sharing/"


@pytest.fixture
def plans(alice: User) -> Mailbox:
    places.create(user_id=alice.pk, name="Plans", inside=None, hue=0)
    return Mailbox.objects.get(user=alice, name="Plans")


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody of another organisation."""
    provisioning.add_domain("stranger.test", organization="Strangers")
    return provisioning.add_user("guest@stranger.test")[0]


def post(reader: Client, folder: object, user: str, **fields: str) -> tuple[int, str]:
    wanted = {"do": "share", "level": "read", "folder": str(folder), "user": user, **fields}
    answer = reader.post(PAGE, wanted, secure=True)
    return answer.status_code, answer.content.decode()


def read(reader: Client, path: str = PAGE) -> str:
    return str(reader.get(path, secure=True).content.decode())


def rights() -> dict[str, str]:
    found = MailboxRight.objects.values_list("user__address", "rights")
    return {who or "anyone": letters for who, letters in found}


def test_a_folder_is_shared_changed_and_ended(
    reader: Client, alice: User, bob: User, plans: Mailbox
) -> None:
    assert "You share no folder." in read(reader)

    assert post(reader, plans.pk, "Bob@example.test")[0] == 302
    assert rights() == {"bob@example.test": "lrs"}
    assert "Can read" in read(reader)
    browser = Client()
    browser.force_login(bob)
    assert "Plans" in read(browser, "/mail/folders/")

    assert post(reader, plans.pk, "bob@example.test", level="write")[0] == 302
    assert rights() == {"bob@example.test": "lrswite"}

    assert post(reader, plans.pk, "bob@example.test", do="end")[0] == 302
    assert rights() == {}
    assert list(AuditRecord.objects.values_list("action", flat=True).order_by("pk"))[-3:] == [
        *("share.grant", "share.grant", "share.revoke"),
    ]


def test_it_is_shared_with_everybody(reader: Client, plans: Mailbox) -> None:
    assert post(reader, plans.pk, "", everybody="on", level="manage")[0] == 302

    assert rights() == {"anyone": "lrswipkxte"}
    page = read(reader)
    assert "Everybody in your organisation" in page
    assert post(reader, plans.pk, "", everybody="on", do="end")[0] == 302
    assert rights() == {}


def test_rights_that_a_program_gave_are_shown_as_they_are(
    reader: Client, bob: User, plans: Mailbox
) -> None:
    MailboxRight.objects.create(mailbox=plans, user=bob, rights="lrp")

    assert "Rights: lrp" in read(reader)


@pytest.mark.parametrize(
    ("user", "fields"),
    [
        ("", {}),
        ("nobody@example.test", {}),
        ("guest@stranger.test", {}),
        ("alice@example.test", {}),
        ("team@example.test", {}),
        ("-bob@example.test", {}),
        ("bob@example.test", {"level": "lrswipkxtea"}),
        ("bob@example.test", {"level": ""}),
        ("bob@example.test", {"folder": "x"}),
        ("bob@example.test", {"folder": "9" * 30}),
        ("x" * 900, {}),
    ],
)
def test_what_cannot_be_changes_nothing(
    reader: Client, bob: User, stranger: User, plans: Mailbox, user: str, fields: dict[str, str]
) -> None:
    wanted = {"folder": str(plans.pk), **fields}
    status, page = post(reader, wanted.pop("folder"), user, **wanted)

    assert status == 422
    assert 'role="alert"' in page
    assert rights() == {}


def test_who_is_elsewhere_is_as_who_is_not(reader: Client, stranger: User, plans: Mailbox) -> None:
    elsewhere = post(reader, plans.pk, stranger.address)[1]
    nobody = post(reader, plans.pk, "nobody@stranger.test")[1]

    assert "There is no such user." in elsewhere
    assert "There is no such user." in nobody


def test_folders_of_others_are_theirs(reader: Client, alice: User, bob: User) -> None:
    provisioning.add_user("carol@example.test")
    places.create(user_id=bob.pk, name="Secret plans", inside=None, hue=0)
    secret = Mailbox.objects.get(user=bob, name="Secret plans")
    MailboxRight.objects.create(mailbox=secret, user=alice, rights="lrswipkxtea")

    status, page = post(reader, secret.pk, "carol@example.test")

    assert status == 422
    assert "The folder is not there any more" in page
    assert "Secret plans" not in page
    assert rights() == {"alice@example.test": "lrswipkxtea"}


def test_the_page_costs_the_same_for_many(reader: Client, bob: User, plans: Mailbox) -> None:
    post(reader, plans.pk, "bob@example.test")
    read(reader)
    with CaptureQueriesContext(connection) as few:
        read(reader)
    for number in range(8):
        provisioning.add_user(f"u{number}@example.test")
        post(reader, plans.pk, f"u{number}@example.test")
    with CaptureQueriesContext(connection) as many:
        assert "u7@example.test" in read(reader)

    assert len(many) == len(few)


def test_the_page_of_a_folder_leads_there(reader: Client, plans: Mailbox) -> None:
    assert f"{PAGE}?folder={plans.pk}" in read(reader, f"/mail/folders/{plans.pk}/")
    assert f'value="{plans.pk}" selected' in read(reader, f"{PAGE}?folder={plans.pk}")
