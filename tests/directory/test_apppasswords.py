"""App passwords: what opens what, what is kept, what is noted, and when it ends."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from apps.directory import apppasswords, authentication, passwords
from apps.directory.apppasswords import Known
from apps.directory.authentication import Principal
from apps.directory.models import AppPassword, User
from apps.directory.services import apppasswords as services
from apps.directory.services import credentials
from apps.directory.signedin import still_in
from apps.provisioning import services as provisioning
from apps.wire.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidName,
    LimitReached,
    NotFound,
)

HOME, HOTEL = "192.0.2.1", "198.51.100.7"
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


def sign_in(text: str, *, door: str = "imap", address: str = HOME) -> Principal:
    return authentication.authenticate(
        username="alice@example.test", password=text, address=address, door=door
    )


def test_it_opens_the_doors_of_mail_programs(alice: User) -> None:
    row, text = services.create(user=alice, name="Phone")
    for door in ("imap", "pop3", "submission"):
        principal = sign_in(text, door=door)
        assert (principal.user_id, principal.app_password) == (alice.pk, row.pk)


def test_it_never_opens_the_web(alice: User) -> None:
    _, text = services.create(user=alice, name="Phone")
    with pytest.raises(AuthenticationFailed):
        sign_in(text, door="web")


def test_it_leaves_the_password_itself_alone(alice: User) -> None:
    services.create(user=alice, name="Phone")
    assert sign_in("correct horse battery").app_password is None


@pytest.mark.parametrize("form", [str.upper, lambda text: text.replace("-", " ")])
def test_it_is_read_as_people_type_it(alice: User, form: object) -> None:
    _, text = services.create(user=alice, name="Phone")
    assert callable(form)
    assert sign_in(form(text)).user_id == alice.pk
    assert sign_in(text.replace("-", "")).user_id == alice.pk


def test_it_opens_nobody_elses_account(alice: User, bob: User) -> None:
    _, text = services.create(user=bob, name="Phone")
    with pytest.raises(AuthenticationFailed):
        sign_in(text)


@pytest.mark.parametrize(
    ("door", "opens"), [("imap", True), ("pop3", False), ("submission", True), ("web", False)]
)
def test_it_is_for_its_protocols(alice: User, door: str, opens: bool) -> None:
    _, text = services.create(user=alice, name="Phone", protocols=["imap", "SMTP"])
    if opens:
        assert sign_in(text, door=door).user_id == alice.pk
    else:
        with pytest.raises(AuthenticationFailed):
            sign_in(text, door=door)


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        (HOME, True),
        ("::ffff:192.0.2.9", True),
        (HOTEL, False),
        ("2001:db8::7", True),
        ("2001:db8:1::7", False),
        ("local", False),
    ],
)
def test_it_is_for_its_networks(alice: User, address: str, opens: bool) -> None:
    _, text = services.create(user=alice, name="Office", networks=["192.0.2.0/24", "2001:db8::/64"])
    if opens:
        assert sign_in(text, address=address).user_id == alice.pk
    else:
        with pytest.raises(AuthenticationFailed):
            sign_in(text, address=address)


def test_it_expires(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        _, text = services.create(user=alice, name="Phone", expires_at=NOON + timedelta(hours=1))
        principal = sign_in(text)
        assert still_in([principal]) == {principal}
        clock.shift(3_601)
        with pytest.raises(AuthenticationFailed):
            sign_in(text)
        assert still_in([principal]) == set()


def test_it_ends_with_its_removal(alice: User) -> None:
    _, text = services.create(user=alice, name="Phone")
    other = sign_in("correct horse battery")
    principal = sign_in(text)
    assert still_in([principal, other]) == {principal, other}
    services.revoke(user=alice, name="Phone")
    assert still_in([principal, other]) == {other}
    with pytest.raises(AuthenticationFailed):
        sign_in(text)
    with pytest.raises(NotFound):
        services.revoke(user=alice, name="Phone")


def test_it_outlives_a_change_of_the_password_but_not_the_session(alice: User) -> None:
    _, text = services.create(user=alice, name="Phone")
    principal = sign_in(text)
    provisioning.set_password(alice, "another long password")
    assert still_in([principal]) == set()  # it may be the thief's: all sign in again
    assert sign_in(text).user_id == alice.pk


def test_it_does_not_open_a_suspended_account(alice: User) -> None:
    _, text = services.create(user=alice, name="Phone")
    provisioning.suspend_user("alice@example.test")
    with pytest.raises(AccountSuspended):
        sign_in(text)


def test_it_keeps_no_password(alice: User) -> None:
    row, text = services.create(user=alice, name="Phone")
    kept = AppPassword.objects.filter(pk=row.pk).values().get()
    flat = text.replace("-", "")
    values = [bytes(one) if isinstance(one, memoryview) else one for one in kept.values()]
    assert not any(flat in str(value) or text in str(value) for value in values)


def test_it_costs_no_hash(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = services.create(user=alice, name="Phone")

    def refuse(*_: object) -> bool:
        raise AssertionError("hashed")

    monkeypatch.setattr(passwords, "is_right", refuse)
    assert sign_in(text).user_id == alice.pk


def test_it_notes_its_use_once_an_hour(alice: User) -> None:
    row, text = services.create(user=alice, name="Phone")

    def used() -> tuple[datetime | None, str]:
        row.refresh_from_db()
        return row.last_used_at, row.last_used_from

    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(text)
        assert used() == (NOON, HOME)
        clock.shift(3_000)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            sign_in(text, address=HOTEL)
        assert not [one for one in queries if "UPDATE directory_apppassword" in one["sql"]]
        assert used() == (NOON, HOME)
        clock.shift(700)
        sign_in(text, address=HOTEL)
        assert used() == (NOON + timedelta(seconds=3_700), HOTEL)


def test_it_signs_in_though_its_use_cannot_be_noted(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = services.create(user=alice, name="Phone")

    def full(*_: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(authentication, "note_use", full)
    assert sign_in(text).user_id == alice.pk


def test_it_is_told_apart_by_name(alice: User, bob: User) -> None:
    services.create(user=alice, name=" Phone ")
    services.create(user=bob, name="Phone")
    with pytest.raises(InvalidName):
        services.create(user=alice, name="Phone")
    assert services.revoke_all(user=alice) == 1
    assert [known.name for known in apppasswords.of_user(bob.pk)] == ["Phone"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"protocols": ["telnet"]},
        {"networks": ["192.0.2.1/24"]},
        {"networks": ["everywhere"]},
        {"expires_at": datetime(2001, 1, 1, tzinfo=UTC)},
    ],
)
def test_it_refuses_what_cannot_be(alice: User, wrong: dict[str, object]) -> None:
    arguments: dict[str, object] = {"name": "Phone", **wrong}
    with pytest.raises(InvalidName):
        services.create(user=alice, **arguments)  # type: ignore[arg-type]


def test_it_refuses_too_many(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST", 2)
    services.create(user=alice, name="1")
    services.create(user=alice, name="2")
    with pytest.raises(LimitReached):
        services.create(user=alice, name="3")


def test_it_stores_networks_as_json(alice: User) -> None:
    row, _ = services.create(user=alice, name="Office", networks=["192.0.2.7", "2001:db8::/32"])
    assert json.loads(row.networks) == ["192.0.2.7/32", "2001:db8::/32"]


def test_it_finds_the_same_rows_as_the_orm(alice: User, bob: User) -> None:
    """Constant statements, each beside its twin: all columns empty, and all filled."""
    _, bare = services.create(user=alice, name="Phone")
    with time_machine.travel(NOON, tick=False):
        _, bound = services.create(
            user=alice,
            name="Büro ☎",
            protocols=["imap", "smtp"],
            networks=["192.0.2.0/24", "2001:db8::/64"],
            expires_at=NOON + timedelta(days=1, microseconds=5),
        )
        sign_in(bound)
    services.create(user=bob, name="Phone")

    for text in (bare, bound):
        digest = apppasswords.digest(text.replace("-", ""))
        assert apppasswords.find(text) == twin(AppPassword.objects.get(digest=digest))
    rows = AppPassword.objects.filter(user=alice).order_by("pk")
    assert apppasswords.of_user(alice.pk) == [twin(row) for row in rows]
    found = apppasswords.find(bound)
    assert found is not None
    assert (found.last_used_at, found.last_used_from) == (NOON, HOME)


def twin(row: AppPassword) -> Known:
    return Known(
        id=row.pk,
        user_id=row.user_id,
        name=row.name,
        protocols=frozenset(row.protocols.split()),
        networks=tuple(json.loads(row.networks)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        last_used_from=row.last_used_from,
        scram_keys=(bytes(row.scram_stored_key), bytes(row.scram_server_key)),
    )


@pytest.mark.parametrize("username", ["alice@example.test", "nobody@example.test", "nobody"])
def test_it_is_asked_for_whoever_there_is_and_only_if_the_password_can_be_one(
    alice: User, username: str
) -> None:
    def asked(password: str) -> int:
        with CaptureQueriesContext(connection) as seen, pytest.raises(AuthenticationFailed):
            authentication.authenticate(
                username=username, password=password, address=HOME, door="imap"
            )
        return sum("directory_apppassword" in one["sql"] for one in seen.captured_queries)

    assert asked(passwords.generate()) == 1
    assert asked("wrong horse battery") == 0
