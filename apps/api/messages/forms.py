"""What is sent and shown of messages."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_FLAGGED,
    FLAG_SEEN,
)
from apps.mailstore.services.keywords import is_keyword
from apps.search.language.parsing import LENGTH_MAX

FLAGS: Final = {
    "is_seen": FLAG_SEEN,
    "is_answered": FLAG_ANSWERED,
    "is_flagged": FLAG_FLAGGED,
    "is_draft": FLAG_DRAFT,
    "is_deleted": FLAG_DELETED,
}
MOST: Final = 1_000  # messages of one request
LARGEST_UID: Final = 2**32 - 1
_KEYWORDS: Final = 30


class Keyword(Text):
    """A keyword (RFC 9051 section 2.3.2)."""

    default_error_messages = {  # noqa: RUF012  (DRF's own idiom)
        "keyword": "A keyword is one word of ASCII without brackets, quotes, `*` and `%`"
    }

    def to_internal_value(self, data: Any) -> str:
        """DRF's, and this rule."""
        word = super().to_internal_value(data)
        if not is_keyword(word):
            self.fail("keyword")
        return word


def _uids() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_UID),
        min_length=1,
        max_length=MOST,
        help_text="UIDs within the mailbox; those that are not there are passed over.",
    )


def _words(words: str) -> serializers.ListField:
    return serializers.ListField(
        child=Keyword(max_length=100), max_length=_KEYWORDS, required=False, help_text=words
    )


def _flag(words: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, help_text=words)


class MarkForm(Form):
    """How messages are marked: what is left out stays as it is."""

    is_seen = _flag("It was read.")
    is_answered = _flag("It was answered.")
    is_flagged = _flag("It is to be found again.")
    is_draft = _flag("It is not finished yet.")
    is_deleted = _flag("Mail programs may expunge it.")
    add_keywords = _words("Such as `$Forwarded`, or labels of one's own.")
    remove_keywords = _words("Those that it has no more.")


class MarksForm(MarkForm):
    """The same for many."""

    uids = _uids()


class UidsForm(Form):
    """Messages of a mailbox."""

    uids = _uids()


class TransferForm(UidsForm):
    """Messages, and where they go."""

    mailbox = serializers.IntegerField(min_value=1, help_text="Id of the mailbox.")


class UploadSought(Form):
    """What a message that is put into a mailbox is marked with."""

    received_at = serializers.DateTimeField(
        required=False, help_text="When it came; now, if this is left out."
    )
    is_seen = serializers.BooleanField(default=False)
    is_answered = serializers.BooleanField(default=False)
    is_flagged = serializers.BooleanField(default=False)
    is_draft = serializers.BooleanField(default=False)


class MessagesSought(Sought):
    """A page of a mailbox."""


class SearchSought(Sought):
    """What is searched for."""

    query = Text(
        max_length=LENGTH_MAX,
        help_text="As in the search field of webmail: `from:ann subject:invoice is:unread`.",
    )
    deleted = serializers.BooleanField(
        default=False, help_text="What can be restored is searched, and nothing else."
    )


class PersonShown(Shown):
    """Somebody in a header."""

    name = serializers.CharField()
    address = serializers.CharField()


class MarkedShown(Shown):
    """How a message is marked."""

    uid = serializers.IntegerField(help_text="Its number within the mailbox.")
    modseq = serializers.IntegerField(help_text="Of its last change.")
    is_seen = serializers.BooleanField()
    is_answered = serializers.BooleanField()
    is_flagged = serializers.BooleanField()
    is_draft = serializers.BooleanField()
    is_deleted = serializers.BooleanField()
    keywords = serializers.ListField(child=serializers.CharField())


class MessageRowShown(MarkedShown):
    """A message in a list."""

    mailbox = serializers.IntegerField(help_text="Id of the mailbox.")
    subject = serializers.CharField()
    sender = PersonShown(help_text="Of From.")
    recipients = serializers.CharField(help_text="Of To and Cc, in words.")
    preview = serializers.CharField(help_text="How its text begins.")
    received_at = serializers.DateTimeField(allow_null=True)
    size = serializers.IntegerField(help_text="Octets.")
    has_attachments = serializers.BooleanField()


class MessagePartShown(Shown):
    """A file of a message."""

    part = serializers.IntegerField(help_text="What its address ends in.")
    name = serializers.CharField()
    media_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Octets, about.")


class MessageHeaderShown(Shown):
    """A field of the header."""

    name = serializers.CharField()
    value = serializers.CharField(help_text="Decoded.")


class MessageShown(MessageRowShown):
    """A whole message."""

    to = PersonShown(many=True)
    cc = PersonShown(many=True)
    bcc = PersonShown(many=True)
    reply_to = PersonShown(many=True)
    sent_at = serializers.DateTimeField(allow_null=True, help_text="Of Date.")
    message_id = serializers.CharField()
    text = serializers.CharField(help_text="Its plain text; empty if it has none.")
    html = serializers.CharField(
        help_text="As its sender wrote it: clean it before a browser sees it. Empty if it has none."
    )
    attachments = MessagePartShown(many=True)
    headers = MessageHeaderShown(many=True)


class AllMarkedShown(Shown):
    """Those of the messages that are there."""

    items = MarkedShown(many=True)


class MovedShown(Shown):
    """Where a message went."""

    uid = serializers.IntegerField(help_text="The one that was sent.")
    mailbox = serializers.IntegerField()
    new_uid = serializers.IntegerField(help_text="In that mailbox.")


class AllMovedShown(Shown):
    """Those of the messages that were there."""

    items = MovedShown(many=True)


class ExpungedShown(Shown):
    """Which messages were deleted."""

    uids = serializers.ListField(child=serializers.IntegerField())


class UploadedShown(Shown):
    """Where a message is."""

    mailbox = serializers.IntegerField()
    uid = serializers.IntegerField()


class DeletedMessageShown(Shown):
    """A deleted message that can be restored."""

    mailbox = serializers.IntegerField()
    uid = serializers.IntegerField(help_text="The one that it had.")
    subject = serializers.CharField()
    sender = PersonShown()
    recipients = serializers.CharField()
    received_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    size = serializers.IntegerField()


class FoundMessagesShown(Shown):
    """A page of what was found."""

    items = MessageRowShown(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")
    is_cut = serializers.BooleanField(
        help_text="Looking took too long for a whole page: go on at `next`."
    )
    hints = serializers.ListField(
        child=serializers.CharField(), help_text="What of the query was not understood."
    )
