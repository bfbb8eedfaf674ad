"""The submission door: SCRAM, app passwords, tokens, grants, limits, later mail, what is hidden."""

import json
from binascii import a2b_base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from apps.blobs import services as blobs
from apps.directory.models import AppPassword, Demand, SendCount, User
from apps.directory.services import apppasswords, signinrules, tokens, users
from apps.directory.services.delegations import grant
from apps.directory.services.limits import set_limits
from apps.directory.services.signinrules import SignInRules
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.trace.models import Sent, TraceEvent
from tests.smtp.queue import only, queued
from tests.support.channel import bound, oauthbearer, xoauth2
from tests.support.scram_client import ScramClient
from tests.support.services import free_port
from tests.support.smtp_dialogue import PASSWORD, Answer, Client, Running, base64, plain, running

LETTER = (
    b"From: alice@example.test\r\nDate: Thu, 31 Jan 2030 12:00:00 +0000\r\n"
    b"Message-ID: <1@me.test>\r\nTo: x\r\n\r\nHi.\r\n"
)
NINE_DAYS = 9 * 86_400


@pytest.fixture
def door(submission: Running, alice: User) -> Running:
    """Both doors, and Alice to use them."""
    return submission


@pytest.fixture
def secure(door: Running) -> Iterator[Client]:
    """A client under TLS that has not signed in."""
    with door.ready("submissions") as client:
        yield client


@pytest.fixture
def alices(door: Running) -> Iterator[Client]:
    """Alice, signed in."""
    with door.signed_in() as client:
        yield client


def send(client: Client, *recipients: str, mail: str = "", letter: bytes = LETTER) -> Answer:
    """Send a message as far as it is let; return the last answer."""
    lines = [mail or "MAIL FROM:<alice@example.test>", *(f"RCPT TO:<{to}>" for to in recipients)]
    for line in (*lines, "DATA"):
        answer = client.ask(line)
        if answer.code >= 400:
            client.ask("RSET")
            return answer
    return client.text(letter)


def scram(client: Client, username: str, password: str) -> Answer:
    """Sign in by SCRAM, checking what the server proves."""
    side = ScramClient(username, password, "rOprNGfwEbeRWgbNEkqO")
    return prove(client, side, "SCRAM-SHA-256")


def prove(client: Client, side: ScramClient, mechanism: str) -> Answer:
    answer = client.ask(f"AUTH {mechanism} {base64(side.first().decode())}")
    if answer.code != 334:
        return answer
    answer = client.ask(base64(side.final(decoded(answer)).decode()))
    if answer.code != 334:
        return answer
    assert side.is_convinced(decoded(answer))
    return client.ask("")


def decoded(answer: Answer) -> bytes:
    return a2b_base64(answer.lines[0])


def test_it_signs_in_by_scram(secure: Client, alice: User) -> None:
    assert scram(secure, "alice@example.test", PASSWORD).starts("235 2.7.0")
    assert send(secure, "friend@outside.invalid").code == 250
    assert only().row.user_id == alice.pk


@pytest.mark.parametrize("username", ["alice@example.test", "nobody@example.test", "nonsense"])
def test_it_refuses_a_wrong_scram_proof_the_same_for_all(secure: Client, username: str) -> None:
    assert scram(secure, username, "wrong").starts("535 5.7.8")


def test_it_takes_app_passwords_alone_once_there_is_a_second_factor(
    door: Running, alice: User
) -> None:
    _, text = apppasswords.create(user=alice, name="Scanner", protocols=["smtp"])
    _, other = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    _, token = tokens.issue(user=alice, name="Backup", scopes=["smtp"])
    users.set_has_factor(user_id=alice.pk, value=True)
    answers = set()
    for password in (PASSWORD, "wrong", other):
        with door.ready("submissions") as client:
            answers.add(str(client.ask(f"AUTH PLAIN {plain('alice@example.test', password)}")))
            answers.add(str(scram(client, "alice@example.test", password)))
    assert len(answers) == 1
    assert answers.pop().startswith("535 5.7.8")
    with door.ready("submissions") as client:
        assert scram(client, "alice@example.test", text).code == 235
    with door.ready("submissions") as client:
        assert client.ask(f"AUTH XOAUTH2 {xoauth2('alice@example.test', token)}").code == 235


