"""Of more than can be taken at once nothing is left out unsaid."""

import json

import pytest

from apps.directory.models import User
from apps.remote.models import TlsOverride
from apps.scan.models import AttachmentPolicy
from tests.console.conftest import browser

pytestmark = pytest.mark.django_db


def test_endings_of_files(operator: User) -> None:
    endings = "\n".join(f"x{number}" for number in range(201))
    form = {"act": "add", "what": "ending", "action": "refuse", "values": endings}
    answer = browser(operator).post("/admin/policies/files/", form)

    assert answer.status_code == 422
    assert "At most 200 at once" in answer.content.decode()
    assert not AttachmentPolicy.objects.exists()


@pytest.mark.parametrize("count", [20, 21])
def test_names_of_a_certificate(operator: User, count: int) -> None:
    names = " ".join(f"mx{number}.{'long-' * 9}name.test" for number in range(count))
    form = {"domain": "far.test", "mode": "verify", "names": names}
    answer = browser(operator).post("/admin/policies/tls/", form)

    kept = TlsOverride.objects.filter(domain="far.test").first()
    if count == 20:
        assert answer.status_code == 302
        assert kept is not None
        assert len(json.loads(kept.names)) == 20
    else:
        assert "At most 20 names" in answer.content.decode()
        assert kept is None
