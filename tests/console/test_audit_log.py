"""The audit log in the console: what is asked for, what is told, and what never is."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.console.auditlog import Asked, sorts
from apps.directory import subjects
from apps.directory.models import Domain, User
from apps.directory.permissions import powers_of
from apps.directory.services import apppasswords, tokens
from apps.provisioning import factors
from apps.provisioning.administration import users as doors
from tests.console.conftest import browser

PAGE = "/admin/audit/"
WILD = "%s {{7*7}} <script>x</script> \x1b[2J\x1b]0;title\x07 \u202egnp.exe \r\nInjected: yes"


def told(user: User, **asked: str) -> str:
    answer = browser(user).get(PAGE, asked)
    assert answer.status_code == 200
    return answer.content.decode().partition("</form>\n")[2]


def made(days: int = 0, **values: object) -> AuditRecord:
    usual: dict[str, object] = {
        "at": timezone.now() - timedelta(days=days),
        "actor_kind": "user",
        "actor": "olga@example.test",
        "action": "user.suspend",
        "subject": "alice@example.test",
    }
    return AuditRecord.objects.create(**{**usual, **values})


def test_one_field_finds_people_objects_and_addresses(operator: User) -> None:
    made(actor="zoe@a.test", subject="one.test")
    made(subject="two.test", address="192.0.2.77")

    assert "one.test" in told(operator, text="zoe")
    assert "two.test" not in told(operator, text="zoe")
    assert "two.test" in told(operator, text="192.0.2.77")
    assert "one.test" not in told(operator, text="TWO")


def test_a_period_has_its_first_and_its_last_day(operator: User) -> None:
    for days in (10, 3, 0):
        made(days, subject=f"d{days}.test")
    day = [f"{timezone.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 3, 10)]

    page = told(operator, since=day[1], until=day[1])
    assert "d3.test" in page
    assert "d0.test" not in page
    assert "d10.test" not in page
    page = told(operator, since=day[1])
    assert "d0.test" in page
    assert "d10.test" not in page


@pytest.mark.parametrize("day", ["x", "2026-13-01", "0001-01-01", "9999-12-31", "9" * 999, "%s"])
def test_a_day_that_is_none_is_said_beside_it(operator: User, day: str) -> None:
    for name in ("since", "until"):
        answer = browser(operator).get(PAGE, {name: day})
        assert answer.status_code == 422
        assert f'id="{name}-error"' in answer.content.decode()


def test_a_period_that_ends_before_it_begins(operator: User) -> None:
    answer = browser(operator).get(PAGE, {"since": "2026-02-02", "until": "2026-02-01"})
    assert answer.status_code == 422
    assert "The last day is before the first one." in answer.content.decode()


def test_what_was_done_is_chosen(operator: User) -> None:
    made(action="user.suspend", subject="u.test")
    made(action="domain.add", subject="d.test")

    page = told(operator, action="domain.")
    assert "d.test" in page
    assert "u.test" not in page
    assert ("user.", "Users") in sorts("")
    assert sorts("user.suspend")[0] == ("user.suspend", "user.suspend")


def test_pages_keep_what_was_asked(operator: User) -> None:
    for number in range(60):
        made(subject=f"s{number}.test")
    made(subject="other")
    client = browser(operator)
    page = client.get(
        PAGE, {"text": "olga", "subject": ".test", "action": "user."}
    ).content.decode()
    following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    page = client.get(PAGE + following).content.decode()
    assert page.count('<li class="row--top">') == 10
    assert "First page" in page


def test_it_says_how_long_entries_are_kept(operator: User, settings: LazySettings) -> None:
    settings.AUDIT_DAYS = 90
    assert "for 90 days" in browser(operator).get(PAGE).content.decode()
    settings.AUDIT_DAYS = 0
    assert "for ever" in browser(operator).get(PAGE).content.decode()


def test_the_export_has_the_same(admin: User, alice: User, eve: User) -> None:
    record("user.suspend", **subjects.of_user(alice), detail={"why": "=1+1"})
    record("user.suspend", **subjects.of_user(eve))
    client = browser(admin)
    page = client.get(PAGE, {"text": "alice", "action": "user."}).content.decode()
    link = page.partition('<a class="btn" href="')[2].partition('"')[0].replace("&amp;", "&")
    answer = client.get(link)
    text = b"".join(answer).decode()
    assert answer.status_code == 200
    assert "alice@example.test" in text
    assert "other.test" not in text
    assert "\n=" not in text


def test_it_costs_the_same_however_much_there_is(operator: User) -> None:
    client = browser(operator)
    made()
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE, {"text": "a"})
    for _ in range(60):
        made()
    with CaptureQueriesContext(connection) as many:
        client.get(PAGE, {"text": "a"})
    assert len(few) == len(many)


def test_nobody_edits_it(operator: User) -> None:
    made()
    client = browser(operator)
    for ask in (client.post, client.put, client.patch, client.delete):
        assert ask(PAGE).status_code == 405


def test_words_of_strangers_are_literal(operator: User) -> None:
    record("user.suspend", subject=WILD, detail={"name": WILD, "more": [WILD]})
    page = told(operator)

    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "{{7*7}}" in page
    for char in ("\x1b", "\x07", "\u202e", "\r"):
        assert char not in page
    assert "\nInjected" not in page


@pytest.mark.parametrize(
    "text", [WILD, "\0", "%", "_", "'; DROP TABLE x --", "x" * 9_000, "\ud800"]
)
def test_any_question_is_answered(operator: User, text: str) -> None:
    value = quote(text.encode("utf-8", "surrogatepass"))
    for name in ("text", "actor", "action", "subject"):
        answer = browser(operator).get(f"{PAGE}?{name}={value}")
        assert answer.status_code == 200
        assert b"<script>x" not in answer.content


def test_no_secret_is_in_it(operator: User, admin: User, alice: User, domain: Domain) -> None:
    powers = powers_of(admin)
    secrets = ["correct horse battery", doors.reset_password(powers=powers, user_id=alice.pk)]
    secrets.append(doors.make_reset_link(powers=powers, user_id=alice.pk).rpartition("/")[2])
    made_user, temporary = doors.create(powers=powers, address="new@example.test")
    assert temporary is not None
    secrets.append(temporary)
    secrets.append(apppasswords.create(user=made_user, name="telephone")[1])
    secrets.append(tokens.issue(user=made_user, name="robot")[1])
    wanted = {"scope": "all", "host": "far.test", "tls": "verify", "username": "u"}
    client = browser(operator)
    client.post("/admin/policies/transports/", {**wanted, "password": "smarthost-password-1"})
    secrets.append("smarthost-password-1")
    factors.reset(user=alice)

    rows = repr(list(AuditRecord.objects.values_list()))
    page = client.get(PAGE).content.decode()
    assert AuditRecord.objects.count() >= 6
    for secret in filter(None, secrets):
        assert str(secret) not in rows
        assert str(secret) not in page


def test_a_query_is_read_back(operator: User) -> None:
    asked = Asked.of({"text": "a&b=c", "since": "2026-01-01", "before": "x"})
    assert asked.query(before="7") == "text=a%26b%3Dc&since=2026-01-01&before=7"
    assert Asked().link() == "?"
