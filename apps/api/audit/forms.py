"""What is asked for and shown of the audit log."""

from rest_framework import serializers

from apps.api.forms import Shown, Sought, Text

LONGEST = 320


class AuditSought(Sought):
    """Which acts are listed."""

    text = Text(
        max_length=LONGEST,
        required=False,
        help_text="Part of who acted, of what it was done to, or of the address it came from.",
    )
    actor = Text(max_length=LONGEST, required=False, help_text="Part of who acted.")
    subject = Text(max_length=LONGEST, required=False, help_text="Part of what it was done to.")
    action = Text(max_length=40, required=False, help_text="An action, or how some begin: `user.`.")
    user = serializers.IntegerField(
        min_value=1, required=False, help_text="What was done to this user, or by them."
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="What was done to this domain, or in it."
    )
    organization = serializers.IntegerField(min_value=1, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="What was done before.")


class ActShown(Shown):
    """What somebody did."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField(
        help_text="`user`; `command`, who runs commands on the machine; `service`, mailhost itself."
    )
    actor = serializers.CharField(help_text="By name, as it was then.")
    acting_for = serializers.CharField(allow_blank=True, help_text="As whom; empty for oneself.")
    door = serializers.CharField(allow_blank=True, help_text="`web`, `api`, `command`, …")
    token = serializers.CharField(
        source="via", allow_blank=True, help_text="The API token by which it was done."
    )
    address = serializers.CharField(allow_blank=True, help_text="The client's.")
    action = serializers.CharField(help_text="`user.suspend`: never changes.")
    subject = serializers.CharField(allow_blank=True, help_text="By its name, as it was then.")
    sentence = serializers.CharField(help_text="What one says after the actor's name.")
    detail = serializers.DictField(
        child=serializers.JSONField(), help_text="What was changed, and to what."
    )
