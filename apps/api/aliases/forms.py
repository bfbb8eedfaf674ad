"""What is sent and shown of aliases and groups."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.directory.models import State
from apps.directory.services.aliases import MAX_TARGETS, parse_address
from apps.provisioning.aliaslists import Sort
from apps.wire.errors import InvalidAddress

LONGEST_PATTERN: Final = 500  # characters
LONGEST_ADDRESS: Final = 320
_STATES: Final = [(one.value, one.label) for one in (State.ACTIVE, State.SUSPENDED)]
_KINDS: Final = [(one.value, one.value) for one in Sort]
_PATTERN: Final = (
    "`sales@example.org`; a pattern, `sales-*@example.org`; a regular expression for the whole part"
    " before the @, `/sales-[0-9]+/@example.org`; or all that nobody else has, `*@example.org`."
)
_KIND: Final = (
    "`group`: an address with several targets, its members; `pattern`: asterisks or a regular"
    " expression; `catch_all`: whatever nobody else has."
)


class TargetField(Text):
    """An address that may stand in an alias."""

    def to_internal_value(self, data: Any) -> str:
        """DRF's, and this rule."""
        text = super().to_internal_value(data)
        try:
            address = str(parse_address(text))
        except InvalidAddress as error:
            raise serializers.ValidationError(error.reply.text, "invalid_address") from None
        if "*" in address:
            words = "A target is an address, not a pattern"
            raise serializers.ValidationError(words, "invalid_address")
        return address


def _targets(words: str, *, required: bool = True) -> serializers.ListField:
    return serializers.ListField(
        child=TargetField(max_length=LONGEST_ADDRESS),
        min_length=1,
        max_length=MAX_TARGETS,
        required=required,
        help_text=words,
    )


class AliasForm(Form):
    """An alias or a group: mail for its address goes to its targets."""

    address = Text(max_length=LONGEST_PATTERN, help_text=_PATTERN)
    targets = _targets("Where its mail goes, here or elsewhere.")


class AliasChange(Form):
    """What is changed of an alias: what is left out stays as it is."""

    state = serializers.ChoiceField(
        _STATES, required=False, help_text="`suspended`: mail for it is refused."
    )
    targets = _targets("These, and no others.", required=False)


class TargetsForm(Form):
    """More targets."""

    targets = _targets("Those that it has already are left as they are.")


class AliasSought(Sought):
    """Which aliases are listed."""

    address = Text(
        max_length=LONGEST_PATTERN, required=False, help_text="The one that is written so."
    )
    begins = Text(
        max_length=LONGEST_PATTERN, required=False, help_text="Those whose own address begins so."
    )
    target = Text(
        max_length=LONGEST_ADDRESS, required=False, help_text="Those that lead to this address."
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of this domain, by its id."
    )
    kind = serializers.ChoiceField(_KINDS, required=False, help_text=_KIND)
    state = serializers.ChoiceField(_STATES, required=False)


class AliasShown(Shown):
    """An alias or a group."""

    id = serializers.IntegerField()
    address = serializers.CharField(help_text=_PATTERN)
    domain = serializers.IntegerField(help_text="Id of its domain.")
    kind = serializers.ChoiceField(_KINDS, help_text=_KIND)
    state = serializers.ChoiceField(_STATES)
    targets = serializers.ListField(
        child=serializers.CharField(), help_text="In the order in which they were added."
    )
    created_at = serializers.DateTimeField()
