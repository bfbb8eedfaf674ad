"""The sign-ins that a user is shown: what is one row, what is new, what is bounded."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from apps.directory import authentication, tasks
from apps.directory import history as reads
from apps.directory.models import Means, Outcome, SignIn, User
from apps.directory.places import place_of
from apps.directory.services import apppasswords, history
from apps.provisioning import services as provisioning
from apps.runtime import db
from apps.wire.errors import AccountSuspended, AuthenticationFailed, InvalidName

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
HOME, HOTEL = "192.0.2.1", "198.51.100.7"
PASSWORD = "correct horse battery"


def note(user: User, outcome: Outcome = Outcome.OK, **more: str) -> None:
    how = {"door": "imap", "address": HOME, **more}
    history.note(user_id=user.pk, outcome=outcome, means=Means.PASSWORD, **how)


def rows(user: User) -> list[SignIn]:
    return reads.of_user(user.pk, limit=1000).rows


def try_in(username: str, password: str, *, door: str = "imap", client: str = "") -> None:
    authentication.authenticate(
        username=username, password=password, address=HOME, door=door, client=client
    )


def test_alike_within_an_hour_is_one_row(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            note(alice, Outcome.WRONG)
            clock.shift(60)
        note(alice, Outcome.WRONG, door="pop3")
        note(alice, Outcome.WRONG, address=HOTEL)
        clock.shift(3_600)
        note(alice, Outcome.WRONG)
    assert [(one.door, one.address, one.times) for one in rows(alice)] == [
        ("imap", HOME, 1),
        ("imap", HOTEL, 1),
        ("pop3", HOME, 1),
        ("imap", HOME, 3),
    ]
    assert (rows(alice)[-1].first_at, rows(alice)[-1].last_at) == (
        NOON,
        NOON + timedelta(seconds=120),
    )


def seen_at(user: User) -> datetime | None:
    return User.objects.values_list("seen_at", flat=True).get(pk=user.pk)


def test_a_user_was_seen_when_somebody_got_in_and_that_is_written_twice_a_day(
    alice: User, bob: User
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        note(alice, Outcome.WRONG)
        history.note(
            user_id=alice.pk, outcome=Outcome.OK, door="web", means=Means.ACTING, address=HOME
        )
        assert seen_at(alice) is None
        note(alice)
        assert seen_at(alice) == NOON
        for hours in (1, 10):
            clock.shift(3_600 * hours)
            note(alice, address=f"198.51.{hours}.7")
            assert seen_at(alice) == NOON
        clock.shift(3_600 + 1)
        note(alice, address="203.0.113.9")
        assert seen_at(alice) == NOON + timedelta(hours=12, seconds=1)
    assert seen_at(bob) is None


def test_notes_of_many_are_seen_in_the_order_of_their_ids(alice: User, bob: User) -> None:
    """Two processes that write of the same users wait for each other, never in a circle."""
    users = [bob, alice, bob] if alice.pk < bob.pk else [alice, bob, alice]
    waiting = [
        history._Note(
            bytes([number]) * 16,
            user.pk,
            Outcome.OK,
            "imap",
            Means.PASSWORD,
            "",
            HOME,
            "",
            NOON + timedelta(seconds=number),
            1,
        )
        for number, user in enumerate(users)
    ]
    with CaptureQueriesContext(connection) as found:
        history._see(waiting)
    assert len(found) == 2
    first, second = (one["sql"] for one in found)
    assert f"id = {min(alice.pk, bob.pk)} " in first
    assert f"id = {max(alice.pk, bob.pk)} " in second
    assert seen_at(users[0]) == NOON + timedelta(seconds=2)


def test_a_mail_program_that_gets_in_is_one_row_a_day(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(8):
            note(alice)
            note(alice, door="web")
            clock.shift(3_600)
            history.forget()  # ten minutes of this process
    assert sorted((one.door, one.times) for one in rows(alice)) == [("imap", 8)] + [("web", 1)] * 8


def test_a_program_that_signs_in_all_the_time_costs_one_statement(alice: User) -> None:
    try_in("alice@example.test", PASSWORD)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(50):
            try_in("alice@example.test", PASSWORD)
    assert not [one for one in queries if "directory_signin" in one["sql"]]
    assert [one.times for one in rows(alice)] == [1]  # it lags, by ten minutes at the most


def test_failures_are_counted_exactly_up_to_the_twentieth(alice: User) -> None:
    for _ in range(20):
        note(alice, Outcome.WRONG)
    assert [one.times for one in rows(alice)] == [20]
    for _ in range(100):
        note(alice, Outcome.WRONG)
    assert [one.times for one in rows(alice)] == [20]


def test_attempts_from_many_networks_are_bounded(alice: User, bob: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(100):
            note(alice, Outcome.WRONG, address=f"203.0.113.{number}")
        note(bob, Outcome.WRONG)
        found = rows(alice)
        assert len(found) == history.MOST_FAILED + 1
        (others,) = [one for one in found if one.address == history.OTHERS]
        assert others.times == 100 - history.MOST_FAILED
        assert len(rows(bob)) == 1
        clock.shift(3_600)
        note(alice, Outcome.WRONG, address="203.0.113.250")
        assert len(rows(alice)) == len(found) + 1


def test_a_new_place_is_one_without_a_sign_in_for_thirty_days(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        note(alice, Outcome.WRONG, address=HOTEL)
        assert not reads.is_new_place(alice.pk, HOTEL)
        note(alice)  # the first of all
        assert reads.is_new_place(alice.pk, HOTEL)
        note(alice, address=HOTEL)
        note(alice, address="198.51.100.8")  # another room
        note(alice, door="web")
        clock.shift(31 * 86_400)
        note(alice)
    assert [(one.address, one.is_new_place) for one in reversed(rows(alice))] == [
        (HOTEL, False),
        (HOME, False),
        (HOTEL, True),
        ("198.51.100.8", False),
        (HOME, False),
        (HOME, True),
    ]


def test_who_acts_as_a_user_is_at_no_place_of_the_users(alice: User) -> None:
    note(alice)
    for _ in range(2):
        history.note(
            user_id=alice.pk,
            outcome=Outcome.OK,
            door="web",
            means=Means.ACTING,
            via="root@example.test",
            address=HOTEL,
        )
    assert [one.is_new_place for one in rows(alice)] == [False, False]
    assert reads.is_new_place(alice.pk, HOTEL)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", "local"),
        ("*", "local"),
    ],
)
def test_a_place_is_a_network(address: str, place: str) -> None:
    assert place_of(address) == place


def test_it_notes_what_became_of_each_attempt(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    try_in("alice@example.test", PASSWORD, client="Thunderbird 140")
    try_in("alice@example.test", text)
    for door, password in (("imap", "wrong"), ("pop3", text), ("web", "wrong")):
        with pytest.raises(AuthenticationFailed):
            try_in("alice@example.test", password, door=door)
    try_in("alice@example.test", PASSWORD, door="web")  # half a sign-in: its views note the whole
    provisioning.suspend_user("alice@example.test")
    with pytest.raises(AccountSuspended):
        try_in("alice@example.test", PASSWORD)
    found = {(one.outcome, one.door, one.means, one.via, one.client) for one in rows(alice)}
    assert found == {
        ("ok", "imap", "password", "", "Thunderbird 140"),
        ("ok", "imap", "app_password", "Phone", ""),
        ("wrong", "imap", "password", "", ""),
        ("refused", "pop3", "app_password", "Phone", ""),
        ("wrong", "web", "password", "", ""),
        ("suspended", "imap", "password", "", ""),
    }
    assert not [one for one in rows(alice) if PASSWORD in str(vars(one))]


def test_it_notes_nothing_of_who_does_not_exist(alice: User) -> None:
    for name in ("nobody@example.test", "no address", ""):
        with pytest.raises(AuthenticationFailed):
            try_in(name, "wrong")
    history.note(user_id=2**40, outcome=Outcome.OK, door="imap", means=Means.PASSWORD)
    assert not SignIn.objects.exists()


@pytest.mark.parametrize("words", ["\0", "a\r\nb\x1b[2J", "\ud800", "x" * 100_000, "\u202e"])
def test_a_strangers_words_do_no_harm(alice: User, words: str) -> None:
    note(alice, client=words, address=words, via=words)
    (one,) = rows(alice)
    assert len(one.client) <= 200
    assert one.client.isprintable()
    assert len(one.address) <= 45


def test_a_database_that_fails_fails_no_sign_in(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(history, "_put", broken)
    try_in("alice@example.test", PASSWORD)
    assert "sign-ins were not noted" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_it_is_written_behind_the_answer(alice: User) -> None:
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            try_in("alice@example.test", "wrong")
    db.shutdown()  # waits for what was handed to its threads
    assert [(one.outcome, one.times) for one in rows(alice)] == [("wrong", 3)]


# -- reading --------------------------------------------------------------------------------------


def test_pages_follow_each_other(alice: User, bob: User) -> None:
    with time_machine.travel(NOON, tick=False):  # all at one moment: the number decides
        for number in range(25):
            note(alice, address=f"203.0.{number}.1")
            note(bob, address=f"203.0.{number}.1")
    seen: list[int] = []
    before = ""
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            page = reads.of_user(alice.pk, before=before, limit=10)
        assert len(queries) == 1
        seen += [one.pk for one in page.rows]
        before = page.following
    assert before == ""
    assert len(set(seen)) == 25
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "before",
    [
        "x",
        "~",
        "2030-01-31T12:00:00+00:00~",
        "2030-01-31~1",
        "2030-01-31T12:00:00+00:00~-1",
        "2030-01-31T12:00:00+00:00~" + "9" * 30,
        "\0~1",
        "x" * 100_000,
    ],
)
def test_it_knows_no_other_page(alice: User, before: str) -> None:
    with pytest.raises(InvalidName):
        reads.of_user(alice.pk, before=before)


def test_it_forgets_after_ninety_days(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(30):
            note(alice, address=f"203.0.{number}.1")
        clock.shift(timedelta(days=history.KEEP_DAYS - 1))
        note(alice)
        assert history.prune() == 0
        clock.shift(timedelta(days=2))
        tasks.prune_history()
    assert [one.address for one in rows(alice)] == [HOME]


def test_it_forgets_more_than_it_looks_at_at_once(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PRUNED", 7)
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(30):
            note(alice, address=f"203.0.{number}.1")
        clock.shift(timedelta(days=history.KEEP_DAYS + 1))
        note(alice)
        assert history.prune() == 30
    assert len(rows(alice)) == 1
