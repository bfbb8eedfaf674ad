"""Pages for what cannot be given as it was asked for."""

import pytest
from django.urls import reverse

from apps.directory.models import Role, User
from tests.console.conftest import browser, holder

pytestmark = pytest.mark.django_db
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture
def operator() -> User:
    return holder("root@elsewhere.test", Role.OPERATOR)


@pytest.mark.parametrize("name", ["console-queue-bulk", "console-quarantine-bulk"])
def test_the_address_of_a_button_says_so_to_people(operator: User, name: str) -> None:
    answer = browser(operator).get(reverse(name), headers={"Accept": BROWSER})
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "belongs to a button" in answer.content.decode()


def test_programs_get_the_bare_answer(operator: User) -> None:
    answer = browser(operator).get(reverse("console-queue-bulk"), headers={"Accept": "*/*"})
    assert (answer.status_code, answer.content) == (405, b"")


def test_other_methods_get_it_too(operator: User) -> None:
    where, headers = reverse("console-queue-bulk"), {"Accept": BROWSER}
    answer = browser(operator).delete(where, headers=headers)
    assert (answer.status_code, answer.content) == (405, b"")
