"""The console's page of the audit log."""

import pytest

from apps.audit import queries
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, User
from tests.console.conftest import browser


def said(user: User, query: str = "") -> str:
    answer = browser(user).get(f"/admin/audit/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_administrators_read_of_their_own(
    admin: User, alice: User, eve: User, operator: User
) -> None:
    record("user.suspend", **subjects.of_user(alice))
    record("user.suspend", **subjects.of_user(eve))

    page = said(admin)
    assert "alice@example.test" in page
    assert "eve@other.test" not in page
    assert "other.test" not in page
    assert "eve@other.test" in said(operator)


def test_a_helpdesk_reads_none(helpdesk: User) -> None:
    client = browser(helpdesk)

    assert client.get("/admin/audit/").status_code == 404
    assert b"Audit log" not in client.get("/admin/users/").content


def test_it_is_searched(admin: User, alice: User, bob: User) -> None:
    record("user.suspend", **subjects.of_user(alice))
    record("user.lock", **subjects.of_user(bob))

    for query in ("?subject=ALICE", "?action=user.suspend"):
        rows = said(admin, query).partition("</form>")[2]
        assert "alice@example.test" in rows
        assert "bob@example.test" not in rows
    assert "Nothing of this sort" in said(admin, "?actor=nobody%00")


def test_it_turns_pages(admin: User, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(queries.PAGE + 1):
        record("user.suspend", **subjects.of_user(alice))

    page = said(admin)

    assert page.count("suspended the user") == queries.PAGE
    assert 'rel="next"' in page


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1.5"])
def test_no_such_page(admin: User, domain: Domain, before: str) -> None:
    assert browser(admin).get(f"/admin/audit/?before={before}").status_code == 404
