"""What is sent and shown of mail that is kept from its readers."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.scan.models import QuarantineState, Reason

MOST: Final = 200  # messages of one request: each is a transaction
LONGEST_NAME: Final = 253
ACTS: Final = {
    "release": "they go to their readers, for good",
    "delete": "they go; `restore` has them back for a while",
    "restore": "what was deleted a moment ago is kept again",
    "block": "their senders are blocked for their readers' domains, and they are deleted",
    "digest": "their readers are sent today's digest at once",
}


class QuarantineSought(Sought):
    """Which messages are listed."""

    text = Text(
        max_length=400,
        required=False,
        help_text="Words, each of which stands in author, sender, recipient or subject.",
    )
    state = serializers.ChoiceField(
        QuarantineState.choices, required=False, default=QuarantineState.KEPT
    )
    reason = serializers.ChoiceField(Reason.choices, required=False)
    domain = Text(max_length=LONGEST_NAME, required=False, help_text="Of the recipient.")
    rule = Text(
        max_length=60,
        required=False,
        help_text="What the name of the rule that asked for it begins with.",
    )
    min_points = serializers.FloatField(
        min_value=-1e6, max_value=1e6, required=False, help_text="Of the filter."
    )
    max_points = serializers.FloatField(
        min_value=-1e6, max_value=1e6, required=False, help_text="Those with less."
    )
    is_wanted = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Those of which much speaks for it that their readers want them.",
    )
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="What was kept before.")


class KeptShown(Shown):
    """A reader's copy that is kept, or was."""

    id = serializers.IntegerField()
    trace = serializers.CharField(help_text="Id of the message's trace.")
    author = serializers.CharField(allow_blank=True, help_text="From, as it is written.")
    sender = serializers.CharField(allow_blank=True, help_text="Reverse path.")
    recipient = serializers.CharField(help_text="As the envelope named it.")
    subject = serializers.CharField(allow_blank=True)
    reason = serializers.ChoiceField(Reason.choices)
    rule = serializers.CharField(allow_blank=True, help_text="The one that asked for it.")
    why = serializers.CharField(allow_blank=True, help_text="The same as a sentence.")
    points = serializers.FloatField(help_text="Of the filter.")
    is_wanted = serializers.BooleanField(help_text="Much speaks for it that its reader wants it.")
    is_dangerous = serializers.BooleanField(
        help_text="It can do harm: it is released on its page in the console alone."
    )
    state = serializers.ChoiceField(QuarantineState.choices)
    size = serializers.IntegerField(help_text="Octets.")
    kept_at = serializers.DateTimeField(allow_null=True)
    kept_until = serializers.DateTimeField(
        allow_null=True, help_text="When it is deleted for good."
    )
    settled_at = serializers.DateTimeField(allow_null=True)


class KeptReasonShown(Shown):
    """A rule that counted."""

    rule = serializers.CharField()
    words = serializers.CharField(allow_blank=True)
    points = serializers.FloatField()
    demands = serializers.BooleanField(help_text="It asks for more than points do.")


class KeptProofShown(Shown):
    """What was found out about who sent it."""

    method = serializers.CharField(help_text="`SPF`, `DKIM`, …")
    result = serializers.CharField()
    named = serializers.CharField(allow_blank=True, help_text="The domain that it is about.")


class KeptWholeShown(KeptShown):
    """A kept copy, with all that is known of it."""

    sent_on = serializers.CharField(
        allow_blank=True, help_text="Where it was to be sent on; empty for a mailbox here."
    )
    has_reader = serializers.BooleanField(help_text="Whether a user of yours is to read it.")
    digests = serializers.CharField(
        allow_blank=True, help_text="How often its reader is told of held mail."
    )
    hints = serializers.ListField(
        child=serializers.CharField(), help_text="What speaks for it, in sentences."
    )
    proofs = KeptProofShown(many=True)
    reasons = KeptReasonShown(many=True, help_text="What counted, the gravest first.")
    junk_from = serializers.FloatField(
        allow_null=True, help_text="Points from which its reader's mail goes to Junk."
    )
    refuse_from = serializers.FloatField(allow_null=True)


class KeptLinkShown(Shown):
    """A link of it, as text."""

    words = serializers.CharField(allow_blank=True, help_text="What a reader sees of it.")
    href = serializers.CharField(allow_blank=True, help_text="Where it leads.")
    lies = serializers.BooleanField(help_text="The words look like another place.")


class KeptFileShown(Shown):
    """A file that comes with it."""

    name = serializers.CharField(allow_blank=True)
    type = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Octets, as it stands in the message.")


class KeptLookShown(Shown):
    """What stands in a kept message, as text: nothing of it can do anything."""

    text = serializers.CharField(allow_blank=True)
    hidden = serializers.CharField(allow_blank=True, help_text="Words in it that no reader sees.")
    is_html = serializers.BooleanField(help_text="It has no plain text.")
    header = serializers.CharField(allow_blank=True)
    links = KeptLinkShown(many=True)
    files = KeptFileShown(many=True)
    is_cut = serializers.BooleanField(help_text="There is more than is shown.")
    damage = serializers.ListField(child=serializers.CharField())


class KeptActForm(Form):
    """What is done to kept mail."""

    act = serializers.ChoiceField(
        list(ACTS.items()),
        help_text="; ".join(f"`{name}`: {words}" for name, words in ACTS.items()) + ".",
    )
    messages = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=MOST,
        help_text="Ids.",
    )
    teaches = serializers.BooleanField(
        default=True, help_text="The filter learns that what is released was wanted."
    )


class KeptActDone(Shown):
    """What came of one message."""

    id = serializers.IntegerField()
    is_done = serializers.BooleanField()
    code = serializers.CharField(allow_blank=True, help_text="Why not; empty if it was done.")
    detail = serializers.CharField(allow_blank=True)
    blocked = serializers.CharField(
        allow_blank=True, help_text="The sender as the domain's list has it, of `block`."
    )


class KeptActShown(Shown):
    """What came of each message, in the order in which they were named."""

    done = serializers.IntegerField()
    items = KeptActDone(many=True)
