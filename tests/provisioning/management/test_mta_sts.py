"""`domain set --mta-sts`."""

import pytest

from apps.directory.models import Domain
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def test_a_domain_gets_a_policy(domain: Domain) -> None:
    changed = run("domain", "set", "example.test", "--mta-sts", "testing", "--json").json

    domain.refresh_from_db()
    assert (changed["mta_sts"], changed["mta_sts_id"]) == ("testing", domain.sts_id)

    # What is not named stays as it is.
    assert run("domain", "set", "example.test", "--separator", "-").code == 0
    domain.refresh_from_db()
    assert domain.sts_mode == "testing"


def test_a_wrong_one_is_refused(domain: Domain) -> None:
    assert run("domain", "set", "example.test", "--mta-sts", "always").code == 2
