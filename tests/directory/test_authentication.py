"""The one sign-in: who gets in, what is remembered, what the log says."""

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from apps.directory import authentication
from apps.directory.authentication import Account, Principal
from apps.directory.models import Kind, Organization, State, User
from apps.directory.remembered import RememberedPasswords
from apps.provisioning import services as provisioning
from apps.wire.errors import AccountSuspended, AuthenticationFailed, Throttled
from mailhost.logs import logging_config
from tests.support.cost import cost

PASSWORD = "correct horse battery"
HOME, HOTEL = "192.0.2.1", "198.51.100.7"


def sign_in(
    username: str, password: str = PASSWORD, address: str = HOME, *, secure: bool = True
) -> Principal:
    return authentication.authenticate(
        username=username, password=password, address=address, door="imap", secure=secure
    )


def test_it_signs_in(alice: User) -> None:
    assert sign_in("alice@example.test") == Principal(
        alice.pk, "alice@example.test", "Alice Archer", 1
    )


@pytest.mark.parametrize(
    "username",
    ["ALICE@Example.TEST", " alice@example.test ", "alice@example.test.", '"alice"@example.test'],
)
def test_it_knows_the_address_in_any_spelling(alice: User, username: str) -> None:
    assert sign_in(username).user_id == alice.pk


@pytest.mark.parametrize("username", ["jörg@bücher.example", "JÖRG@xn--bcher-kva.example"])
def test_it_knows_international_addresses(db: None, username: str) -> None:
    provisioning.add_domain("Bücher.example")
    user, _ = provisioning.add_user("Jörg@bücher.example", PASSWORD)

    assert sign_in(username).user_id == user.pk


@pytest.mark.parametrize(
    "username",
    [
        "",
        "alice",
        "alice+tag@example.test",
        "sales@example.test",
        "nobody@alias.test",
        "sales@alias.test",
        "nobody@example.test",
        "alice@nowhere.test",
        "alice@example.test\0",
        "alice@example.test\r\nX",
        "\ud800@example.test",
        "x" * 100_000,
    ],
)
def test_it_refuses_every_other_name_in_the_same_way(alice: User, username: str) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    provisioning.add_domain("alias.test", alias_of="example.test")

    with pytest.raises(AuthenticationFailed) as refused:
        sign_in(username)
    with pytest.raises(AuthenticationFailed) as wrong:
        sign_in("alice@example.test", "wrong")

    assert refused.value.reply == wrong.value.reply
    assert refused.value.detail == wrong.value.detail


