"""What stands above the mail when the mailbox fills up."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import Usage

pytestmark = pytest.mark.django_db


def page(client: Client, user: User, percent: float, quota: int = 1_000_000) -> str:
    User.objects.filter(pk=user.pk).update(quota=quota)
    Usage.objects.filter(user=user).update(size=int(1_000_000 * percent / 100))
    client.force_login(user)
    return client.get("/mail/inbox/").content.decode()


def banner(text: str) -> str:
    """Its words and its class, "" if there is none."""
    found = re.search(r'<div class="banner (banner--\w+)" role="status">(.*?)</div>', text, re.S)
    return f"{found[1]}: {re.sub('<[^>]*>', '', found[2])}" if found else ""


@pytest.mark.parametrize(
    ("percent", "wanted"),
    [
        (80, "banner--warn: Your mailbox holds 781.2\xa0KB of 976.6\xa0KB."),
        (94.9, "banner--warn: Your mailbox holds"),
        (95, "banner--warn: Your mailbox is almost full. When it is full, new mail is turned"),
        (99.9, "banner--warn: Your mailbox is almost full."),
        (100, "banner--bad: Your mailbox is full. New mail is turned away."),
        (250, "banner--bad: Your mailbox is full."),
    ],
)
def test_it_says_what_is_and_what_to_do(
    alice: User, client: Client, percent: float, wanted: str
) -> None:
    shown = banner(page(client, alice, percent))

    assert shown.startswith(wanted)
    assert "Delete what you need no more, also from Trash and Junk." in shown


@pytest.mark.parametrize(("percent", "quota"), [(0, 1_000_000), (79.9, 1_000_000), (500, 0)])
def test_there_is_none_without_cause(
    alice: User, client: Client, percent: float, quota: int
) -> None:
    assert banner(page(client, alice, percent, quota)) == ""


@pytest.mark.parametrize(
    ("percent", "colour"), [(50, '"meter meter--sm"'), (80, "meter--warn"), (95, "meter--bad")]
)
def test_the_meter_has_the_colour_of_the_level(
    alice: User, client: Client, percent: float, colour: str
) -> None:
    assert colour in page(client, alice, percent)


def test_mail_on_its_way_counts_in_both(alice: User, client: Client) -> None:
    Usage.objects.filter(user=alice).update(reserved=400_000)

    text = page(client, alice, 60)
    assert "banner--bad" in text
    assert "976.6\xa0KB of 976.6\xa0KB" in text


def test_it_costs_no_statement(alice: User, client: Client) -> None:
    def statements(percent: float) -> int:
        page(client, alice, percent)
        with CaptureQueriesContext(connection) as captured:
            client.get("/mail/inbox/")
        return len(captured)

    assert statements(100) == statements(10)


def test_its_links_lead_to_folders(alice: User, client: Client) -> None:
    text = page(client, alice, 100)

    for slug in ("trash", "junk"):
        assert f'<a href="/mail/{slug}/">' in text
        assert client.get(f"/mail/{slug}/").status_code == 200
