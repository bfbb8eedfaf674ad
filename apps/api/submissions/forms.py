"""What is sent and shown of letters."""

import base64
import binascii
import re
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.delivery.envelope import MOST
from apps.delivery.states import State
from apps.mime.composing import letter
from apps.mime.composing.filename import LONGEST as LONGEST_NAME

LONGEST_SUBJECT: Final = 900  # characters
LONGEST_TEXT: Final = 2_000_000  # characters
LONGEST_ADDRESS: Final = 700  # characters, with the name before it
FILES: Final = 100
_CID: Final = re.compile(r"[A-Za-z0-9.!#$&*+_~-]{1,100}(@[A-Za-z0-9.-]{1,100})?")
_ADDRESS: Final = "`ann@example.org` or `Ann Archer <ann@example.org>`."
_SEND_AT: Final = "When it leaves, up to 30 days ahead; now, if this is left out."
_COPY: Final = "Whether a copy is put into the mailbox for sent mail."


@extend_schema_field(OpenApiTypes.BYTE)
class Octets(serializers.Field[bytes, str, str, Any]):
    """Octets in base64 (RFC 4648 section 4)."""

    default_error_messages = {  # noqa: RUF012  (DRF's own idiom)
        "base64": "This is not base64: letters, digits, `+`, `/`, and `=` at its end"
    }

    def to_internal_value(self, data: Any) -> bytes:
        """The octets."""
        if not isinstance(data, str):
            self.fail("base64")
        try:
            return base64.b64decode(data.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError, ValueError):
            self.fail("base64")

    def to_representation(self, value: bytes) -> str:
        """Never shown."""
        return base64.b64encode(value).decode()


class MessageIds(Text):
    """Message-IDs with their angle brackets, blanks between them."""

    default_error_messages = {  # noqa: RUF012  (DRF's own idiom)
        "message_id": "Message-IDs stand in angle brackets: `<q3@example.com>`"
    }

    def to_internal_value(self, data: Any) -> str:
        """DRF's, and this rule."""
        text = super().to_internal_value(data)
        if text and letter.message_ids(text) != list(dict.fromkeys(text.split())):
            self.fail("message_id")
        return text


class FileForm(Form):
    """A file of a letter."""

    name = Text(max_length=LONGEST_NAME, help_text="Such as `figures.pdf`.")
    media_type = Text(
        max_length=130, default="application/octet-stream", help_text="Such as `application/pdf`."
    )
    content = Octets(help_text="Its octets in base64.")
    content_id = Text(
        max_length=201,
        required=False,
        help_text="Of a picture within the HTML, which names it as `cid:…`.",
    )

    def validate_content_id(self, value: str) -> str:
        """DRF's place for the rule of one field."""
        if not _CID.fullmatch(value):
            words = "A content id has letters, digits and dots, and perhaps a domain behind @"
            raise serializers.ValidationError(words, "invalid")
        return value


def _people(words: str) -> serializers.ListField:
    return serializers.ListField(
        child=Text(max_length=LONGEST_ADDRESS),
        max_length=MOST,
        default=list,
        help_text=f"{words}; each {_ADDRESS}",
    )


class LetterForm(Form):
    """A letter to send."""

    sender = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text=f"One of your addresses: {_ADDRESS} Your main one, if this is left out.",
    )
    to = _people("Recipients")
    cc = _people("Further recipients")
    bcc = _people("Recipients of whom the others learn nothing")
    reply_to = serializers.ListField(
        child=Text(max_length=LONGEST_ADDRESS), max_length=10, default=list
    )
    subject = Text(max_length=LONGEST_SUBJECT, allow_blank=True, default="")
    text = Text(
        max_length=LONGEST_TEXT,
        allow_blank=True,
        trim_whitespace=False,
        required=False,
        help_text="Plain text; made of the HTML, if this is left out.",
    )
    html = Text(
        max_length=LONGEST_TEXT,
        allow_blank=True,
        trim_whitespace=False,
        default="",
        help_text="Sent as it is.",
    )
    attachments = FileForm(many=True, default=list)
    in_reply_to = MessageIds(max_length=998, allow_blank=True, default="")
    references = MessageIds(max_length=16_000, allow_blank=True, default="")
    send_at = serializers.DateTimeField(required=False, allow_null=True, help_text=_SEND_AT)
    keeps_copy = serializers.BooleanField(default=True, help_text=_COPY)

    def validate_attachments(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """DRF's place for the rule of one field."""
        if len(value) > FILES:
            words = f"A letter has up to {FILES} files"
            raise serializers.ValidationError(words, "max_length")
        return value


class RawSought(Form):
    """How a message that is sent as it is goes out."""

    sender = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text="Where reports go: one of your addresses. Who From names, if left out.",
    )
    to = Text(
        max_length=60_000,
        required=False,
        help_text="Recipients, commas between them. Those of To, Cc and Bcc, if left out.",
    )
    send_at = serializers.DateTimeField(required=False, help_text=_SEND_AT)
    keeps_copy = serializers.BooleanField(default=True, help_text=_COPY)


class SubmissionChange(Form):
    """When a letter leaves."""

    send_at = serializers.DateTimeField(allow_null=True, help_text="Null is now.")


class SubmissionsSought(Sought):
    """Which letters are listed."""

    message_id = MessageIds(max_length=500, required=False, help_text="That with this Message-ID.")


class DestinationShown(Shown):
    """What became of one address."""

    address = serializers.CharField()
    state = serializers.ChoiceField([(one.value, one.value) for one in State])
    text = serializers.CharField(help_text="The same in a sentence, with what to do.")
    at = serializers.DateTimeField(allow_null=True, help_text="Since when it is so.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next.")
    host = serializers.CharField(help_text="The other server; empty for a mailbox here.")
    status = serializers.CharField(help_text="Enhanced status code (RFC 3463).")
    reply = serializers.CharField(help_text="What the other server said.")
    tls = serializers.CharField(help_text="How the way was encrypted.")
    tries = serializers.IntegerField()
    members = serializers.IntegerField(help_text="How many recipients the address stands for.")
    reached = serializers.IntegerField(help_text="How many of them have it.")


class SubmissionShown(Shown):
    """A letter that was sent, or waits for its time."""

    id = serializers.CharField()
    message_id = serializers.CharField()
    sender = serializers.CharField()
    subject = serializers.CharField()
    size = serializers.IntegerField(allow_null=True, help_text="Octets.")
    submitted_at = serializers.DateTimeField(allow_null=True)
    send_at = serializers.DateTimeField(
        allow_null=True, help_text="When it leaves; null if it has left, or leaves now."
    )
    state = serializers.ChoiceField(
        [(one.value, one.value) for one in State],
        allow_null=True,
        help_text="Of the recipient who stands worst; null once nothing is known any more.",
    )
    recipients = DestinationShown(many=True)
