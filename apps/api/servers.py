"""Other servers that mail goes through."""

from typing import Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Text
from apps.directory.models import TransportTls
from apps.directory.services.transports import MAX_PASSWORD

LONGEST_HOST: Final = 254


class ServerForm(Form):
    """Another server that mail goes through."""

    host = Text(max_length=LONGEST_HOST, help_text="A name, whose MX is not asked, or an address.")
    port = serializers.IntegerField(
        min_value=1, max_value=65535, required=False, help_text="If it is not the usual one."
    )
    tls = serializers.ChoiceField(
        TransportTls.choices, required=False, help_text="`verify` where there is a password."
    )
    username = Text(max_length=320, required=False, allow_blank=True, default="")
    password = Text(
        max_length=MAX_PASSWORD,
        required=False,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        write_only=True,
        help_text="Kept sealed, never shown.",
    )


class ServerShown(Shown):
    """A server; its password is never shown."""

    host = serializers.CharField()
    port = serializers.IntegerField()
    tls = serializers.ChoiceField(TransportTls.choices)
    username = serializers.CharField()
