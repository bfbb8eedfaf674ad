"""What an open browser alone must not do: who finds one has to show the password first."""

import pytest

from apps.directory.models import Delegation, Kind, User, UserState
from apps.provisioning import services as provisioning
from tests.console.conftest import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(admin: User) -> User:
    return provisioning.add_user("bob@example.test", "correct horse battery")[0]


def test_many_are_not_removed_where_one_would_not_be(admin: User, bob: User) -> None:
    asked = {"act": "remove", "id": str(bob.pk), "sure": "1", "number": "1"}
    answer = browser(admin, proved=False).post("/admin/users/bulk/", asked)
    assert answer.status_code == 302
    assert "confirm" in answer["Location"]
    bob.refresh_from_db()
    assert bob.state == UserState.ACTIVE
    browser(admin).post("/admin/users/bulk/", asked)
    bob.refresh_from_db()
    assert bob.state == UserState.REMOVED


def test_a_shared_mailbox_is_not_removed(admin: User) -> None:
    box, _ = provisioning.add_user("team@example.test", None, kind=Kind.SHARED)
    path = f"/admin/shared/{box.pk}/remove/"
    answer = browser(admin, proved=False).post(path, {"typed": box.address})
    assert "confirm" in answer["Location"]
    box.refresh_from_db()
    assert box.state == UserState.ACTIVE


def test_nobody_is_let_write_as_another(admin: User, bob: User) -> None:
    path = f"/admin/users/{bob.pk}/sharing/"
    wanted = {"what": "grant", "delegate": admin.address, "how": "as"}
    answer = browser(admin, proved=False).post(path, wanted)
    assert "confirm" in answer["Location"]
    assert not Delegation.objects.filter(owner=bob).exists()
