"""What the page of one message shows, and the same as a text for a ticket."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from apps.delivery.recorder import steps as told
from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.reading import data_of, text, word
from apps.delivery.recorder.steps import Step
from apps.delivery.recorder.verdicts import Judgement, judgement
from apps.delivery.states import RecipientState, State, severity
from apps.runtime.ulid import ulid_text
from apps.trace.models import Outcome

RECIPIENTS: Final = 100  # that the page lists, the worst first where there are more
_LOOKS: Final = {
    Outcome.DELIVERED: ("ok", "check"),
    Outcome.JUNK: ("warn", "ban"),
    Outcome.WAITING: ("info", "clock"),
    Outcome.DEFERRED: ("warn", "clock-alert"),
    Outcome.PUT_OFF: ("warn", "clock-alert"),
    Outcome.HELD: ("warn", "pause"),
    Outcome.QUARANTINED: ("warn", "shield-x"),
    Outcome.CANCELLED: ("neutral", "circle-x"),
    Outcome.DELETED: ("neutral", "trash-2"),
    Outcome.REFUSED: ("bad", "ban"),
    Outcome.BOUNCED: ("bad", "circle-x"),
}
_STATES: Final = {
    State.DELIVERED: "ok",
    State.CANCELLED: "neutral",
    State.DELETED: "neutral",
    State.WAITING: "info",
    State.DELAYED: "warn",
    State.HELD: "warn",
    State.RETURNED: "bad",
    State.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of one address."""

    address: str
    word: str
    look: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """All of it."""

    id: str
    title: str
    headline: str
    look: str
    icon: str
    outcome: str
    sender: str
    to: str
    size: int
    took: str
    steps: list[Step]
    more_steps: int
    verdict: Judgement
    details: list[tuple[str, str]]
    recipients: list[Recipient]
    more_recipients: int
    links: list[tuple[UUID, str]]
    is_cut: bool


def page_of(journey: Journey) -> Page:
    """What is shown; one statement more."""
    folded = journey.folded
    shown, more = told.steps(journey)
    look, icon = _LOOKS[folded.outcome]
    worst = sorted(journey.recipients, key=severity, reverse=True)
    some = journey.recipients if len(worst) <= RECIPIENTS else worst[:RECIPIENTS]
    return Page(
        id=ulid_text(journey.trace_id),
        title=folded.subject or "(no subject)",
        headline=journey.headline,
        look=look,
        icon=icon,
        outcome=_outcome(journey),
        sender=folded.sender or "<>",
        to=_to(folded.written),
        size=folded.size,
        took="" if folded.took_us is None else told.span(folded.took_us),
        steps=shown,
        more_steps=more,
        verdict=judgement(journey),
        details=list(_details(journey)),
        recipients=[_recipient(one) for one in some],
        more_recipients=len(journey.recipients) - len(some),
        links=[(one.trace_id, one.words) for one in journey.links],
        is_cut=journey.is_cut,
    )


def _outcome(journey: Journey) -> str:
    """In a few words; of several recipients, how many have it."""
    count = len(journey.recipients)
    reached = sum(1 for one in journey.recipients if one.state is State.DELIVERED)
    if count > 1 and reached:
        return f"Delivered to {reached} of {count}"
    return str(journey.folded.outcome.value).capitalize()


def _to(written: tuple[str, ...]) -> str:
    more = len(written) - told.NAMED
    shown = ", ".join(written[: told.NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def _recipient(one: RecipientState) -> Recipient:
    behind = f" It reached {one.reached} of {one.members} behind it." if one.members > 1 else ""
    return Recipient(
        text(one.shown), one.state.value.capitalize(), _STATES[one.state], text(one.text) + behind
    )


def _details(journey: Journey) -> Iterator[tuple[str, str]]:
    folded = journey.folded
    begun = next((data_of(one) for one in journey.events if "from" in data_of(one)), {})
    yield "Trace ID", ulid_text(journey.trace_id)
    queue = {word(data_of(one), "queue_id") for one in journey.events} - {""}
    if others := sorted(queue - {ulid_text(journey.trace_id)})[:5]:
        yield "Queue ID", " ".join(others)
    if folded.message_id:
        yield "Message-ID", folded.message_id
    if folded.address:
        yield "Client", folded.address
    if folded.helo:
        yield "HELO", folded.helo
    if tls := word(begun, "tls"):
        yield "TLS", tls.replace("TLSv", "")
    if account := word(begun, "account"):
        yield "Signed in as", account
    if folded.door:
        yield "Door", folded.door
    yield "Began", f"{moment(folded.at_us)} UTC"
    for host in folded.hosts[:5]:
        yield "Server", host


def moment(at_us: int) -> str:
    """A time, UTC, to the second."""
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def day(at_us: int) -> str:
    """The day, UTC."""
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%Y-%m-%d}"


def clock(at_us: int) -> str:
    """The time of a day, UTC, to the millisecond."""
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return f"{at:%H:%M:%S}.{at_us // 1_000 % 1_000:03}"


def ticket(page: Page) -> Iterator[str]:
    """The journey as lines of text, with what the page has folded."""
    yield f"{page.headline}"
    yield f"{page.title}"
    yield f"From {page.sender} to {page.to or 'nobody'}"
    yield ""
    for name, value in page.details:
        yield f"{name}: {value}"
    yield ""
    for one in page.steps:
        badges = "".join(f" [{words}]" for _, words in one.badges)
        yield f"{moment(one.at_us)} (+{told.after(one)})  {one.title}{badges}"
        if one.text:
            yield f"    {one.text}"
        for fold in one.folds:
            yield f"    {fold.title}:"
            yield from (f"      {line}" for line in fold.lines)
    if page.more_steps:
        yield f"… and {page.more_steps} more"
    yield ""
    for recipient in page.recipients:
        yield f"{recipient.address}: {recipient.word}. {recipient.text}"
    if page.more_recipients:
        yield f"… and {page.more_recipients} more recipients"


def as_data(page: Page) -> dict[str, Any]:
    """The same for programs."""
    return {
        "trace": page.id,
        "headline": page.headline,
        "subject": page.title,
        "from": page.sender,
        "steps": [
            {
                "at_us": one.at_us,
                "title": one.title,
                "text": one.text,
                "folds": [{"title": fold.title, "lines": list(fold.lines)} for fold in one.folds],
            }
            for one in page.steps
        ],
        "recipients": [
            {"address": one.address, "state": one.word, "text": one.text} for one in page.recipients
        ],
        "details": dict(page.details),
    }
