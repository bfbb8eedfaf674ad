"""The pages behind the links of a digest: they ask first, and act for one copy alone."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User, UserState
from apps.mailstore.models import Entry
from apps.runtime.ulid import new_ulid
from apps.scan import tokens
from apps.scan.models import ListEntry, Quarantined
from apps.scan.services import digests, lists
from apps.scan.services.digests import Every
from apps.scan.verdict import Verdict
from apps.wire.errors import LimitReached
from tests.scan.services.test_copies import junked, places
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, drain, local

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """A browser on HTTPS that must bring CSRF tokens as real ones do."""
    return Client(
        enforce_csrf_checks=True, headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on"
    )


def held(user: User, verdict: Verdict | None = None, raw: bytes = RAW) -> str:
    """The link of a message that is held back."""
    (row,) = keep(claim(local(user), raw), verdict or Verdict((POLICY,)), raw=raw)
    return f"/held/{tokens.of_copy(user.pk, row.trace_id)}/"


def get(browser: Client, link: str) -> Any:
    return browser.get(link, secure=True)


def post(browser: Client, link: str, **form: str) -> Any:
    page = get(browser, link).content.decode()
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    return browser.post(
        link,
        {**form, "csrfmiddlewaretoken": csrf[1] if csrf else ""},
        secure=True,
        headers={"origin": "https://localhost"},
    )


def states() -> set[str]:
    return set(Quarantined.objects.values_list("state", flat=True))


def test_it_lets_nothing_go_by_being_read(alice: User, browser: Client) -> None:
    link = held(alice)
    for query in ("", "?do=release", "?do=block"):
        response = get(browser, link + query)
        page = response.content.decode()
        assert response.status_code == 200
        assert "This message is held back" in page
        assert "Carol &lt;carol@outside.invalid&gt;" in page
        assert "run.exe is a program" in page
    assert browser.head(link, secure=True).status_code == 200
    assert browser.put(link, secure=True).status_code in {403, 405}
    # Nor by a form of another site.
    foreign = browser.post(
        link, {"do": "release"}, secure=True, headers={"origin": "https://evil.test"}
    )
    assert foreign.status_code == 403
    assert states() == {"kept"}
    # The link is as good as a password: it must not leave in a Referer, nor stay in a cache.
    assert response.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "no-store" in response.headers["Cache-Control"]


def test_it_releases_once(alice: User, browser: Client) -> None:
    link = held(alice)
    for _ in range(2):
        assert "was released" in post(browser, link, do="release").content.decode()
    drain()
    assert places(alice) == ["inbox"]
    assert "is in your mailbox" in get(browser, link).content.decode()
    post(browser, link, do="release")
    drain()
    assert places(alice) == ["inbox"]


def test_it_releases_no_virus(alice: User, browser: Client) -> None:
    link = held(alice, Verdict((VIRUS,)))
    page = get(browser, link).content.decode()
    assert "Only your administrator" in page
    assert 'value="release"' not in page
    response = post(browser, link, do="release")
    assert response.status_code == 409
    assert "only an administrator can release it" in response.content.decode()
    assert states() == {"kept"}
    assert "is deleted" in post(browser, link, do="delete").content.decode()


def test_it_blocks_the_sender(alice: User, browser: Client) -> None:
    link = held(alice)
    page = post(browser, link, do="block").content.decode()
    assert "Its sender is blocked" in page
    assert [one.value for one in ListEntry.objects.all()] == ["carol@outside.invalid"]
    assert states() == {"deleted"}


def test_it_says_why_it_could_not(
    alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise LimitReached(text="The list is full: it has 1000 entries")

    monkeypatch.setattr(lists, "block_sender", full)
    response = post(browser, held(alice), do="block")
    assert response.status_code == 409
    assert "The list is full" in response.content.decode()
    assert states() == {"kept"}


def test_it_moves_what_lies_in_junk(alice: User, browser: Client) -> None:
    found = junked(alice)
    link = f"/held/{tokens.of_copy(alice.pk, found.trace_id)}/"
    assert "is in Junk" in get(browser, link).content.decode()
    assert "is in your mailbox" in post(browser, link, do="release").content.decode()
    assert places(alice) == ["inbox"]
    assert "has learned" in post(browser, link, do="spam").content.decode()
    assert places(alice) == ["junk"]
    assert "in Trash" in post(browser, link, do="delete").content.decode()


def test_it_deletes_nothing_that_was_let_go(alice: User, browser: Client) -> None:
    found = junked(alice)
    link = f"/held/{tokens.of_copy(alice.pk, found.trace_id)}/"
    post(browser, link, do="release")
    page = post(browser, link, do="delete").content.decode()
    assert "is in your mailbox" in page
    assert "Trash" not in page
    assert places(alice) == ["inbox"]


def test_it_shows_a_strangers_words_as_words(alice: User, browser: Client) -> None:
    raw = RAW.replace(b"Carol", b"<script>alert(1)</script>").replace(
        b"Quarterly figures", b"<img src=x onerror=alert(1)> {{ 7|add:7 }}"
    )
    page = get(browser, held(alice, raw=raw)).content.decode()
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7|add:7 }}" in page


def test_it_acts_for_nobody_who_is_suspended(alice: User, browser: Client) -> None:
    link = held(alice)
    settings = f"/digests/{tokens.of_digest(alice.pk)}/"
    page = get(browser, link).content.decode()
    csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    User.objects.filter(pk=alice.pk).update(state=UserState.SUSPENDED)
    for one in (link, settings):
        response = browser.post(
            one,
            {"do": "release", "every": "never", "csrfmiddlewaretoken": csrf},
            secure=True,
            headers={"origin": "https://localhost"},
        )
        assert response.status_code == 410
    assert states() == {"kept"}
    assert digests.every_of(alice.pk) is not Every.NEVER
    User.objects.filter(pk=alice.pk).update(state=UserState.ACTIVE)
    assert get(browser, link).status_code == 200


def test_it_knows_no_other_links(alice: User, eve: User, browser: Client) -> None:
    (row,) = keep(claim(local(alice)), Verdict((POLICY,)))
    for wrong in (
        "/held/x/",
        f"/held/{'9' * 500}/",
        f"/held/{tokens.of_copy(eve.pk, row.trace_id)}/",
        f"/held/{tokens.of_copy(alice.pk, new_ulid())}/",
        f"/held/{tokens.of_digest(alice.pk)}/",
        f"/digests/{tokens.of_copy(alice.pk, row.trace_id)}/",
        "/digests/1/",
    ):
        response = get(browser, wrong)
        assert response.status_code == 410
        assert "does not work any more" in response.content.decode()
        assert post(browser, wrong, do="release", every="never").status_code in {403, 410}
    assert states() == {"kept"}
    assert not Entry.objects.exists()


def test_it_changes_how_often_digests_come(alice: User, browser: Client) -> None:
    link = f"/digests/{tokens.of_digest(alice.pk)}/"
    assert "a digest every day" in get(browser, link + "?every=never").content.decode()
    assert digests.every_of(alice.pk) is Every.DAILY
    assert "You get no digests" in post(browser, link, every="never").content.decode()
    assert digests.every_of(alice.pk) is Every.NEVER
    post(browser, link, every="hourly")
    assert digests.every_of(alice.pk) is Every.NEVER
    assert "a digest every week" in post(browser, link, every="weekly").content.decode()
