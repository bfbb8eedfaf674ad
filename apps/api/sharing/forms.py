"""What is sent and shown of shared mailboxes, members and delegations."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.api.users.forms import LONGEST_ADDRESS, MOST_OCTETS, STATES
from apps.directory.services.users import MAX_NAME
from apps.provisioning.administration.sharing import LEVELS, NOTHING

NONE, ON_BEHALF, AS = "none", "on_behalf", "as"
_SENDING: Final = "`as`: nothing tells who wrote; `on_behalf`: the own name stands in it too."
_LEVELS: Final = (
    "`read`; `write`: sorts and deletes too; `manage`: makes and removes folders too; `none`: sends"
    " alone."
)


def sent(value: str) -> dict[str, bool]:
    """How somebody sends, as services take it."""
    return {"send_as": value == AS, "send_on_behalf": value == ON_BEHALF}


def sending(*, is_as: bool, is_on_behalf: bool) -> str:
    """The same as it is shown."""
    return AS if is_as else ON_BEHALF if is_on_behalf else NONE


class SharedForm(Form):
    """A shared mailbox to add: mail that several read, and nobody signs in as."""

    address = Text(max_length=LONGEST_ADDRESS, help_text="In a domain that is hosted here.")
    name = Text(max_length=MAX_NAME, required=False, allow_blank=True, default="")
    quota = serializers.IntegerField(
        min_value=0,
        max_value=MOST_OCTETS,
        required=False,
        help_text="Octets, 0 for no limit; without: the domain's default.",
    )


class SharedChange(Form):
    """What is changed of a shared mailbox: what is left out stays as it is."""

    name = Text(max_length=MAX_NAME, required=False, allow_blank=True)
    quota = serializers.IntegerField(min_value=0, max_value=MOST_OCTETS, required=False)
    state = serializers.ChoiceField([(one.value, one.value) for one in STATES], required=False)


class SharedSought(Sought):
    """Which shared mailboxes are listed."""

    address = Text(max_length=LONGEST_ADDRESS, required=False, help_text="The one at it.")
    begins = Text(
        max_length=LONGEST_ADDRESS, required=False, help_text="Those whose addresses begin so."
    )
    text = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text="Those with this in their names or addresses.",
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of this domain, by its id."
    )


class MemberForm(Form):
    """What somebody may do in a shared mailbox, exactly; in all folders that it has now."""

    member = Text(max_length=LONGEST_ADDRESS, help_text="Address of a person in sight.")
    level = serializers.ChoiceField([(one, one) for one in LEVELS], help_text=_LEVELS)
    sending = serializers.ChoiceField(
        [(NONE, "nothing"), (ON_BEHALF, "on behalf"), (AS, "as it")],
        default=NONE,
        help_text=_SENDING,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """DRF's place for rules of several fields."""
        if attrs["level"] == NOTHING and attrs["sending"] == NONE:
            words = "A member reads, or sends, or both"
            raise serializers.ValidationError({"level": [words]}, "no_part")
        return attrs


class MemberShown(Shown):
    """Somebody with a part in a shared mailbox."""

    id = serializers.IntegerField(
        allow_null=True, help_text="Of the user; null for everybody in the organisation."
    )
    address = serializers.CharField(allow_blank=True, help_text="Empty for everybody.")
    name = serializers.CharField(allow_blank=True, help_text="Empty for who is out of sight.")
    level = serializers.ChoiceField(
        [*((one, one) for one in LEVELS), ("", "other rights")],
        help_text="Empty: rights that were given one by one, or differ from folder to folder.",
    )
    rights = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Letters of rights (RFC 4314), and in how many folders they hold.",
    )
    sending = serializers.ChoiceField([(NONE, "nothing"), (ON_BEHALF, "on behalf"), (AS, "as it")])


class MembersShown(Shown):
    """All of them, by address, everybody last; the first 500."""

    items = MemberShown(many=True)


class DelegateForm(Form):
    """Who writes in a user's name, and how."""

    delegate = Text(max_length=LONGEST_ADDRESS, help_text="Address of a person in sight.")
    sending = serializers.ChoiceField(
        [(ON_BEHALF, "on behalf"), (AS, "as the user")], help_text=_SENDING
    )


class DelegationShown(Shown):
    """Somebody who writes in a name, or in whose name is written."""

    id = serializers.IntegerField(
        allow_null=True, help_text="Of the other one; null where that one is out of sight."
    )
    delegate = serializers.IntegerField(help_text="Whom to name to take it back.")
    address = serializers.CharField(allow_blank=True, help_text="Empty out of sight.")
    sending = serializers.ChoiceField([(NONE, "nothing"), (ON_BEHALF, "on behalf"), (AS, "as it")])


class FolderShareShown(Shown):
    """Somebody with whom folders are shared, or whose are."""

    address = serializers.CharField(
        allow_blank=True, help_text="`anyone` of the organisation; empty out of sight."
    )
    folders = serializers.IntegerField(help_text="How many; which ones is the owner's affair.")


class LendingShown(Shown):
    """What a user lets others do, and may do for others; of each list the first 200."""

    delegates = DelegationShown(many=True, help_text="Who writes in this name.")
    writes_for = DelegationShown(many=True, help_text="In whose names this user writes.")
    shared_with = FolderShareShown(many=True, help_text="With whom folders are shared.")
    reads_of = FolderShareShown(many=True, help_text="Whose folders this user may open.")
    is_whole = serializers.BooleanField(help_text="Whether no list goes on.")


class ShareSought(Form):
    """Whose rights end."""

    address = Text(max_length=LONGEST_ADDRESS, help_text="An address, or `anyone`.")
