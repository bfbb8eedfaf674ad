"""What is sent and shown of webhooks, deliveries and events."""

from typing import Any

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.webhooks import kinds
from apps.webhooks.models import MAX_URL, State

_TYPES = (*kinds.GROUPS, *kinds.KINDS)


class WebhookChange(Form):
    """What is changed of a webhook."""

    url = Text(
        max_length=MAX_URL, help_text="An https URL; its server has a public address of its own."
    )
    types = serializers.ListField(
        child=serializers.ChoiceField([(one, one) for one in _TYPES]),
        max_length=len(_TYPES),
        required=False,
        help_text="Types of events, or groups of them such as `user`; empty is all.",
    )
    description = Text(
        max_length=200, required=False, allow_blank=True, help_text="What it is for."
    )
    is_enabled = serializers.BooleanField(
        required=False, help_text="Off: nothing is sent, and what happens meanwhile is not kept."
    )


class WebhookForm(WebhookChange):
    """A webhook of an organisation with its domains, of a domain, or, without either, of the whole
    installation."""

    organization = serializers.IntegerField(min_value=1, required=False, help_text="Its id.")
    domain = serializers.IntegerField(min_value=1, required=False, help_text="Its id.")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        """DRF's place for rules of several fields."""
        if "organization" in attrs and "domain" in attrs:
            raise serializers.ValidationError(
                "Name an organisation or a domain, not both", "one_of"
            )
        return attrs


class WebhookSought(Sought):
    """Which webhooks are listed."""

    organization = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of an organisation or a domain of it."
    )
    domain = serializers.IntegerField(min_value=1, required=False, help_text="Those of a domain.")
    is_enabled = serializers.BooleanField(required=False, allow_null=True, default=None)


class WebhookShown(Shown):
    """A webhook; its secret was shown once, when it was made."""

    id = serializers.IntegerField()
    organization = serializers.IntegerField(allow_null=True)
    domain = serializers.IntegerField(allow_null=True)
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField(), help_text="Empty is all.")
    description = serializers.CharField(allow_blank=True)
    is_enabled = serializers.BooleanField()
    stopped = serializers.CharField(
        allow_blank=True, help_text="Why it was switched off by the server; empty if it was not."
    )
    failures = serializers.IntegerField(
        help_text="How often in a row it failed; several at once are one."
    )
    created_at = serializers.DateTimeField()
    succeeded_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)


class WebhookSecretShown(Shown):
    """A secret that was just made."""

    secret = serializers.CharField(
        help_text="The key of the signatures: the only time that it is shown."
    )


class NewWebhookShown(WebhookShown):
    """A webhook that was just made."""

    secret = serializers.CharField(
        help_text="The key of its signatures: the only time that it is shown."
    )


class WebhookTestShown(Shown):
    """What came of a test."""

    is_delivered = serializers.BooleanField()
    status = serializers.IntegerField(
        allow_null=True, help_text="Of the answer; null if none came."
    )
    error = serializers.CharField(allow_blank=True, help_text="Why it was not delivered.")
    answer = serializers.CharField(allow_blank=True, help_text="The beginning of the answer.")
    took_ms = serializers.IntegerField()


class WebhookDeliverySought(Sought):
    """Which deliveries are listed."""

    state = serializers.ChoiceField(State.choices, required=False)


class WebhookDeliveryShown(Shown):
    """An event on its way to a webhook."""

    id = serializers.IntegerField()
    event = serializers.CharField(help_text="The id of the event.")
    type = serializers.CharField()
    state = serializers.ChoiceField(
        State.choices, help_text="`pending`: it is tried (again). `failed`: it was given up."
    )
    attempts = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True, help_text="Of the next attempt.")
    tried_at = serializers.DateTimeField(allow_null=True)
    status = serializers.IntegerField(allow_null=True, help_text="Of the last answer.")
    error = serializers.CharField(allow_blank=True)


class WebhookAttemptShown(Shown):
    """One attempt."""

    at = serializers.DateTimeField()
    took_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True, help_text="The beginning of the answer.")


class WebhookDeliveryDetails(WebhookDeliveryShown):
    """A delivery with what was sent, and with the last twenty attempts, the newest first."""

    payload = serializers.DictField(help_text="What is posted.")
    log = WebhookAttemptShown(many=True)


class EventSought(Sought):
    """Which events are listed."""

    after = Text(
        max_length=40, required=False, help_text="The id of an event: those that came after it."
    )


class EventShown(Shown):
    """Something that happened."""

    id = serializers.CharField()
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        """DRF's, with a field whose name is one of its own."""
        return {**super().get_fields(), "data": serializers.DictField()}
