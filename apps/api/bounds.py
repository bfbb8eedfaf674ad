"""Where and until when a secret works."""

from rest_framework import serializers

from apps.api.forms import Form, Text
from apps.directory.services.credentials import MAX_NETWORKS


class BoundForm(Form):
    """A secret that may be bound to networks and to a last day."""

    networks = serializers.ListField(
        child=Text(max_length=60),
        max_length=MAX_NETWORKS,
        default=list,
        help_text="Addresses or networks from which it works; none is everywhere.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null is never."
    )
