"""Metrics: who may read them, that Prometheus can, and that they are what the dashboard tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from apps.mailqueue.models import MessageState, QueuedMessage
from apps.ops import exposition, metrics
from apps.provisioning import services as provisioning
from apps.provisioning.health import report
from apps.provisioning.health.checks import Check, State
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.scan.models import Quarantined
from apps.trace import flow
from apps.trace.models import FlowTotal
from mailhost.env import SettingError, bearer, networks, read

pytestmark = pytest.mark.django_db

TOKEN = "correct-horse-battery-staple"
HOSTILE = 'x"} 1\nmailhost_users 99\n# \\ <script>\u202e'


@pytest.fixture(autouse=True)
def _ask_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    checks = [Check("disk", "Disk", State.BAD, HOSTILE, HOSTILE)]
    groups = {"Storage": (("Disk", lambda: checks, False),)}
    monkeypatch.setattr(report, "_asker", report._Asker(groups))
    metrics._kept.forget()
    yield
    metrics._kept.forget()


def ask(**how: str) -> HttpResponse:
    answer = Client().get("/metrics", **how)  # type: ignore[arg-type]
    assert isinstance(answer, HttpResponse)
    return answer


def samples() -> dict[tuple[str, str], float]:
    """What a scrape finds: by name and label."""
    metrics._kept.forget()
    answer = ask()
    assert answer.status_code == 200
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("address", "networks_", "status"),
    [
        ("127.0.0.1", "127.0.0.0/8 ::1/128", 200),
        ("::1", "127.0.0.0/8 ::1/128", 200),
        ("::ffff:127.0.0.1", "127.0.0.0/8", 200),
        ("192.0.2.1", "127.0.0.0/8 ::1/128", 404),
        ("10.0.0.9", "10.0.0.0/24", 200),
        ("10.0.1.9", "10.0.0.0/24", 404),
        ("127.0.0.1", "", 404),
        ("", "0.0.0.0/0", 404),
        ("nonsense", "0.0.0.0/0", 404),
    ],
)
def test_who_is_near_may_read_them(
    settings: Settings, address: str, networks_: str, status: int
) -> None:
    settings.METRICS_NETWORKS = networks(networks_)

    assert ask(REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    "header", ["X_FORWARDED_FOR", "FORWARDED", "VIA", "X_REAL_IP", "X_FORWARDED_PROTO"]
)
def test_a_proxy_on_this_machine_is_nobody_near(header: str) -> None:
    assert ask(**{f"HTTP_{header}": "127.0.0.1"}).status_code == 404


def test_another_name_for_this_machine_is_refused() -> None:
    """A page of a stranger whose name leads to 127.0.0.1 in a browser here."""
    assert ask(HTTP_HOST="evil.test").status_code == 400


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN} ", 200),
        (f"Basic {TOKEN}", 404),
        (f"Bearer {TOKEN}x", 404),
        (f"Bearer {TOKEN[:-1]}", 404),
        ("Bearer ", 404),
        ("Bearer \u00fc\u00fc", 404),
        (TOKEN, 404),
        ("", 404),
    ],
)
def test_who_has_the_token_may_read_them_from_anywhere(
    settings: Settings, given: str, status: int
) -> None:
    settings.METRICS_TOKEN = TOKEN
    how = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}

    assert ask(**how, HTTP_AUTHORIZATION=given).status_code == status


def test_without_a_token_none_is_right(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    for given in ("Bearer ", "Bearer", "Bearer  "):
        assert ask(REMOTE_ADDR="192.0.2.1", HTTP_AUTHORIZATION=given).status_code == 404


def test_who_may_not_is_told_what_is_told_of_nothing() -> None:
    for verb in ("get", "head", "post", "delete"):
        here = getattr(Client(REMOTE_ADDR="192.0.2.1"), verb)("/metrics")
        nothing = getattr(Client(REMOTE_ADDR="192.0.2.1"), verb)("/metricz")
        assert here.status_code == nothing.status_code == 404
        assert here.content == nothing.content
    assert Client().post("/metrics").status_code == 405


def test_prometheus_can_read_them() -> None:
    answer = ask()

    assert answer["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer["Cache-Control"]
    families = list(text_string_to_metric_families(answer.content.decode()))
    assert len(families) > 20
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    for family in families:
        assert family.documentation
        assert family.name.startswith("mailhost")
    assert answer.content.decode().isascii()


def test_they_are_what_the_dashboard_tells() -> None:
    domain = provisioning.add_domain("example.test", organization="A")
    provisioning.add_user("alice@example.test", "correct horse battery")
    FlowTotal.objects.create(
        name=flow.NAME, received=90, sent=12, delivered=70, junk=15, refused=4, octets=4_096,
        took=90_500_000, took_2=50, took_5=30, took_12=1, until=now_us(),
    )  # fmt: skip
    QueuedMessage.objects.create(
        trace_id=new_ulid(), blob_id=new_ulid(), size=1, sender="", door="mx",
        state=MessageState.HELD, received_at=0,
    )  # fmt: skip
    Quarantined.objects.create(
        trace_id=new_ulid(), queue_id=new_ulid(), size=1, sender="", address="a@example.test",
        original="a@example.test", domain=domain.name, door="mx", received_at=0, kept_at=0,
        reason="virus",
    )  # fmt: skip

    found = samples()

    total = flow.standing().total
    assert found["mailhost_messages_received_total", ""] == total.received == 90
    assert found["mailhost_messages_sent_total", ""] == total.sent == 12
    for name in ("delivered", "junk", "refused", "put_off"):
        assert found["mailhost_message_outcomes_total", name] == getattr(total, name)
    assert found["mailhost_time_to_inbox_seconds_count", ""] == total.arrived == 81
    assert found["mailhost_time_to_inbox_seconds_bucket", "0.5"] == 50
    assert found["mailhost_time_to_inbox_seconds_bucket", "5.0"] == 80
    assert found["mailhost_time_to_inbox_seconds_bucket", "+Inf"] == 81
    assert found["mailhost_time_to_inbox_seconds_sum", ""] == 90.5
    assert found["mailhost_queue_messages", "held"] == 1
    assert found["mailhost_queue_messages", "routed"] == 0
    assert found["mailhost_quarantine_messages", "virus"] == 1
    assert found["mailhost_users", ""] == 1
    assert found["mailhost_domains", ""] == 1
    assert found["mailhost_check", "disk"] == 2
    assert found["mailhost_database_up", ""] == 1


def test_words_of_strangers_are_in_none_of_them() -> None:
    provisioning.add_domain("secret-customer.test", organization="Secret Ltd")
    provisioning.add_user("a@secret-customer.test", "correct horse battery", "Secret")

    text = ask().content.decode()

    assert "secret" not in text.lower()
    assert "<script>" not in text
    assert "mailhost_users 99" not in text


def test_they_tell_that_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("away")

    monkeypatch.setattr(exposition, "figures", away)

    found = samples()

    assert found["mailhost_database_up", ""] == 0
    assert ("mailhost_users", "") not in found
    assert found["mailhost_check", "disk"] == 2


def test_asking_often_costs_nothing_more() -> None:
    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
    assert len(captured) == 0


def test_they_cost_the_same_however_much_there_is() -> None:
    counts = []
    for more in (1, 20):
        for number in range(more):
            provisioning.add_domain(f"d{more}-{number}.test", organization=f"O{number}")
        metrics._kept.forget()
        with CaptureQueriesContext(connection) as captured:
            ask()
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert counts[0] <= 14


@pytest.mark.parametrize("value", ["short", "with a blank in between", "x" * 501, "\u00fcber" * 9])
def test_a_token_that_is_none_stops_the_start_and_is_not_told(value: str) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        bearer(value)
    with pytest.raises(SettingError) as told:
        read({"METRICS_TOKEN": value})
    assert value not in str(told.value)


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", ["docs/operations.md", "deploy/alerts.yml", "deploy/grafana.json"])
def test_what_pages_and_alerts_name_is_there(page: str) -> None:
    known = {name for name, _ in samples()} | {"mailhost_time_to_inbox_seconds"}
    named = set(re.findall(r"\bmailhost_[a-z_]+[a-z]\b", (ROOT / page).read_text()))

    # The certificate is made at the first start.
    assert named - known <= {"mailhost_certificate_end_timestamp_seconds"}


def test_the_board_shows_every_figure_once_in_its_place() -> None:
    """It can be imported: panels have ids and places of their own, and ask the source it lets
    choose."""
    board = json.loads((ROOT / "deploy/grafana.json").read_text())
    panels = board["panels"]
    asked = [target for panel in panels for target in panel.get("targets", ())]
    shown = " ".join(target["expr"] for target in asked)

    missing = {name for name, _ in samples() if name not in shown}
    assert missing <= {"mailhost_info", *(n for n in missing if n.startswith(_HISTOGRAM))}
    assert f"{_HISTOGRAM}_bucket" in shown
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(x, y) for panel in panels for x, y in _squares(panel["gridPos"])]
    assert len(set(places)) == len(places)
    assert {target["datasource"]["uid"] for target in asked} == {"${source}"}
    assert all(target["expr"].count("(") == target["expr"].count(")") for target in asked)
    assert {one["name"] for one in board["templating"]["list"]} == {"source", "instance"}
    assert "id" not in board  # of somebody's Grafana


_HISTOGRAM = "mailhost_time_to_inbox_seconds"


def _squares(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert 0 <= place["x"] <= place["x"] + place["w"] <= 24
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y
