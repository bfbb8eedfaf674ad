"""What users sign in with, and where: seen and taken back by programs of administrators."""

from typing import Any

import pytest

from apps.accounts.models import WebSession
from apps.audit.models import AuditRecord
from apps.directory import passwords
from apps.directory.models import Domain, Means, Outcome, Role, User
from apps.directory.passwords import is_right
from apps.directory.services import apitokens, apppasswords, history, tokens
from tests.api.conftest import Program, faults, program
from tests.console.conftest import browser, holder

GOOD = "a gull over Rockall"


@pytest.fixture
def person(ann: Program) -> User:
    """Ann, who has signed in somewhere and has one of everything."""
    user = User.objects.get(key="ann@example.test")
    apppasswords.create(user=user, name="Telephone")
    tokens.issue(user=user, name="Robot")
    history.note(
        user_id=user.pk,
        outcome=Outcome.OK,
        door="imap",
        means=Means.APP_PASSWORD,
        via="Telephone",
        address="192.0.2.7",
        client="Mail",
    )
    browser(user)
    return user


def test_a_new_password_is_temporary_or_the_one_that_was_sent(admin: Program, person: User) -> None:
    path = f"users/{person.pk}/password"
    told = admin.post(path).json()["password"]
    person.refresh_from_db()
    assert is_right(told, person.password)
    assert person.must_change_password
    assert not WebSession.objects.filter(user=person).exists()

    sent = admin.post(path, {"password": GOOD, "must_change": False})
    person.refresh_from_db()
    assert sent.json() == {"password": None}
    assert is_right(GOOD, person.password)
    assert not person.must_change_password
    assert AuditRecord.objects.filter(action="user.password", door="api").count() == 2


def test_a_weak_password_or_one_for_nobody_is_refused_before_it_is_hashed(
    admin: Program, person: User, other_domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = holder("eve@other.test", Role.DOMAIN_ADMIN, other_domain)
    me = User.objects.get(key="admin@example.test")

    def seal(*_: Any) -> None:
        raise AssertionError("hashes cost time")

    monkeypatch.setattr(passwords, "seal", seal)
    answer = admin.post(f"users/{person.pk}/password", {"password": "x"})
    assert (answer.status_code, faults(answer)) == (422, [("/password", "invalid_name")])
    assert admin.post(f"users/{other.pk}/password").status_code == 404
    assert admin.post(f"users/{me.pk}/password").status_code == 403  # not to oneself


def test_a_password_that_was_made_is_told_again_to_who_asks_again(
    admin: Program, person: User
) -> None:
    path = f"users/{person.pk}/password"
    once, again = (admin.post(path, Idempotency_Key="1").json() for _ in range(2))
    assert once == again
    person.refresh_from_db()
    assert is_right(once["password"], person.password)


def test_a_link_in_place_of_a_password(admin: Program, person: User) -> None:
    told = admin.post(f"users/{person.pk}/password-link").json()
    assert told["seconds"] == 3600
    assert told["link"].startswith("http")


def test_what_there_is_is_seen_and_taken_back(admin: Program, person: User) -> None:
    path = f"users/{person.pk}"
    assert len(admin.get(f"{path}/sessions").json()["items"]) == 1
    assert admin.delete(f"{path}/sessions").status_code == 204
    assert admin.get(f"{path}/sessions").json()["items"] == []

    assert [one["client"] for one in admin.get(f"{path}/sign-ins").json()["items"]] == ["Mail"]
    assert admin.get(f"{path}/sign-ins?only=web").json()["items"] == []
    assert admin.get(f"{path}/sign-ins?cursor=x").status_code == 400
    assert admin.get(f"{path}/factors").json() == {
        "items": [],
        "recovery_codes": 0,
        "trusted_browsers": 0,
    }
    assert admin.delete(f"{path}/factors").status_code == 204

    (app,) = admin.get(f"{path}/app-passwords").json()["items"]
    assert app["name"] == "Telephone"
    assert admin.delete(f"{path}/app-passwords/{app['id']}").status_code == 204
    assert admin.delete(f"{path}/app-passwords/{app['id']}").status_code == 404

    found = {one["kind"]: one for one in admin.get(f"{path}/tokens").json()["items"]}
    assert (found["mail"]["name"], found["api"]["name"]) == ("Robot", "program 0")
    assert (found["mail"]["hint"], len(found["api"]["hint"])) == ("", 4)
    assert admin.delete(f"{path}/mail-tokens/{found['mail']['id']}").status_code == 204
    assert admin.delete(f"{path}/api-tokens/{found['api']['id']}").status_code == 204
    assert admin.get(f"{path}/tokens").json()["items"] == []


def test_who_may_not_sign_users_out_sees_nothing_of_it(person: User, domain: Domain) -> None:
    helpdesk = program(holder("help@example.test", Role.HELPDESK, domain))
    for what in ("factors", "sessions", "sign-ins", "app-passwords", "tokens"):
        assert helpdesk.get(f"users/{person.pk}/{what}").status_code == 403
    assert helpdesk.post(f"users/{person.pk}/password").status_code == 403


def test_nothing_shows_a_secret(admin: Program, person: User) -> None:
    _, app = apppasswords.create(user=person, name="Second")
    _, token = apitokens.issue(user=person, name="Second", scopes=["mail:read"])
    for what in ("app-passwords", "tokens"):
        said = admin.get(f"users/{person.pk}/{what}").content.decode()
        assert app not in said
        assert token not in said


def test_who_could_make_no_administrator_cannot_sign_in_as_one(
    person: User, domain: Domain
) -> None:
    boss = holder("admin@example.test", Role.DOMAIN_ADMIN, domain)
    weak = program(holder("root@elsewhere.test", Role.OPERATOR), ["credentials:write"])
    for verb, path in [("POST", "password"), ("POST", "password-link"), ("DELETE", "factors")]:
        answer = weak.ask(verb, f"users/{boss.pk}/{path}", {} if verb == "POST" else None)
        assert (answer.status_code, "roles:write" in answer.json()["detail"]) == (403, True), path
    assert weak.post(f"users/{person.pk}/password").status_code == 200
