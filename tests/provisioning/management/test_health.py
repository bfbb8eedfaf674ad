"""`manage.py health`."""

import json

import pytest
from pytest_django.fixtures import Settings

from apps.provisioning.health import report
from mailhost.env import Endpoint
from tests.provisioning.management.running import run
from tests.support.services import free_port

pytestmark = pytest.mark.usefixtures("keep_connection")


@pytest.fixture(autouse=True)
def _ask_anew() -> None:
    report.forget()


def test_it_says_how_everything_stands(db: None, settings: Settings) -> None:
    settings.IMAPS_LISTEN = Endpoint("127.0.0.1", free_port())  # whatever else runs on this machine

    done = run("health")

    assert done.code == 1  # no doors are open here
    assert "Broken      IMAP, TLS: Nobody listens at" in done.out
    assert "Works       Message store: It answers" in done.out
    assert "empty IMAPS_LISTEN if you do not want this door" in done.out


def test_programs_read_it_too(db: None) -> None:
    done = run("health", "--json")

    document = json.loads(done.out)
    assert (done.code, document["state"]) == (1, "bad")
    by_key = {row["key"]: row for row in document["checks"]}
    assert by_key["door.imap"]["state"] == "bad"
    assert by_key["blobs"] == {
        "key": "blobs",
        "name": "Message store",
        "state": "ok",
        "words": by_key["blobs"]["words"],
        "advice": "",
    }
