"""What is asked for and shown of how the installation stands."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown
from apps.provisioning.health.checks import State
from apps.trace.flow import DAY, HOUR, MINUTE, QUARTER

STATES: Final = {one: one.name.lower() for one in State}
# Seconds of a step, and how many there are.
PERIODS: Final = {
    "1h": (2 * MINUTE, 30),
    "24h": (HOUR, 24),
    "7d": (QUARTER, 28),
    "30d": (DAY, 30),
    "90d": (DAY, 90),
}
COUNTS: Final = {
    "received": "Taken, for addresses here.",
    "sent": "Taken from users, for addresses elsewhere.",
    "delivered": "Received, and in a mailbox here.",
    "handed": "Sent, and accepted by the other servers.",
    "junk": "Put into Junk.",
    "quarantined": "Kept from their readers.",
    "refused": "Refused for good.",
    "put_off": "Asked to come back.",
    "deferred": "They wait for another try.",
    "bounced": "Accepted, and returned.",
    "viruses": "They carried one.",
    "octets": "Of what was taken.",
}


def _state() -> serializers.ChoiceField:
    told = "; ".join(f"`{name}`: {one.value.lower()}" for one, name in STATES.items())
    return serializers.ChoiceField([(one, one) for one in STATES.values()], help_text=f"{told}.")


class CheckShown(Shown):
    """One thing that was looked at."""

    key = serializers.CharField(help_text="The same each time: `database`, `door.imap`.")
    group = serializers.CharField()
    name = serializers.CharField()
    state = _state()
    sentence = serializers.CharField(help_text="How it stands.")
    advice = serializers.CharField(allow_blank=True, help_text="What to do.")


class HealthShown(Shown):
    """How everything stands."""

    state = _state()
    at = serializers.DateTimeField(help_text="When it was looked at.")
    checks = CheckShown(many=True)


class FlowSought(Form):
    """Of which time and whose mail figures are shown."""

    period = serializers.ChoiceField([(one, one) for one in PERIODS], required=False, default="24h")
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Id of a domain; without it all in sight."
    )


class FlowedShown(Shown):
    """How much mail went which way in a step of time."""

    at = serializers.DateTimeField(help_text="When it begins.")
    half_within = serializers.FloatField(
        allow_null=True, help_text="Seconds within which half of it was in its mailboxes."
    )
    most_within = serializers.FloatField(
        allow_null=True, help_text="The same of 95 of 100 messages."
    )

    def get_fields(self) -> dict[str, Any]:
        """One for each count."""
        counts = {name: serializers.IntegerField(help_text=told) for name, told in COUNTS.items()}
        return {**super().get_fields(), **counts}


class FlowShown(Shown):
    """Mail flow of a time."""

    unit = serializers.CharField(
        help_text="`messages` of all mail; `recipients` of domains, so that they can be added up."
    )
    step = serializers.IntegerField(help_text="Seconds of each step.")
    counted_until = serializers.DateTimeField(allow_null=True, help_text="What came later is not.")
    steps = FlowedShown(many=True, help_text="The oldest first.")


class QueueFigures(Shown):
    """What is in the queue."""

    messages = serializers.DictField(child=serializers.IntegerField(), help_text="By their state.")
    waiting = serializers.IntegerField(help_text="Recipients elsewhere that wait for a try.")
    oldest = serializers.FloatField(help_text="Seconds since the oldest of them came; 0 for none.")
    closed = serializers.IntegerField(help_text="Destinations that are not tried for a while.")


class FiguresShown(Shown):
    """The installation in numbers."""

    domains = serializers.IntegerField()
    domains_asleep = serializers.IntegerField(help_text="Locked or suspended.")
    users = serializers.IntegerField()
    users_asleep = serializers.IntegerField(help_text="Locked or suspended.")
    messages = serializers.IntegerField(help_text="In mailboxes.")
    used = serializers.IntegerField(help_text="Octets of all mailboxes.")
    queue = QueueFigures()
    quarantine = serializers.DictField(
        child=serializers.IntegerField(), help_text="Copies that are kept, by reason."
    )
