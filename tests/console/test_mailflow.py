"""The dashboard's mail flow: what was counted, of what is in sight, and how old it is."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.console import mailflow
from apps.console.dearcounts import DearCounts
from apps.console.mailflow import MailFlow, period
from apps.directory.models import Domain, User
from apps.directory.permissions import powers_of
from apps.mailqueue.models import Destination, MessageState, QueuedMessage, QueuedRecipient
from apps.provisioning.health import report
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.scan.models import Quarantined
from apps.trace.flow import DAY, EVERYTHING, HOUR, MICROSECONDS, MINUTE, NAME, QUARTER
from apps.trace.models import Direction, Flow, FlowTotal, Outcome, Passage
from tests.console.conftest import browser

NOW = "2026-11-25T12:30:30Z"
HOSTILE = "<script>alert(1)</script> {{7*7}} %s \u202e"


@pytest.fixture(autouse=True)
def _at_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(mailflow, "counts", DearCounts(cheap=1e6))
    report.forget()
    with time_machine.travel(NOW, tick=False):
        yield
    report.forget()


def flowed(scope: int = EVERYTHING, *, ago: int = 0, span: int = HOUR, **figures: int) -> None:
    """A span that was counted, `ago` seconds back."""
    at = now_us() - ago * MICROSECONDS
    at -= at % (span * MICROSECONDS)
    Flow.objects.create(span=span, domain_id=scope, at=at, **figures)
    FlowTotal.objects.update_or_create(name=NAME, defaults={"until": now_us() - 49 * 60_000_000})


def found(user: User, key: str = "24h") -> MailFlow:
    flow = mailflow.mail_flow(powers_of(user), period(key))
    assert flow is not None
    return flow


def values(user: User, key: str = "24h") -> list[str]:
    return [one.value for one in found(user, key).stats]


def page(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(f"/admin/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_sees_the_mail_of_what_is_in_sight(
    operator: User, admin: User, helpdesk: User, domain: Domain, other_domain: Domain
) -> None:
    flowed(received=9, junk=3, sent=4, refused=2, put_off=1)
    flowed(domain.pk, received=5, junk=1)
    flowed(other_domain.pk, received=4, sent=4, refused=2)

    assert values(operator) == ["9", "4", "33.3%", "3"]
    assert values(admin) == values(helpdesk) == ["5", "0", "20.0%", "0"]


def test_the_page_says_what_is_counted(operator: User, admin: User, domain: Domain) -> None:
    flowed(received=2)
    flowed(domain.pk, received=3)

    assert "Messages: each counts once" in page(browser(operator))
    told = page(browser(admin))
    assert "Recipients: a message to three of them counts three times" in told
    assert "Messages: each" not in told


@pytest.mark.parametrize(
    ("key", "ago", "span"),
    [
        ("1h", 3_000, MINUTE),
        ("24h", 22 * 3_600, HOUR),
        ("7d", 6 * 86_400, QUARTER),
        ("30d", 29 * 86_400, DAY),
    ],
)
def test_periods(operator: User, key: str, ago: int, span: int) -> None:
    flowed(received=8, ago=ago, span=span)
    flowed(received=4, ago=ago + period(key).step * period(key).steps, span=span)

    flow = found(operator, key)

    assert flow.stats[0].value == "8"
    assert "100% more" in flow.stats[0].note
    assert sum(map(sum, flow.bars.data)) == 8
    assert len(flow.labels) == period(key).steps
    text = page(browser(operator), f"?period={key}")
    assert f'href="?period={key}" aria-current="true"' in text
    assert f'data-from="/admin/?period={key}"' in text


@pytest.mark.parametrize("query", ["?period=", "?period=9y", "?period=%00", "?period=%ff<script>"])
def test_what_is_no_period_is_the_usual_one(operator: User, query: str) -> None:
    assert 'data-from="/admin/?period=24h"' in page(browser(operator), query)


def test_what_is_drawn_is_also_a_table(operator: User) -> None:
    flowed(received=1_234, junk=3, refused=2, took_3=90, took_6=10, delivered=100)

    text = page(browser(operator))

    (row,) = re.findall(r'<tr><th scope="row">12:00</th>(.*?)</tr>', text)
    cells = re.findall(r'<td class="num">(.*?)</td>', row)
    assert cells == ["1,234", "0", "3", "0", "2", "0", "0.8 s", "7.5 s"]
    assert 'aria-label="Mail flow, the last 24 hours: Wanted 1,231, Sent 0' in text
    assert "half within 0.8 s, 95% within 7.5 s" in text
    assert "style=" not in text.partition('id="main"')[2]


def test_it_says_how_far_it_is_counted(operator: User) -> None:
    flowed(received=1)

    assert re.search(
        r"Counted up to <time datetime=[^>]*>11:41</time>, UTC", page(browser(operator))
    )


def test_a_new_installation_has_nothing_to_draw(operator: User, domain: Domain) -> None:
    text = page(browser(operator))

    assert "No mail is counted yet." in text
    assert "Counted up to" not in text
    assert "NaN" not in text


def test_nothing_in_a_period_is_said(operator: User) -> None:
    flowed(received=1, ago=5 * 86_400)

    assert "No mail in the last 24 hours." in page(browser(operator))


def test_the_page_does_not_wait_for_it(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = DearCounts[MailFlow](patience=0.0)
    monkeypatch.setattr(mailflow, "counts", counts)
    monkeypatch.setattr(counts, "get", lambda key, count: None)

    text = page(browser(operator), **{"HX-Request": "true"})

    assert "Mail flow" in text
    assert 'data-fresh="2"' in text


def waits(destination: str, number: int = 1) -> None:
    for _ in range(number):
        message = QueuedMessage.objects.create(
            trace_id=new_ulid(), blob_id=new_ulid(), size=1, sender="", door="mx",
            state=MessageState.ROUTED, received_at=now_us() - 3_600_000_000,
        )  # fmt: skip
        QueuedRecipient.objects.create(
            message=message, address="a@x.test", original="a@x.test", state="waiting",
            destination=destination, next_attempt_at=now_us() + 10**9,
        )  # fmt: skip


def test_a_destination_that_does_not_answer_needs_somebody(operator: User, admin: User) -> None:
    waits("mx/bigmail.test", 3)
    waits("mx/fine.test")
    Destination.objects.create(
        name="mx/bigmail.test", failures=4, closed_until=now_us() + 10**9, last_reply=HOSTILE
    )

    items = found(operator).items
    assert [one.title for one in items] == ["Mail to bigmail.test waits"]
    assert items[0].words.startswith("3 recipients since 11:30: <script>")
    assert items[0].url == "/admin/queue/?destination=bigmail.test"
    text = page(browser(operator))
    assert "<script>alert" not in text
    assert "fine.test" in text
    assert found(admin).destinations == ()
    assert not found(admin).items
    assert "bigmail" not in page(browser(admin))


def test_many_refused_for_one_cause_are_told_to_operators(operator: User, admin: User) -> None:
    for number in range(60):
        Passage.objects.create(
            trace_id=new_ulid(), at=now_us() - number, last_at=0, door="mx", sender="",
            direction=Direction.INCOMING, outcome=Outcome.REFUSED,
            cause=HOSTILE if number else "Refused: no such user",
        )  # fmt: skip

    (item,) = found(operator).items
    assert item.title == "59 messages refused within an hour for one cause"
    assert item.words.startswith("<script>")
    assert "\u202e" not in item.words
    assert "<script>alert" not in page(browser(operator))
    assert found(admin).items == ()


def kept(domain: Domain, *, reason: str = "spam", is_wanted: bool = False) -> None:
    Quarantined.objects.create(
        trace_id=new_ulid(), queue_id=new_ulid(), size=1, sender="", address=f"a@{domain.name}",
        original=f"a@{domain.name}", domain=domain.name, door="mx", received_at=0, kept_at=0,
        reason=reason, is_wanted=is_wanted,
    )  # fmt: skip


def test_quarantine_is_counted_for_who_looks_into_it(
    operator: User, admin: User, helpdesk: User, domain: Domain, other_domain: Domain
) -> None:
    kept(domain, is_wanted=True)
    kept(other_domain, reason="virus")

    own, everything = found(admin).kept, found(operator).kept
    assert own is not None
    assert everything is not None
    assert (own.all, own.wanted, own.dangerous) == (1, 1, 0)
    assert (everything.all, everything.wanted, everything.dangerous) == (2, 1, 1)
    assert found(helpdesk).kept is None
    assert [one.title for one in found(admin).items] == ["Probably wanted, and in quarantine: 1"]


def test_it_costs_the_same_however_much_there_is(
    operator: User, admin: User, domain: Domain
) -> None:
    counts = []
    for more in (1, 40):
        for number in range(more):
            flowed(received=1, ago=(number + more) * 3_600)
            flowed(domain.pk, received=1, ago=(number + more) * 3_600)
            kept(domain)
            waits(f"mx/{more}-{number}.test")
        for user in (admin, operator):
            with CaptureQueriesContext(connection) as captured:
                found(user)
            counts.append(len(captured))

    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "—"), (0.04, "0.0 s"), (3.14, "3.1 s"), (59.6, "60 s"), (600, "10 min"),
        (7_200, "over 2 h"),
    ],
)  # fmt: skip
def test_times_in_words(seconds: float | None, words: str) -> None:
    assert mailflow.spell(seconds) == words