@pytest.mark.parametrize(
    "password", ["", "wrong", "correct horse batterY", PASSWORD + "\0", "x" * 100_000, "\ud800"]
)
def test_it_refuses_every_other_password(alice: User, password: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test", password)


def test_it_keeps_people_out_of_shared_mailboxes(alice: User) -> None:
    shared, _ = provisioning.add_user("team@example.test", kind=Kind.SHARED)
    # Even if a hash got there in another way.
    User.objects.filter(pk=shared.pk).update(password=alice.password)

    with pytest.raises(AuthenticationFailed):
        sign_in("team@example.test")


def suspend_user(user: User) -> None:
    provisioning.suspend_user(user.address)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("example.test")


def suspend_organization(user: User) -> None:
    Organization.objects.update(state=State.SUSPENDED)


@pytest.mark.parametrize("suspend", [suspend_user, suspend_domain, suspend_organization])
def test_it_tells_only_the_owner_that_an_account_is_suspended(
    alice: User, suspend: Callable[[User], None]
) -> None:
    sign_in("alice@example.test")  # so that the password is remembered
    suspend(alice)

    with pytest.raises(AccountSuspended):
        sign_in("alice@example.test")
    with pytest.raises(AccountSuspended):
        sign_in("alice@example.test")
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test", "wrong")


def test_it_lets_nobody_in_as_a_removed_user(alice: User) -> None:
    sign_in("alice@example.test")
    provisioning.remove_user("alice@example.test")
    alice.refresh_from_db()

    for username in ("alice@example.test", alice.key):
        with pytest.raises(AuthenticationFailed):
            sign_in(username)


def test_it_forgets_the_old_password_at_once(alice: User) -> None:
    sign_in("alice@example.test")
    provisioning.set_password(alice, "another horse")

    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test")
    assert sign_in("alice@example.test", "another horse").credential_version == 2


@pytest.mark.real_passwords
def test_it_asks_for_one_row_and_hashes_once_for_many_sign_ins(alice: User) -> None:
    sign_in("alice@example.test")
    with CaptureQueriesContext(connection) as queries:
        spent = cost(lambda: [sign_in("alice@example.test") for _ in range(20)], tries=3)

    assert len(queries) == 3 * 20
    assert spent < 0.1  # 20 hashes take 0.4 s


def test_it_takes_a_password_that_was_wrong_before(alice: User) -> None:
    for address in ("192.0.2.2", "192.0.2.3"):
        with pytest.raises(AuthenticationFailed):
            sign_in("alice@example.test", "another horse", address)
    provisioning.set_password(alice, "another horse")

    assert sign_in("alice@example.test", "another horse").user_id == alice.pk


@pytest.mark.real_passwords
def test_it_works_as_long_for_an_unknown_user_as_for_a_wrong_password(alice: User) -> None:
    def cost(username: str, number: int) -> float:
        before = time.thread_time()
        with pytest.raises(AuthenticationFailed):
            sign_in(username, f"wrong {number}", f"203.0.113.{number}")
        return time.thread_time() - before

    cost("nobody@example.test", 0)
    known = statistics.median(cost("alice@example.test", n) for n in range(1, 8))
    unknown = statistics.median(cost(f"user{n}@example.test", n) for n in range(11, 18))

    assert 0.5 < unknown / known < 2


def test_it_asks_the_database_equally_often_for_an_unknown_user(alice: User) -> None:
    for username in ("alice@example.test", "nobody@example.test", "no address"):
        with CaptureQueriesContext(connection) as queries, pytest.raises(AuthenticationFailed):
            sign_in(username, "wrong")
        # The note in the history is written behind the answer; only here it is at once.
        before = [one["sql"] for one in queries if "directory_signin" not in one["sql"]]
        assert len([sql for sql in before if sql.lstrip().startswith("SELECT")]) == 1


@pytest.mark.parametrize(
    ("allowed", "address", "works"),
    [
        ("never", "127.0.0.1", False),
        ("loopback", "127.0.0.1", True),
        ("loopback", "::1", True),
        ("loopback", "192.0.2.1", False),
        ("loopback", "", False),
    ],
)
def test_it_looks_at_no_password_without_tls(
    alice: User, settings: Settings, allowed: str, address: str, works: bool
) -> None:
    settings.CLEARTEXT_AUTH = allowed
    if works:
        assert sign_in("alice@example.test", address=address, secure=False).user_id == alice.pk
        return
    with CaptureQueriesContext(connection) as queries, pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test", address=address, secure=False)
    assert len(queries) == 0


def test_it_finds_the_same_row_as_the_orm(alice: User, eve: User) -> None:
    outside, _ = provisioning.create_operator("root@outside.test", PASSWORD)
    for user in (alice, eve, outside):
        twin = User.objects.values_list(
            "key",
            "pk",
            "address",
            "name",
            "credential_version",
            "has_factor",
            "must_change_password",
            "password",
            "kind",
            "state",
            "domain__state",
            "domain__organization__state",
        ).get(key=user.key)
        expected = Account(twin[0], Principal(*twin[1:7]), *twin[7:])
        assert authentication.account_of(user.key) == expected


def test_it_bounds_what_it_remembers() -> None:
    memory = RememberedPasswords(limit=3)
    for number in range(5):
        memory.add(str(number), "x")

    assert [number for number in range(5) if memory.has(str(number), "x")] == [2, 3, 4]


def test_it_remembers_for_a_while_only() -> None:
    memory = RememberedPasswords(seconds=-1)
    memory.add("1", "x")

    assert not memory.has("1", "x")


def test_it_binds_what_it_remembers_to_the_account_as_it_is(alice: User) -> None:
    before = authentication.account_of(alice.key)
    provisioning.set_password(alice, "another horse")
    after = authentication.account_of(alice.key)
    assert before is not None
    assert after is not None
    memory = RememberedPasswords()
    memory.add(before.subject, "x")

    assert memory.has(before.subject, "x")
    assert not memory.has(before.subject, "y")
    assert not memory.has(after.subject, "x")


@pytest.mark.real_passwords
@pytest.mark.parametrize("username", ["alice@example.test", "nobody@example.test", "nobody"])
def test_it_counts_a_wrong_password_once_however_often_it_is_tried(
    alice: User, username: str
) -> None:
    def refused(password: str) -> float:
        before = time.thread_time()
        with pytest.raises(AuthenticationFailed):
            sign_in(username, password)
        return time.thread_time() - before

    first = refused("the old password")
    again = statistics.median(refused("the old password") for _ in range(50))

    assert again < first / 2
    for number in range(10):
        refused(f"guess {number}")
    with pytest.raises(Throttled):
        sign_in(username, "one more")


def sign_in_wrong(username: str, password: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in(username, password)


def test_it_lets_the_other_devices_of_a_home_in(alice: User) -> None:
    sign_in("alice@example.test")
    provisioning.set_password(alice, "another horse")
    for _ in range(100):
        sign_in_wrong("alice@example.test", PASSWORD)  # a telephone that was not told

    assert sign_in("alice@example.test", "another horse").user_id == alice.pk


HOSTILE = [
    'alice\r\n{"event": "forged"}@example.test',
    "\x1b[2Jalice@example.test",
    "alice\u202e@example.test",
    "hunter2 typed into the wrong field",
    "YWxpY2UAYWxpY2UAaHVudGVyMg==",
]


@pytest.mark.parametrize("form", ["json", "text"])
def test_it_logs_account_client_and_door_and_no_secret(
    alice: User, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    caplog.set_level(logging.DEBUG)
    sign_in("ALICE@example.test")
    for username in (*HOSTILE, "nobody@example.test", "jörg@example.test"):
        with pytest.raises(AuthenticationFailed):
            sign_in(username, "hunter2 secret", f"192.0.2.{len(username)}")

    formatter = _formatter(form)
    lines = [
        formatter.format(record)
        for record in caplog.records
        if record.name == "apps.directory.authentication"
    ]
    text = "\n".join(lines)

    assert len(lines) == 1 + len(HOSTILE) + 2
    assert "alice@example.test" in lines[0]
    assert HOME in lines[0]
    assert "imap" in lines[0]
    assert "nobody@example.test" in text
    assert not any(secret in text for secret in (PASSWORD, "hunter2", "YWxp", "forged", "argon2"))
    assert not any(control in text for control in ("\r", "\x1b", "\u202e"))
    assert text.count("\n") == len(lines) - 1


def _formatter(form: str) -> logging.Formatter:
    """The formatter of the running service."""
    config: dict[str, Any] = dict(logging_config("info", form)["formatters"]["line"])
    make = config.pop("()")
    formatter: logging.Formatter = make(**config)
    return formatter