def test_it_sends_nothing_more_by_a_main_password_once_a_demand_is_due(
    door: Running, alice: User
) -> None:
    with door.signed_in() as client:
        assert client.ask("MAIL FROM:<alice@example.test>").code == 250
        rules = SignInRules(factor_demand=Demand.EVERYBODY)
        signinrules.change(name="example.test", rules=rules)
        answers = [client.ask("RSET"), client.ask("MAIL FROM:<alice@example.test>")]
        assert answers[-1].code != 250, answers


def test_it_ends_guessing_by_scram(secure: Client) -> None:
    codes = [scram(secure, "alice@example.test", "wrong").code for _ in range(5)]
    assert codes == [535, 535, 535, 535, 421]
    assert secure.is_closed()


def test_it_lets_a_client_break_scram_off(secure: Client) -> None:
    first = base64("n,,n=alice@example.test,r=abc")
    secure.run(
        f"""
        C: AUTH SCRAM-SHA-256 {first}
        S: 334
        C: *
        S: 501 5.7.0
        C: AUTH SCRAM-SHA-256
        S: 334
        C: {first}
        S: 334
        C: {base64("c=biws,r=abc,p=AAAA")}
        S: 501 5.5.2
        C: AUTH SCRAM-SHA-256 {base64("p=tls-unique,,n=a,r=b")}
        S: 501 5.5.2
        C: AUTH SCRAM-SHA-256-PLUS {first}
        S: 504 5.5.4
        C: AUTH PLAIN {plain("alice@example.test")}
        S: 235 2.7.0
        C: AUTH SCRAM-SHA-256 {first}
        S: 503 5.5.1
        """
    )


def test_it_needs_the_last_line_of_scram(secure: Client) -> None:
    side = ScramClient("alice@example.test", PASSWORD, "abc")
    answer = secure.ask(f"AUTH SCRAM-SHA-256 {base64(side.first().decode())}")
    secure.ask(base64(side.final(decoded(answer)).decode()))
    assert secure.ask("*").starts("501 5.7.0")  # it did not believe us
    assert secure.ask("MAIL FROM:<alice@example.test>").starts("530 5.7.0")


def test_it_takes_no_scram_in_the_clear(door: Running) -> None:
    with door.ready("submission") as client:
        answer = client.ask(f"AUTH SCRAM-SHA-256 {base64('n,,n=alice@example.test,r=abc')}")
        assert answer.starts("538 5.7.11")


def test_it_tells_a_suspended_user_after_the_right_proof(secure: Client) -> None:
    provisioning.suspend_user("alice@example.test")
    assert scram(secure, "alice@example.test", "wrong").starts("535 5.7.8")
    assert scram(secure, "alice@example.test", PASSWORD).starts("535 5.7.13")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_it_signs_in_with_an_app_password_until_it_is_removed(
    secure: Client, alice: User, mechanism: str
) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["smtp"])
    if mechanism == "PLAIN":
        assert secure.ask(f"AUTH PLAIN {plain('alice@example.test', text)}").code == 235
    else:
        assert scram(secure, "alice@example.test", text).code == 235
    assert send(secure, "friend@outside.invalid").code == 250
    assert AppPassword.objects.get().last_used_from == "127.0.0.1"
    apppasswords.revoke(user=alice, name="Phone")
    assert secure.ask("MAIL FROM:<alice@example.test>").starts("421 4.7.0")
    assert secure.is_closed()


