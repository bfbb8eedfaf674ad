"""No page of the console asks the database once for each of its rows: django-zeal raises where a
relation is followed row by row."""

import pytest
from zeal import NPlusOneError, zeal_context
from zeal.constants import initialize_app_registry
from zeal.patch import patch

from apps.directory.models import Kind, Role, User
from apps.directory.services import roles
from apps.provisioning import services as provisioning
from tests.console.test_matrix import A, World, addresses

MANY = 6  # rows of each sort: more than the two at which it speaks


@pytest.fixture(scope="module", autouse=True)
def _watchful() -> None:
    """What zeal puts into Django is silent but within `zeal_context`."""
    initialize_app_registry()
    patch()


@pytest.fixture
def world(db: None) -> World:
    found = World.of("operator")
    for number in range(MANY):
        domain = provisioning.add_domain(f"more{number}.test", organization=f"More {number}")
        user, _ = provisioning.add_user(f"u{number}@{found.a.domain.name}", "correct horse battery")
        provisioning.add_user(f"s{number}@{found.a.domain.name}", None, kind=Kind.SHARED)
        gone, _ = provisioning.add_user(f"g{number}@{found.a.domain.name}", "correct horse battery")
        provisioning.remove_user(gone.key)
        provisioning.add_alias(f"a{number}@{found.a.domain.name}", [user.address, "x@out.test"])
        roles.grant(user=user, role=Role.DOMAIN_ADMIN, domain=domain)
        roles.grant(user=user, role=Role.DOMAIN_ADMIN, domain=found.a.domain)
    return found


def test_it_finds_a_page_that_asks_for_each_row(world: World) -> None:
    with pytest.raises(NPlusOneError), zeal_context():
        assert [user.domain.name for user in User.objects.exclude(domain=None)]  # type: ignore[union-attr]


def test_no_page_asks_for_each_of_its_rows(world: World) -> None:
    seen = set()
    for name, _, owner, path in addresses(world):
        if not name.startswith("console") or owner != A:
            continue
        with zeal_context():
            world.client.get(path, headers={"accept": "text/html"})
        seen.add(name)

    assert {"console-users", "console-user"} <= seen
