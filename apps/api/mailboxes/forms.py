"""What is sent and shown of mailboxes."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.mailstore.models import SpecialUse
from apps.mailstore.services.mailboxes import NAME_MAX

USES: Final = [(use.value, use.value) for use in SpecialUse if use]
_GIVEN: Final = [("", "none"), *(one for one in USES if one[0] != SpecialUse.INBOX)]
_USE: Final = "What it is for (RFC 6154); empty for nothing. It is taken from who had it."


class MailboxForm(Form):
    """A mailbox to make."""

    name = Text(
        max_length=NAME_MAX,
        help_text="Levels are parted by `/`; those above are made where they are missing.",
    )
    special_use = serializers.ChoiceField(_GIVEN, default="", help_text=_USE)
    is_subscribed = serializers.BooleanField(
        default=True, help_text="Mail programs show it without being asked for all."
    )


class MailboxChange(Form):
    """What is changed of a mailbox: what is left out stays as it is."""

    name = Text(
        max_length=NAME_MAX,
        required=False,
        help_text="What is below it goes along. INBOX stays, and is emptied into a new mailbox.",
    )
    special_use = serializers.ChoiceField(_GIVEN, required=False, help_text=_USE)
    is_subscribed = serializers.BooleanField(required=False)


class MailboxSought(Sought):
    """Which mailboxes are listed."""

    name = Text(max_length=NAME_MAX, required=False, help_text="Those called so.")
    special_use = serializers.ChoiceField(USES, required=False, help_text="Those that are for it.")
    owner = Text(max_length=320, required=False, help_text="Those of this address.")


class MailboxShown(Shown):
    """A mailbox."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    special_use = serializers.ChoiceField([("", "none"), *USES])
    owner = serializers.CharField(help_text="The address of whose it is.")
    is_shared = serializers.BooleanField(help_text="It is another's, who shares it.")
    rights = serializers.CharField(help_text="What you may do there: letters of RFC 4314.")
    messages = serializers.IntegerField()
    unread = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Octets.")
    uid_validity = serializers.IntegerField(
        help_text="While it is the same, a UID names the same message."
    )
    uid_next = serializers.IntegerField(help_text="The UID of the next message, or a lower one.")
    modseq = serializers.IntegerField(help_text="Rises with every change of a message.")


class DeletedMailboxShown(Shown):
    """A deleted mailbox that can be restored."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    deleted_at = serializers.DateTimeField()
    messages = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Octets.")


class DeletedMailboxesShown(Shown):
    """All of them, the latest first."""

    items = DeletedMailboxShown(many=True)