def test_it_refuses_an_app_password_for_something_else(secure: Client, alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Reader", protocols=["imap", "pop3"])
    assert secure.ask(f"AUTH PLAIN {plain('alice@example.test', text)}").starts("535 5.7.8")
    assert scram(secure, "alice@example.test", text).starts("535 5.7.8")


def test_it_does_not_bind_unless_told_to(secure: Client) -> None:
    """A client that could and sees no -PLUS is right, and served."""
    side = bound(secure.sock, "alice@example.test", PASSWORD)
    assert prove(secure, side, "SCRAM-SHA-256-PLUS").starts("504 5.5.4")
    side = ScramClient("alice@example.test", PASSWORD, "n", header="y,,")
    assert prove(secure, side, "SCRAM-SHA-256").starts("235 2.7.0")


def test_it_binds_to_its_tls(secure: Client, settings: Settings) -> None:
    settings.CHANNEL_BINDING = ("smtp",)
    assert "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 " in " ".join(secure.ask("EHLO x").lines)
    for header, mechanism in (("p=tls-server-end-point,,", "SCRAM-SHA-256-PLUS"), ("y,,", "")):
        side = ScramClient("alice@example.test", PASSWORD, "n", header=header, bound=b"x")
        assert prove(secure, side, mechanism or "SCRAM-SHA-256").starts("535 5.7.8")
    side = bound(secure.sock, "alice@example.test", PASSWORD)
    assert prove(secure, side, "SCRAM-SHA-256-PLUS").starts("235 2.7.0")


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_it_signs_in_with_a_token_until_it_is_revoked(
    secure: Client, alice: User, mechanism: str
) -> None:
    _, token = tokens.issue(user=alice, name="Sender", scopes=["smtp"])
    build = {"OAUTHBEARER": oauthbearer, "XOAUTH2": xoauth2}[mechanism]
    assert secure.ask(f"AUTH {mechanism} {build('alice@example.test', token)}").code == 235
    assert send(secure, "friend@outside.invalid").code == 250
    tokens.revoke(user=alice, name="Sender")
    assert secure.ask("MAIL FROM:<alice@example.test>").starts("421 4.7.0")
    assert secure.is_closed()


@pytest.mark.parametrize("end", ["AQ==", "*", ""])
def test_it_speaks_the_failed_exchange_of_rfc_7628(secure: Client, end: str) -> None:
    """Section 4.4, whose message has no right gs2-header."""
    answer = secure.ask(
        "AUTH OAUTHBEARER bix1c2VyPXNvbWV1c2VyQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJlciB2RjlkZnQ0cW1UYzJO"
        "dmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ=="
    )
    assert (answer.code, decoded(answer)) == (334, b'{"status":"invalid_request"}')
    assert secure.ask(end).starts("535 5.7.8")
    assert secure.ask(f"AUTH PLAIN {plain('alice@example.test')}").code == 235


def test_it_says_later_while_tokens_cannot_be_checked(secure: Client, settings: Settings) -> None:
    settings.OAUTH_INTROSPECTION_URL = f"https://localhost:{free_port()}/introspect"
    assert secure.ask(f"AUTH XOAUTH2 {xoauth2('alice@example.test', 'x')}").starts("454 4.7.0")


def test_it_sends_in_the_name_of_who_lets_it(door: Running, alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=True)
    with door.signed_in("bob@example.test") as client:
        assert send(client, "friend@outside.invalid").code == 250
    message = only()
    assert (message.row.sender, message.row.user_id) == ("alice@example.test", bob.pk)
    assert message.prefix.endswith(b"\r\nSender: bob@example.test\r\n")


def test_it_adds_the_sender_by_the_domains_policy(alices: Client) -> None:
    mail = "MAIL FROM:<alice@gmail.invalid>"
    letter = LETTER.replace(b"alice@example.test", b"alice@gmail.invalid")
    assert send(alices, "x@outside.invalid", mail=mail, letter=letter).starts("553 5.7.1")
    assert send(alices, "x@outside.invalid", letter=letter).starts("553 5.7.1")
    provisioning.change_domain("example.test", adds_sender=True)
    assert send(alices, "x@outside.invalid", mail=mail, letter=letter).code == 250
    message = only()
    assert message.row.sender == "alice@example.test"
    assert message.prefix.endswith(b"\r\nSender: alice@example.test\r\n")


def test_it_remembers_what_was_sent(alices: Client, alice: User) -> None:
    assert send(alices, "x@outside.invalid").code == 250
    sent = Sent.objects.get()
    assert (sent.user_id, sent.message_id) == (alice.pk, "<1@me.test>")
    assert sent.trace_id == only().row.trace_id


# limits


def test_it_refuses_at_mail_what_is_over_the_limit(alices: Client, alice: User) -> None:
    set_limits(user=alice, changes={"messages_per_day": 2})
    for _ in range(2):
        assert send(alices, "x@outside.invalid").code == 250
    answer = alices.ask("MAIL FROM:<alice@example.test>")
    assert answer.starts("452 4.7.1 You may send 2 messages per day; try again after ")
    assert [message.row.door for message in queued()].count("submission") == 2


def test_it_refuses_at_rcpt_what_is_over_the_limit(alices: Client, alice: User) -> None:
    set_limits(user=alice, changes={"recipients_per_day": 3})
    assert send(alices, "a@outside.invalid", "b@outside.invalid").code == 250
    answer = send(alices, "c@outside.invalid", "d@outside.invalid")
    assert answer.starts("452 4.7.1 You may send mail to 3 recipients per day; try again after ")
    assert send(alices, "c@outside.invalid").code == 250


def test_it_refuses_too_many_recipients_of_one_message(alices: Client, alice: User) -> None:
    set_limits(user=alice, changes={"recipients_per_message": 2})
    script = ["MAIL FROM:<alice@example.test>"]
    script += [f"RCPT TO:<{name}@outside.invalid>" for name in "abcd"]
    alices.send("".join(f"{line}\r\n" for line in script).encode())
    answers = [alices.reply() for _ in script]
    assert [answer.code for answer in answers] == [250, 250, 250, 452, 452]
    assert answers[3].starts("452 4.5.3 A message of yours may have up to 2 recipients")
    assert alices.ask("DATA").code == 354
    assert alices.text(LETTER).code == 250
    assert len(only().recipients) == 2


def test_it_does_not_count_recipients_that_were_refused(alices: Client, alice: User) -> None:
    set_limits(user=alice, changes={"recipients_per_message": 1})
    assert alices.ask("MAIL FROM:<alice@example.test>").code == 250
    for _ in range(3):
        assert alices.ask("RCPT TO:<nobody@example.test>").code == 550
    assert alices.ask("RCPT TO:<x@outside.invalid>").code == 250


def test_it_takes_more_recipients_from_users_than_from_strangers(
    alices: Client, alice: User
) -> None:
    set_limits(user=alice, changes={"recipients_per_message": 300})
    assert send(alices, *(f"n{n}@outside.invalid" for n in range(250))).code == 250
    assert len(only().recipients) == 250


def test_it_counts_where_it_accepts(door: Running, alice: User, bob: User) -> None:
    """Two that were both let in at MAIL: the second is over the limit at the end."""
    set_limits(domain=alice.domain, changes={"messages_per_day": 1})
    with door.signed_in() as one, door.signed_in() as other:
        for client in (one, other):
            assert client.ask("MAIL FROM:<alice@example.test>").code == 250
            assert client.ask("RCPT TO:<x@outside.invalid>").code == 250
            assert client.ask("DATA").code == 354
        assert one.text(LETTER).code == 250
        assert other.text(LETTER).starts("452 4.7.1 All users of example.test together may send")
    sent = [message for message in queued() if message.row.door == "submission"]
    assert len(sent) == 1
    assert SendCount.objects.get(scope__startswith="domain").messages == 1


def test_it_tells_administrators_once(door: Running, alice: User, bob: User) -> None:
    provisioning.make_domain_admin(bob)
    set_limits(user=alice, changes={"messages_per_day": 1})
    with door.signed_in() as one, door.signed_in() as other, door.signed_in() as third:
        clients = (one, other, third)
        for client in clients:
            assert client.ask("MAIL FROM:<alice@example.test>").code == 250
            assert client.ask("RCPT TO:<x@outside.invalid>").code == 250
            assert client.ask("DATA").code == 354
        assert [client.text(LETTER).code for client in clients] == [250, 452, 452]
    event = TraceEvent.objects.get(kind="submission.limited")
    told = json.loads(event.data)
    assert told["account"] == "alice@example.test"
    assert told["scope"] == f"user/{alice.pk}"
    assert "1 message per day" in told["why"]
    alert = QueuedMessage.objects.get(door="report")
    assert (alert.sender, alert.user_id) == ("", None)
    assert list(alert.recipients.values_list("user_id", flat=True)) == [bob.pk]
    raw = blobs.read(alert.blob_id)
    assert b"Subject: alice@example.test has reached a sending limit\r\n" in raw
    assert b"Auto-Submitted: auto-generated\r\n" in raw
    assert b"You may send 1 message per day" in raw


def test_it_tells_administrators_of_who_is_refused_early(alices: Client, alice: User) -> None:
    set_limits(user=alice, changes={"messages_per_day": 1})
    assert send(alices, "x@outside.invalid").code == 250
    for _ in range(3):
        assert alices.ask("MAIL FROM:<alice@example.test>").code == 452
    set_limits(user=alice, changes={"messages_per_day": 0, "recipients_per_day": 2})
    assert send(alices, "x@outside.invalid", "y@outside.invalid").code == 452
    event = TraceEvent.objects.get(kind="submission.limited")
    told = json.loads(event.data)
    assert (told["account"], told["address"]) == ("alice@example.test", "127.0.0.1")
    assert QueuedMessage.objects.filter(door="report").count() == 1


def test_it_says_that_it_added_an_address_that_is_not_ascii(submission: Running) -> None:
    provisioning.add_domain("bücher.example")
    provisioning.add_user("jörg@bücher.example", PASSWORD)
    provisioning.change_domain("bücher.example", adds_sender=True)
    with submission.ready("submissions") as client:
        assert client.ask(f"AUTH PLAIN {plain('jörg@bücher.example')}").code == 235
        letter = LETTER.replace(b"alice@example.test", b"joerg@gmail.invalid")
        mail = "MAIL FROM:<joerg@gmail.invalid>"
        assert send(client, "x@outside.invalid", mail=mail, letter=letter).code == 250
    message = only()
    assert message.row.sender == "jörg@xn--bcher-kva.example"
    assert "Sender: jörg@xn--bcher-kva.example".encode() in message.prefix
    assert message.row.smtputf8


def test_it_stops_a_stolen_account(
    door: Running, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand recipients from one account in a minute, with the limits as they come."""
    middle = now() // 3_600 * 3_600 + 1_800  # counts are of the hours of the clock
    for module in ("apps.directory.limits", "apps.directory.services.limits"):
        monkeypatch.setattr(f"{module}.now", lambda: middle)
    accepted = refused = 0
    with door.signed_in() as client:
        for batch in range(10):
            answer = send(client, *(f"v{batch}x{n}@outside.invalid" for n in range(100)))
            accepted += 100 if answer.code == 250 else 0
            refused += answer.code == 452
    assert accepted == 500
    assert refused == 5


# mail for later


def hello(client: Client) -> tuple[str, ...]:
    return client.ask("EHLO me.test").lines


def test_it_offers_to_hold_mail(alices: Client) -> None:
    (line,) = (line for line in hello(alices) if line.startswith("FUTURERELEASE"))
    _, interval, latest = line.split()
    ahead = datetime.fromisoformat(latest) - datetime.now(UTC)
    assert interval == "2592000"
    assert timedelta(days=29, hours=23) < ahead <= timedelta(days=30)


def test_it_holds_mail_for_a_while(alices: Client) -> None:
    mail = f"MAIL FROM:<alice@example.test> HOLDFOR={NINE_DAYS}"
    assert send(alices, "x@outside.invalid", mail=mail).code == 250
    row = only().row
    assert row.hold_until == row.received_at + NINE_DAYS * 1_000_000
    event = TraceEvent.objects.get(kind="submission.received")
    assert json.loads(event.data)["until"] == row.hold_until


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.5z+00:00"])
def test_it_holds_mail_until_a_time(alices: Client, form: str) -> None:
    wanted = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    mail = f"MAIL FROM:<alice@example.test> HOLDUNTIL={wanted.strftime(form).replace('z', '')}"
    assert send(alices, "x@outside.invalid", mail=mail).code == 250
    assert only().row.hold_until == int(wanted.timestamp()) * 1_000_000


def test_it_does_not_hold_mail_whose_time_has_come(alices: Client) -> None:
    mail = "MAIL FROM:<alice@example.test> HOLDUNTIL=2001-01-01T00:00:00Z"
    assert send(alices, "x@outside.invalid", mail=mail).code == 250
    assert only().row.hold_until < only().row.received_at


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("HOLDFOR=2592001", "501 5.5.4"),
        ("HOLDFOR=9999999999", "501 5.5.4"),
        ("HOLDFOR=-1", "501 5.5.4"),
        ("HOLDFOR=", "501 5.5.4"),
        ("HOLDFOR", "501 5.5.4"),
        ("HOLDUNTIL=2199-01-01T00:00:00Z", "501 5.5.4"),
        ("HOLDUNTIL=2030-13-01T00:00:00Z", "501 5.5.4"),
        ("HOLDUNTIL=2030-01-01", "501 5.5.4"),
        ("HOLDUNTIL=0000-00-00T00:00:00Z", "501 5.5.4"),
        ("HOLDUNTIL=9999-12-31T23:59:59-23:59", "501 5.5.4"),
        ("HOLDFOR=60 HOLDUNTIL=2027-01-01T00:00:00Z", "501 5.5.4"),
        ("HOLDFOR=60 HOLDFOR=60", "501 5.5.4"),
        ("HOLDFOR=60 REQUIRETLS=1", "501 5.5.4"),
    ],
)
def test_it_refuses_what_it_cannot_hold(alices: Client, parameters: str, code: str) -> None:
    assert alices.ask(f"MAIL FROM:<alice@example.test> {parameters}").starts(code)


def test_it_holds_no_mail_of_strangers(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        assert not [line for line in hello(client) if line.startswith("FUTURERELEASE")]
        assert client.ask("MAIL FROM:<a@x.test> HOLDFOR=60").starts("555 5.5.4")


# REQUIRETLS and LIMITS


def test_it_takes_requiretls_under_tls_alone(smtp: Running, alice: User) -> None:
    with smtp.ready() as client:
        assert "REQUIRETLS" not in hello(client)
        assert client.ask("MAIL FROM:<a@x.test> REQUIRETLS").starts("555 5.5.4")
        client.starttls()
        assert "REQUIRETLS" in hello(client)
        mail = "MAIL FROM:<a@x.test> REQUIRETLS"
        assert send(client, "alice@example.test", mail=mail).code == 250
    assert only().row.requires_tls


def test_it_takes_requiretls_from_users(alices: Client) -> None:
    mail = "MAIL FROM:<alice@example.test> REQUIRETLS SIZE=100"
    assert send(alices, "x@outside.invalid", mail=mail).code == 250
    assert send(alices, "x@outside.invalid").code == 250
    assert [message.row.requires_tls for message in queued()] == [True, False]


def test_it_says_how_many_recipients_it_takes(secure: Client, door: Running, alice: User) -> None:
    set_limits(user=alice, changes={"recipients_per_message": 7})
    assert not [line for line in hello(secure) if line.startswith("LIMITS")]
    with door.signed_in() as client:
        assert "LIMITS RCPTMAX=7" in hello(client)


@pytest.mark.parametrize("most", [0, 1_000])
def test_it_promises_no_more_recipients_than_it_takes(
    door: Running, alice: User, most: int
) -> None:
    set_limits(user=alice, changes={"recipients_per_message": most})
    with door.signed_in() as client:
        assert "LIMITS RCPTMAX=1000" in hello(client)


def test_it_takes_a_thousand_recipients(door: Running, alice: User) -> None:
    no_limits = {"recipients_per_hour": 0, "recipients_per_day": 0, "recipients_per_message": 1_000}
    set_limits(user=alice, changes=no_limits)
    with door.signed_in() as client:
        assert send(client, *(f"{n}@outside.invalid" for n in range(1_000))).code == 250
    assert len(only().recipients) == 1_000


# what is hidden


def test_it_tells_where_a_user_sits_when_told_to(
    transactional_db: None, alice: User, settings: Settings
) -> None:
    settings.HIDE_CLIENT_ADDRESS = False
    with running("submission") as door, door.signed_in() as client:
        assert send(client, "x@outside.invalid").code == 250
    message = only()
    assert message.prefix.startswith(b"Received: from me.test (unknown [127.0.0.1])")
    assert json.loads(message.row.client)["address"] == "127.0.0.1"


def test_it_hides_where_a_user_sits_but_from_the_trace(alices: Client) -> None:
    assert send(alices, "x@outside.invalid").code == 250
    message = only()
    assert b"127.0.0.1" not in message.prefix
    assert b"me.test" not in message.prefix
    assert json.loads(message.row.client)["address"] == "127.0.0.1"
