"""What is asked for and shown of what became of messages."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Shown, Sought, Text
from apps.trace.models import Direction, Outcome

LONGEST_NAME: Final = 253
MOST: Final = 500  # messages of a page
OUTCOMES: Final = [(one.value.replace(" ", "_"), one.label) for one in Outcome]


class TracesSought(Sought):
    """Which messages are listed."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MOST, default=100, help_text="How many there are on a page."
    )
    text = Text(
        max_length=500,
        required=False,
        help_text="An address or the beginning of one, a domain, a server's IP address, an id, a"
        " Message-ID, or words of the subject.",
    )
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="What came before.")
    direction = serializers.ChoiceField(Direction.choices, required=False)
    outcome = serializers.ChoiceField(OUTCOMES, required=False)
    role = serializers.ChoiceField(
        [("sender", "from it"), ("recipient", "to it")],
        required=False,
        help_text="What the address or domain in `text` has to do with the message.",
    )
    server = Text(
        max_length=LONGEST_NAME,
        required=False,
        help_text="Name of the other server, or what it ends with.",
    )
    min_points = serializers.FloatField(
        min_value=-1e6, max_value=1e6, required=False, help_text="Of the filter."
    )
    max_points = serializers.FloatField(min_value=-1e6, max_value=1e6, required=False)


class PassageShown(Shown):
    """A message, as far as you may know of it."""

    id = serializers.CharField(help_text="ULID of its trace.")
    at = serializers.DateTimeField(allow_null=True, help_text="When it began.")
    direction = serializers.ChoiceField(Direction.choices)
    sender = serializers.CharField(allow_blank=True, help_text="Empty for reports.")
    recipient = serializers.CharField(allow_blank=True, help_text="The first.")
    recipients = serializers.IntegerField(help_text="How many the envelope named.")
    subject = serializers.CharField(allow_blank=True)
    server = serializers.CharField(allow_blank=True, help_text="The other side's.")
    points = serializers.FloatField(allow_null=True, help_text="Of the filter.")
    outcome = serializers.ChoiceField(
        OUTCOMES, help_text="Of several recipients, of the one that needs most looking at."
    )
    cause = serializers.CharField(allow_blank=True, help_text="Why, in a sentence.")
    took = serializers.FloatField(
        allow_null=True, help_text="Seconds until the last recipient was settled."
    )


class TraceFoldShown(Shown):
    """What there is to know of a step."""

    title = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField(allow_blank=True))


class TraceStepShown(Shown):
    """Something that happened."""

    at = serializers.DateTimeField(allow_null=True)
    after = serializers.FloatField(help_text="Seconds since the beginning.")
    title = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    details = TraceFoldShown(many=True)


class TraceStandingShown(Shown):
    """Where a recipient stands."""

    address = serializers.CharField(allow_blank=True, help_text="As the sender wrote it.")
    state = serializers.CharField(
        help_text="`delivered`, `waiting`, `delayed`, `held`, `cancelled`, `deleted`, `returned`"
        " or `failed`."
    )
    sentence = serializers.CharField(allow_blank=True)
    reply = serializers.CharField(allow_blank=True, help_text="What the other server said.")
    status = serializers.CharField(allow_blank=True, help_text="Enhanced status code (RFC 3463).")
    tries = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)


class TraceCheckShown(Shown):
    """What was found out about who sent it."""

    name = serializers.CharField(help_text="`SPF`, `DKIM`, …")
    result = serializers.CharField()


class TraceRuleShown(Shown):
    """A rule of the filter that counted."""

    rule = serializers.CharField()
    points = serializers.FloatField()
    words = serializers.CharField(allow_blank=True)


class TraceVerdictShown(Shown):
    """What the filter thought of it."""

    points = serializers.FloatField(allow_null=True, help_text="Null if it was not asked.")
    junk = serializers.FloatField(help_text="From how many on mail goes to Junk.")
    refuse = serializers.FloatField(help_text="From how many on it is refused.")
    why = serializers.CharField(allow_blank=True)
    checks = TraceCheckShown(many=True)
    rules = TraceRuleShown(many=True)


class TraceLinkShown(Shown):
    """Another message that has to do with it."""

    id = serializers.CharField()
    words = serializers.CharField()


class TraceShown(Shown):
    """A message's whole way, as far as you may see it."""

    id = serializers.CharField(help_text="ULID of its trace.")
    headline = serializers.CharField(help_text="Where it is, and why.")
    at = serializers.DateTimeField(allow_null=True)
    took = serializers.FloatField(allow_null=True, help_text="Seconds.")
    direction = serializers.ChoiceField(Direction.choices)
    outcome = serializers.ChoiceField(OUTCOMES)
    door = serializers.CharField(allow_blank=True, help_text="By which it came.")
    sender = serializers.CharField(allow_blank=True)
    to = serializers.ListField(child=serializers.CharField(), help_text="The first hundred.")
    subject = serializers.CharField(allow_blank=True)
    message_id = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Octets.")
    client = serializers.CharField(allow_blank=True, help_text="Its IP address.")
    helo = serializers.CharField(allow_blank=True, help_text="What it called itself.")
    servers = serializers.ListField(child=serializers.CharField(), help_text="That were tried.")
    recipients = TraceStandingShown(many=True, help_text="A hundred, of more the worst.")
    steps = TraceStepShown(many=True, help_text="By time, the first 300.")
    verdict = TraceVerdictShown()
    links = TraceLinkShown(many=True)
    is_cut = serializers.BooleanField(help_text="More happened than is told.")
