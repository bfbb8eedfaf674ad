"""The security page and its doors: set up, used at sign-in, lost; and whom they do not open for."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import factors as reading
from apps.accounts import onetime
from apps.accounts.models import Authenticator, RecoveryCode, TrustedDevice
from apps.accounts.models import Passkey as Row
from apps.accounts.services import authenticators, passkeys, recoverycodes, trusted
from apps.accounts.sites import Site
from apps.audit.models import AuditRecord
from apps.directory.models import Demand, Domain, User, UserState
from apps.mailqueue.models import QueuedMessage
from apps.runtime import clock
from apps.webmail import asking, jsondoor
from tests.conftest import PASSWORD
from tests.support.passkey import Passkey

pytestmark = pytest.mark.django_db
SITE = Site("localhost", "https://localhost")
BEGIN, COMPLETE = "/login/passkey/begin/", "/login/passkey/complete/"
NEW_BEGIN, NEW_COMPLETE = (
    "/settings/security/passkeys/begin/",
    "/settings/security/passkeys/complete/",
)
PAGES = (
    "/settings/security/",
    "/settings/security/authenticator/",
    "/settings/security/codes/",
    "/settings/security/passkeys/new/",
)
Answer = Any


def new_browser() -> Client:
    """A browser on HTTPS that must bring CSRF tokens as real ones do."""
    return Client(
        enforce_csrf_checks=True, headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on"
    )


@pytest.fixture
def browser() -> Client:
    return new_browser()


def page(browser: Client, address: str, status: int = 200) -> str:
    response = browser.get(address, secure=True)
    assert response.status_code == status, (address, response.status_code)
    return response.content.decode()


def token_of(text: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
    assert found is not None
    return found[1]


def post(browser: Client, address: str, data: dict[str, str], at: str = "") -> Answer:
    fields = {**data, "csrfmiddlewaretoken": token_of(page(browser, at or address))}
    return browser.post(address, fields, secure=True, headers={"origin": "https://localhost"})


def sign_in(browser: Client, address: str = "alice@example.test") -> Answer:
    return post(browser, "/login/", {"address": address, "password": PASSWORD})


def ask(browser: Client, address: str, body: object = None, **headers: str) -> Answer:
    """What passkeys.js sends."""
    return browser.post(
        address,
        body if isinstance(body, bytes) else json.dumps(body or {}),
        content_type=headers.pop("content_type", "application/json"),
        secure=True,
        headers={
            "origin": "https://localhost",
            "x-csrftoken": browser.cookies["__Host-csrf"].value,
            **headers,
        },
    )


def add_passkey(browser: Client, device: Passkey | None = None, name: str = "Laptop") -> Passkey:
    device = device or Passkey()
    options = ask(browser, NEW_BEGIN)
    assert options.status_code == 200, options.content
    done = ask(browser, NEW_COMPLETE, {"credential": device.create(options.json()), "name": name})
    assert done.status_code == 200, done.content
    return device


def show(browser: Client, device: Passkey, **wrong: Any) -> Answer:
    options = ask(browser, BEGIN)
    assert options.status_code == 200
    return ask(browser, COMPLETE, {"credential": device.get(options.json(), **wrong)})


def has_app(user: User) -> bytes:
    """Give a user an authenticator app; its secret. The code of now is not used up by that."""
    secret = authenticators.start(user=user, issuer="x").secret
    authenticators.confirm(user=user, code=onetime.code_at(secret, clock.now()))
    Authenticator.objects.update(last_step=-1)
    return secret


def codes_on(text: str) -> list[str]:
    return re.findall(r"\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b", text)


def test_it_is_for_people_who_are_signed_in(browser: Client) -> None:
    for address in PAGES:
        response = browser.get(address, secure=True)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")


def test_it_sets_an_app_up_and_shows_the_codes_once(alice: User, browser: Client) -> None:
    sign_in(browser)
    assert "Add a second factor" in page(browser, "/settings/security/")
    at = "/settings/security/authenticator/"
    assert post(browser, at, {"do": "begin"}).status_code == 302
    shown = page(browser, at)
    key = re.search(r">((?:[A-Z2-7]{4} ?){8})<", shown)
    assert key is not None
    assert re.search(
        r'<svg class="qr qr--lg" viewBox="-2 -2 \d+ \d+".*<path d="M', shown, re.DOTALL
    )
    assert " style=" not in shown
    wrong = post(browser, at, {"do": "confirm", "code": "abc"})
    assert wrong.status_code == 422
    assert key[1] in wrong.content.decode()  # the same one, to try again
    secret = authenticators.waiting(user=alice, issuer="x")
    assert secret is not None
    done = post(browser, at, {"do": "confirm", "code": onetime.code_at(secret.secret, clock.now())})
    assert done.status_code == 200
    codes = codes_on(done.content.decode())
    assert len(codes) == 10
    assert (
        done.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    )
    after = page(browser, "/settings/security/")  # still signed in
    assert "well protected" in after
    assert "10 of 10 left" in after
    assert not codes_on(after + page(browser, "/settings/security/codes/"))
    assert QueuedMessage.objects.count() == 1  # the letter about it


def test_it_signs_every_other_browser_out(alice: User, browser: Client) -> None:
    other = new_browser()
    sign_in(other)
    sign_in(browser)
    add_passkey(browser)
    assert browser.get("/mail/inbox/", secure=True).status_code == 200
    assert other.get("/mail/inbox/", secure=True).status_code == 302


def test_it_works_without_the_script_and_says_what_does_not(alice: User, browser: Client) -> None:
    sign_in(browser)
    text = page(browser, "/settings/security/passkeys/new/")
    assert "<noscript>" in text
    assert re.search(r'<section class="card" hidden data-passkey="new"', text)
    by_number = Client(headers={"host": "127.0.0.1"})
    by_number.force_login(alice)
    text = by_number.get("/settings/security/", secure=True).content.decode()
    assert "https://mail.example.test/" in text or "open by its host name" in text
    assert "security/passkeys/new" not in text


def test_a_passkey_is_added_used_and_named_anew(alice: User, browser: Client) -> None:
    sign_in(browser)
    options = ask(browser, NEW_BEGIN).json()
    device = Passkey()
    done = ask(browser, NEW_COMPLETE, {"credential": device.create(options), "name": "Laptop"})
    assert done.json() == {"codes": "/settings/security/codes/"}  # nobody has seen any yet
    assert not RecoveryCode.objects.exists()
    made = post(browser, "/settings/security/codes/", {})
    assert len(codes_on(made.content.decode())) == 10
    assert ask(browser, NEW_BEGIN).json()["excludeCredentials"]
    assert "Laptop" in page(browser, "/settings/security/")
    at = f"/settings/security/passkeys/{Row.objects.get().pk}/"
    assert post(browser, at, {"do": "rename", "name": " "}).status_code == 422
    assert post(browser, at, {"do": "rename", "name": "<b>Old</b>"}).status_code == 302
    assert "&lt;b&gt;Old&lt;/b&gt;" in page(browser, "/settings/security/")
    assert post(browser, at, {"do": "remove"}).status_code == 302
    assert not Row.objects.exists()
    assert "Add a second factor" in page(browser, "/settings/security/")


def test_a_passkey_alone_signs_in(alice: User, browser: Client) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    stranger = new_browser()
    page(stranger, "/login/")
    before = stranger.cookies.get("__Host-session")
    done = show(stranger, device)
    assert done.json() == {"next": "/mail/"}
    assert before is None or stranger.cookies["__Host-session"].value != before.value
    assert "alice@example.test" in page(stranger, "/mail/inbox/")


def test_a_passkey_is_the_second_step_of_its_user_alone(
    alice: User, bob: User, browser: Client
) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    bobs = new_browser()
    sign_in(bobs, "bob@example.test")
    of_bob = add_passkey(bobs)
    again = new_browser()
    assert sign_in(again).headers["Location"].startswith("/login/verify/")
    options = ask(again, BEGIN).json()
    assert len(options["allowCredentials"]) == 1
    refused = ask(again, COMPLETE, {"credential": of_bob.get(options)})
    assert refused.status_code == 401
    assert again.get("/mail/inbox/", secure=True).status_code == 302
    assert show(again, device).json() == {"next": "/mail/"}
    assert again.get("/mail/inbox/", secure=True).status_code == 200


def test_five_wrong_passkeys_end_the_second_step(alice: User, browser: Client) -> None:
    sign_in(browser)
    add_passkey(browser)
    again = new_browser()
    sign_in(again)
    for _ in range(5):
        assert show(again, Passkey()).status_code in {401, 429}
    assert again.get("/login/verify/", secure=True).status_code == 302


def test_it_answers_no_question_of_another_session(alice: User, browser: Client) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    first, second = new_browser(), new_browser()
    page(first, "/login/")
    page(second, "/login/")
    options = ask(first, BEGIN).json()
    ask(second, BEGIN)
    answer = device.get(options)
    assert ask(second, COMPLETE, {"credential": answer}).status_code == 401
    assert ask(first, COMPLETE, {"credential": answer}).status_code == 200
    # Replayed to its own session, and to one that asks for its user's second step.
    assert ask(first, COMPLETE, {"credential": answer}).status_code == 401
    third = new_browser()
    sign_in(third)
    ask(third, BEGIN)
    assert ask(third, COMPLETE, {"credential": answer}).status_code == 401


def test_it_answers_no_question_of_another_purpose(alice: User, browser: Client) -> None:
    sign_in(browser)
    options = ask(browser, NEW_BEGIN).json()
    device = add_passkey(browser)
    assert ask(browser, NEW_COMPLETE, {"credential": Passkey().create(options)}).status_code == 401
    options = ask(browser, NEW_BEGIN).json()
    answer = device.get({**options, "rpId": "localhost"})
    assert ask(browser, COMPLETE, {"credential": answer}).status_code == 401


def test_a_question_is_over_after_five_minutes(
    alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    stranger = new_browser()
    page(stranger, "/login/")
    options = ask(stranger, BEGIN).json()
    later = clock.now() + 301
    monkeypatch.setattr(asking, "now", lambda: later)
    assert ask(stranger, COMPLETE, {"credential": device.get(options)}).status_code == 401


def test_an_open_sign_in_page_has_no_session(alice: User, browser: Client) -> None:
    """Its question may be answered after a sign-in by password: that must go on."""
    page(browser, "/login/")
    question = ask(browser, BEGIN)
    assert set(question.cookies) == {"__Host-passkey"}
    cookie = question.cookies["__Host-passkey"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Strict")
    assert cookie["max-age"] == 300
    sign_in(browser)
    assert browser.get("/mail/inbox/", secure=True).status_code == 200


def test_it_takes_no_question_that_we_have_not_asked(alice: User, browser: Client) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    stranger = new_browser()
    page(stranger, "/login/")
    options = ask(stranger, BEGIN).json()
    answer = {"credential": device.get(options)}
    ours = stranger.cookies["__Host-passkey"].value
    for forged in ("", "x", ours[:-1] + "_", ours.partition(":")[0], "\xe9:1:2"):
        stranger.cookies["__Host-passkey"] = forged
        assert ask(stranger, COMPLETE, answer).status_code == 401
    stranger.cookies["__Host-passkey"] = ours
    assert ask(stranger, COMPLETE, answer).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"origin": "https://evil.invalid"}, {"rp_id": "evil.invalid"}, {"flags": 1}]
)
def test_it_lets_nobody_in_by_an_answer_from_elsewhere(
    alice: User, browser: Client, wrong: dict[str, Any]
) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    stranger = new_browser()
    page(stranger, "/login/")
    refused = show(stranger, device, **wrong)
    assert (refused.status_code, refused.json()) == (401, {"error": passkeys.REFUSED})
    assert stranger.get("/mail/inbox/", secure=True).status_code == 302


def test_it_lets_nobody_in_who_is_suspended(alice: User, browser: Client) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    User.objects.filter(pk=alice.pk).update(state=UserState.SUSPENDED)
    stranger = new_browser()
    page(stranger, "/login/")
    assert show(stranger, device).status_code == 403
    assert stranger.get("/mail/inbox/", secure=True).status_code == 302


def test_a_passkey_proves_who_one_is(
    alice: User, bob: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser)
    device = add_passkey(browser)
    forget_proof(browser)
    assert browser.get("/settings/security/codes/", secure=True).status_code == 302
    refused = ask(browser, NEW_BEGIN)
    assert (refused.status_code, refused.json()["confirm"]) == (403, "/login/confirm/")
    options = ask(browser, f"{BEGIN}").json()
    done = ask(
        browser,
        f"{COMPLETE}?next=/settings/security/codes/",
        {"credential": device.get(options)},
    )
    assert done.json() == {"next": "/settings/security/codes/"}
    assert browser.get("/settings/security/codes/", secure=True).status_code == 200


def forget_proof(browser: Client) -> None:
    """As if the password had been shown long ago."""
    session = browser.session
    session["proved"] = 0
    session.save()


@pytest.mark.parametrize("address", PAGES[1:])
def test_it_asks_again_before_what_opens_an_account(
    alice: User, browser: Client, address: str
) -> None:
    sign_in(browser)
    has_app(alice)
    sign_in_again = new_browser()
    sign_in_again.force_login(User.objects.get(pk=alice.pk))
    for response in (
        sign_in_again.get(address, secure=True),
        sign_in_again.get("/settings/security/passkeys/1/", secure=True),
    ):
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/confirm/")


def test_it_shows_nobody_elses(alice: User, eve: User, browser: Client) -> None:
    sign_in(browser)
    add_passkey(browser)
    number = Row.objects.get().pk
    other = new_browser()
    sign_in(other, "eve@other.test")
    missing = page(other, f"/settings/security/passkeys/{number + 1_000}/", 404)
    token = token_of(page(other, "/settings/security/authenticator/"))
    for data in ({}, {"do": "remove"}, {"do": "rename", "name": "mine"}):
        response = other.post(
            f"/settings/security/passkeys/{number}/",
            {**data, "csrfmiddlewaretoken": token},
            secure=True,
            headers={"origin": "https://localhost"},
        )
        assert response.status_code == 404
    assert page(other, f"/settings/security/passkeys/{number}/", 404) == missing
    assert page(other, "/settings/security/passkeys/4294967295/", 404) == missing
    assert Row.objects.get().name == "Laptop"


def test_new_codes_end_the_old_ones(alice: User, browser: Client) -> None:
    sign_in(browser)
    add_passkey(browser)
    old = codes_on(post(browser, "/settings/security/codes/", {}).content.decode())
    assert len(old) == 10
    new = codes_on(post(browser, "/settings/security/codes/", {}).content.decode())
    assert not set(old) & set(new)
    again = new_browser()
    sign_in(again)
    for code, status in ((old[0], 422), (new[0], 302)):
        done = post(again, "/login/verify/", {"code": code, "recovery": "1"})
        assert done.status_code == status


def test_a_code_opens_once(alice: User, browser: Client) -> None:
    secret = has_app(alice)
    code = onetime.code_at(secret, clock.now())
    sign_in(browser)
    assert post(browser, "/login/verify/", {"code": code}).status_code == 302
    assert browser.get("/mail/inbox/", secure=True).status_code == 200
    other = new_browser()
    sign_in(other)
    assert post(other, "/login/verify/", {"code": code}).status_code == 422


def test_it_says_when_codes_run_low(alice: User, browser: Client) -> None:
    sign_in(browser)
    add_passkey(browser)
    codes = recoverycodes.make(user=alice)
    for code in codes[:7]:
        recoverycodes.take(user=alice, code=code)
    assert "Few recovery codes left" in page(browser, "/settings/security/")
    for code in codes[7:]:
        recoverycodes.take(user=alice, code=code)
    assert "No recovery codes left" in page(browser, "/settings/security/")


def test_it_keeps_the_last_factor_while_one_is_demanded(
    alice: User, domain: Domain, browser: Client
) -> None:
    sign_in(browser)
    add_passkey(browser)
    Domain.objects.filter(pk=domain.pk).update(factor_demand=Demand.EVERYBODY)
    at = f"/settings/security/passkeys/{Row.objects.get().pk}/"
    assert post(browser, at, {"do": "remove"}).status_code == 302
    assert "set up another one before removing this" in page(browser, "/settings/security/")
    assert reading.has_factor(alice.pk)


def test_it_forgets_trusted_browsers(alice: User, browser: Client) -> None:
    sign_in(browser)
    add_passkey(browser)
    alice.refresh_from_db()
    trusted.trust(user=alice)
    at = "/settings/security/"
    assert "1 is not asked" in page(browser, at)
    assert post(browser, "/settings/security/trusted/", {}, at=at).status_code == 302
    assert not TrustedDevice.objects.exists()
    assert "Every sign-in asks" in page(browser, at) or "None:" in page(browser, at)


@pytest.mark.parametrize("address", [BEGIN, COMPLETE, NEW_BEGIN, NEW_COMPLETE])
def test_its_doors_take_small_json_with_a_token_alone(
    alice: User, browser: Client, address: str
) -> None:
    sign_in(browser)
    page(browser, "/settings/security/authenticator/")
    assert ask(browser, address, **{"x-csrftoken": "x" * 32}).status_code == 403
    assert ask(browser, address, origin="https://evil.invalid").status_code == 403
    assert browser.get(address, secure=True).status_code == 405
    assert ask(browser, address, content_type="text/plain").status_code == 415
    form = "application/x-www-form-urlencoded"
    assert ask(browser, address, b"credential=1", content_type=form).status_code == 415
    assert ask(browser, address, b" " * (jsondoor.LONGEST + 1)).status_code == 413
    for broken in (
        b"[" * 8_000,
        b'{"a":' * 3_000,
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b"1" * 10_000,
        b'"x"',
        b"null",
    ):
        assert ask(browser, address, broken).status_code == 400, broken[:10]
    odds: tuple[object, ...] = (
        {"credential": "x"},
        {"credential": None},
        {"credential": {}},
        {"name": {"a": []}},
    )
    for odd in odds:
        assert ask(browser, address, odd).status_code in {200, 401}


def test_its_doors_bound_what_is_announced_and_what_is_not(alice: User, browser: Client) -> None:
    sign_in(browser)
    for announced in ("99999999999999999999", "-1", "x"):
        response = browser.generic(
            "POST",
            BEGIN,
            b"{}",
            content_type="application/json",
            secure=True,
            CONTENT_LENGTH=announced,
            headers={
                "origin": "https://localhost",
                "x-csrftoken": browser.cookies["__Host-csrf"].value,
            },
        )
        assert response.status_code in {200, 400, 413}


def test_its_doors_want_a_site_with_a_name(alice: User) -> None:
    by_number = Client(headers={"host": "127.0.0.1"})
    by_number.force_login(alice)
    response = by_number.post(BEGIN, "{}", content_type="application/json", secure=True)
    assert response.status_code == 403
    assert "host name" in response.json()["error"]


def test_strangers_ask_so_often_and_no_more(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST", 5)
    page(browser, "/login/")
    assert [ask(browser, BEGIN).status_code for _ in range(7)] == [200] * 5 + [429] * 2


def test_its_doors_for_new_ones_are_closed_to_strangers(browser: Client) -> None:
    page(browser, "/login/")
    for address in (NEW_BEGIN, NEW_COMPLETE):
        assert ask(browser, address).status_code == 401


def test_no_page_or_record_holds_a_secret(
    alice: User, browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sign_in(browser)
    add_passkey(browser)
    secret = has_app(alice)
    codes = recoverycodes.make(user=alice)
    word = trusted.trust(user=alice)
    stranger = new_browser()
    sign_in(stranger)
    told = " ".join(
        [
            caplog.text,
            *(str(row.detail) + row.subject for row in AuditRecord.objects.all()),
            page(stranger, "/login/verify/"),
            *(page(browser, at) for at in PAGES),
        ]
    )
    for hidden in (*codes, onetime.spelled(secret), word, PASSWORD):
        assert hidden not in told.replace(" ", "")
        assert hidden not in told


def test_it_is_made_with_a_fixed_number_of_statements(alice: User, browser: Client) -> None:
    sign_in(browser)
    counts = []
    for number in range(3):
        add_passkey(browser, name=f"Key {number}")
        with CaptureQueriesContext(connection) as seen:
            page(browser, "/settings/security/")
        counts.append(len(seen))
    assert counts[1] == counts[2]
