"""What is sent and shown of tokens."""

from rest_framework import serializers

from apps.api.bounds import BoundForm
from apps.api.forms import Form, Shown, Text
from apps.directory.apitokens import SCOPES
from apps.directory.services.apitokens import MAX_PLACES


class TokenPlaceForm(Form):
    """An organisation with all its domains, or one domain; one of the two."""

    organization = serializers.IntegerField(min_value=1, required=False, help_text="Its id.")
    domain = serializers.IntegerField(min_value=1, required=False, help_text="Its id.")

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        """DRF's place for rules of several fields."""
        if len(attrs) != 1:
            raise serializers.ValidationError("A place is an organisation or a domain", "one_of")
        return attrs


class TokenForm(BoundForm):
    """A token of one's own; it reaches no further than the one that asks for it."""

    name = Text(max_length=100, help_text="What it is for; no other of yours has this name.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField([(one, one) for one in SCOPES]),
        min_length=1,
        max_length=len(SCOPES),
        help_text="What it may do; who may write may read.",
    )
    places = serializers.ListField(
        child=TokenPlaceForm(),
        min_length=1,
        max_length=MAX_PLACES,
        allow_null=True,
        default=None,
        help_text="Where; null is wherever you may act yourself.",
    )


class TokenPlaceShown(Shown):
    """Where a token works."""

    organization = serializers.IntegerField(allow_null=True)
    domain = serializers.IntegerField(allow_null=True)


class TokenShown(Shown):
    """A token; its text was shown once, when it was made."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="The end of its text.")
    scopes = serializers.ListField(child=serializers.CharField())
    places = TokenPlaceShown(many=True, allow_null=True)
    networks = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    has_expired = serializers.BooleanField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the hour.")
    last_used_from = serializers.CharField(allow_blank=True)


class NewTokenShown(TokenShown):
    """A token that was just made."""

    token = serializers.CharField(help_text="Its text: the only time that it is shown.")


class TokensShown(Shown):
    """All tokens of one's own, the oldest first."""

    items = TokenShown(many=True)
