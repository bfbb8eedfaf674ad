"""What is sent and shown of mail that waits."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.mailqueue.services import EVERYWHERE, UNDO_SECONDS
from apps.provisioning.administration.waiting import STATES

MOST: Final = 1_000  # messages of one request
LONGEST_ID: Final = 36  # a ULID, or a UUID
LONGEST_PLACE: Final = 300
REASON_MOST: Final = 300
ACTS: Final = {
    "retry": "tried again now, where they were to go",
    "reroute": "their way is chosen anew",
    "cancel": "given up, if nothing of them has left",
    "release": "let go: what is held, and what its sender has scheduled for later",
    "hold": "kept until somebody lets them go",
    "delete": f"deleted in {UNDO_SECONDS} seconds, and their senders are told nothing",
    "bounce": f"returned to their senders in {UNDO_SECONDS} seconds",
}
PLACE_ACTS: Final = {
    "hasten": "what waits there is tried again now",
    "pause": "nothing is sent there until it goes on",
    "resume": "it goes on",
}
SHOWN_STATES: Final = {
    "coming": "its door waits for a verdict",
    "processing": "it is looked at",
    "scheduled": "its sender has it wait",
    "waiting": "it was not tried yet",
    "deferred": "it was tried, and will be again",
    "sending": "somebody sends it at this moment",
    "held": "somebody must look",
    "done": "nothing waits any more",
    "refused": "refused at the door",
    "cancelled": "given up before anything had left",
}


def choices(words: dict[str, str]) -> serializers.ChoiceField:
    """A word of some, of which each is explained."""
    told = "; ".join(f"`{name}`: {text}" for name, text in words.items())
    return serializers.ChoiceField(list(words.items()), help_text=f"{told}.")


class QueueSought(Sought):
    """Which messages are listed."""

    text = Text(
        max_length=320,
        required=False,
        help_text="Those with this in the address of sender or recipient, or with this id.",
    )
    state = serializers.ChoiceField(
        [(one, one) for one in STATES],
        required=False,
        help_text="`waiting`: for another server, tried or not.",
    )
    destination = Text(
        max_length=LONGEST_PLACE,
        required=False,
        help_text="Those that wait to go there: a domain, or as destinations are listed.",
    )
    before = serializers.DateTimeField(required=False, help_text="Those that came before.")


class WaitingShown(Shown):
    """A message that waits."""

    id = serializers.CharField(help_text="ULID.")
    trace = serializers.CharField(help_text="Id of its trace.")
    sender = serializers.CharField(allow_blank=True, help_text="Empty for reports.")
    recipient = serializers.CharField(
        allow_blank=True, help_text="The first who is not settled, of those in sight."
    )
    recipients = serializers.IntegerField(help_text="How many are not settled, in sight.")
    state = choices(SHOWN_STATES)
    ends = serializers.CharField(
        allow_null=True, help_text="`delete` or `bounce`, if it soon is; it can be taken back."
    )
    destination = serializers.CharField(
        allow_blank=True, help_text="Where the recipient's copy is to go; empty if not known."
    )
    reply = serializers.CharField(allow_blank=True, help_text="What was said last.")
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="Null is now, or never.")
    size = serializers.IntegerField(help_text="Octets.")
    received_at = serializers.DateTimeField(allow_null=True)


class QueuedReaderShown(Shown):
    """A recipient of a message that waits."""

    address = serializers.CharField(help_text="As far as it may be told.")
    original = serializers.CharField(help_text="As the envelope named it.")
    state = serializers.CharField()
    is_under_way = serializers.BooleanField(help_text="Somebody sends to it at this moment.")
    destination = serializers.CharField(allow_blank=True)
    reply = serializers.CharField(allow_blank=True)
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)


class QueuedAttemptShown(Shown):
    """A try to hand a copy over."""

    at = serializers.DateTimeField(allow_null=True)
    recipient = serializers.CharField()
    server = serializers.CharField(allow_blank=True)
    tls = serializers.CharField(allow_blank=True)
    outcome = serializers.CharField(help_text="`delivered`, `deferred` or `failed`.")
    reply = serializers.CharField(allow_blank=True)
    transcript = serializers.CharField(
        allow_blank=True, help_text="Commands and replies, where all may be told."
    )


class QueuedShown(WaitingShown):
    """A message that waits, with all that is known of it."""

    door = serializers.CharField(help_text="By which it came in.")
    scheduled_for = serializers.DateTimeField(allow_null=True)
    gives_up_at = serializers.DateTimeField(
        allow_null=True, help_text="When its sender gets back what still waits."
    )
    ends_at = serializers.DateTimeField(allow_null=True)
    may_act = serializers.BooleanField(help_text="Whether all of it is yours to act on.")
    readers = QueuedReaderShown(many=True, help_text="The first hundred.")
    attempts = QueuedAttemptShown(many=True, help_text="The last twenty, the newest first.")


class QueueAct(Form):
    """What is done to messages."""

    act = choices(ACTS)
    messages = serializers.ListField(
        child=Text(max_length=LONGEST_ID), min_length=1, max_length=MOST, help_text="Ids."
    )
    reason = Text(
        max_length=REASON_MOST,
        required=False,
        default="",
        allow_blank=True,
        help_text="Why they are held, or what their senders are told.",
    )


class QueueDone(Shown):
    """What came of it. What left meanwhile, or is not all yours, is passed over."""

    done = serializers.IntegerField(help_text="To how many messages it was done.")
    passed_over = serializers.IntegerField()
    undo = serializers.ListField(
        child=serializers.CharField(),
        help_text="What takes it back (`POST /queue/undo`); none if nothing does.",
    )


class QueueUndo(Form):
    """What is taken back."""

    undo = serializers.ListField(
        child=Text(max_length=LONGEST_ID),
        min_length=1,
        max_length=MOST,
        help_text="As the act was answered.",
    )


class QueueUndone(Shown):
    """What was taken back."""

    done = serializers.IntegerField(help_text="How many messages are as they were.")


class QueueDestinationShown(Shown):
    """Where mail waits to go."""

    name = serializers.CharField(help_text="As the queue names it: `mx/example.org`.")
    state = serializers.CharField(
        help_text="`open`, `sending`, `closed` (nobody answers) or `paused`."
    )
    waiting = serializers.IntegerField(help_text="Recipients.")
    held = serializers.IntegerField()
    under_way = serializers.IntegerField()
    oldest_at = serializers.DateTimeField(allow_null=True, help_text="When the oldest came.")
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="Null is now.")
    closed_until = serializers.DateTimeField(allow_null=True)
    reply = serializers.CharField(allow_blank=True, help_text="What was said there last.")
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_by = serializers.CharField(allow_blank=True, help_text="Operators alone are told.")


class QueueDestinationsShown(Shown):
    """Destinations with mail in sight, most of it first."""

    paused_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when all sending is paused; null if it is not."
    )
    items = QueueDestinationShown(many=True)


class QueueDestinationsSought(Form):
    """How many destinations are shown."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=100)


class QueueDestinationAct(Form):
    """What is done to a destination, or to all of them."""

    act = choices(PLACE_ACTS)
    destination = Text(
        max_length=LONGEST_PLACE,
        required=False,
        default=EVERYWHERE,
        help_text=f"As destinations are listed; `{EVERYWHERE}` is all of them.",
    )


class QueueDestinationDone(Shown):
    """What came of it."""

    is_news = serializers.BooleanField(help_text="Whether anything is otherwise than before.")
    recipients = serializers.IntegerField(help_text="How many are tried again now.")
