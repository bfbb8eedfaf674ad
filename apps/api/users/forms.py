"""What is sent and shown of users."""

from typing import Any, Final

from rest_framework import serializers

from apps.api.forms import Form, Shown, Sought, Text
from apps.directory.choosing import NO_ROLE
from apps.directory.models import Kind, Role, UserState
from apps.directory.passwords import MAX_PASSWORD
from apps.directory.services.users import MAX_NAME

LONGEST_ADDRESS: Final = 320
MOST_OCTETS: Final = 2**62
MOST_DAYS: Final = 3_650
ADDRESS, NAME, IDLE = "address", "name", "idle"
STATES: Final = tuple(one for one in UserState if one is not UserState.REMOVED)
_STATE_WORDS: Final = "`locked`: signs in nowhere, mail is received. `suspended`: mail is refused."
_QUOTA: Final = "Octets; 0 is no limit"


def password_field(words: str) -> Text:
    """A password that somebody is to get, as it was sent."""
    return Text(
        max_length=MAX_PASSWORD,
        required=False,
        trim_whitespace=False,
        write_only=True,
        help_text=words,
    )


class UserForm(Form):
    """A user to add. How it signs in first: with `password`; with a link that goes to `invite`; or,
    if neither is said, with a temporary password, which the answer shows this once."""

    address = Text(max_length=LONGEST_ADDRESS, help_text="In a domain that is hosted here.")
    name = Text(max_length=MAX_NAME, required=False, allow_blank=True, default="")
    quota = serializers.IntegerField(
        min_value=0,
        max_value=MOST_OCTETS,
        required=False,
        help_text=f"{_QUOTA}; without: the domain's default.",
    )
    kind = serializers.ChoiceField(
        [(Kind.PERSON.value, "a person"), (Kind.RESOURCE.value, "a room, a device")],
        default=Kind.PERSON.value,
        help_text="Shared mailboxes have a door of their own.",
    )
    password = password_field("Not one that everybody tries first; as long as the domain asks for.")
    must_change_password = serializers.BooleanField(
        required=False,
        help_text="Another password is asked for at the first sign-in; without: of a temporary one"
        " alone.",
    )
    invite = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text="Another address of the person, which gets a link.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """DRF's place for rules of several fields."""
        if "password" in attrs and "invite" in attrs:
            words = "Who is invited chooses a password: leave one of the two out"
            raise serializers.ValidationError({"invite": [words]}, "one_of")
        if attrs["kind"] != Kind.PERSON.value:
            for name in ("password", "must_change_password", "invite"):
                if name in attrs:
                    words = "Only a person signs in: leave it out"
                    raise serializers.ValidationError({name: [words]}, "persons_only")
        return attrs


class UserChange(Form):
    """What is changed of a user: what is left out stays as it is."""

    name = Text(max_length=MAX_NAME, required=False, allow_blank=True)
    quota = serializers.IntegerField(
        min_value=0, max_value=MOST_OCTETS, required=False, help_text=f"{_QUOTA}."
    )
    state = serializers.ChoiceField(
        [(one.value, one.value) for one in STATES], required=False, help_text=_STATE_WORDS
    )
    must_change_password = serializers.BooleanField(
        required=False,
        help_text="`true`: it has to choose another password at its next sign-in, which ends this"
        " by itself.",
    )

    def validate_must_change_password(self, value: bool) -> bool:
        """Nobody takes it back: it may have been asked for a good reason."""
        if not value:
            raise serializers.ValidationError("It ends by itself: leave it out", "not_taken_back")
        return value


class Choosing(Form):
    """What lists of users narrow by."""

    address = Text(
        max_length=LONGEST_ADDRESS, required=False, help_text="The one who has this address."
    )
    begins = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text="Those whose addresses begin so.",
    )
    text = Text(
        max_length=LONGEST_ADDRESS,
        required=False,
        help_text="Those with this in their names or addresses.",
    )
    domain = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of this domain, by its id."
    )
    organization = serializers.IntegerField(
        min_value=1, required=False, help_text="Those of this organisation, by its id."
    )
    kind = serializers.ChoiceField(Kind.choices, required=False)
    state = serializers.ChoiceField([(one.value, one.value) for one in STATES], required=False)
    role = serializers.ChoiceField(
        [*Role.choices, (NO_ROLE, "no role")],
        required=False,
        help_text="Those who have such a role somewhere; `none`: those without any.",
    )
    has_factor = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Persons who have, or have not, a second factor.",
    )
    idle_days = serializers.IntegerField(
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
        help_text="Persons who were not seen for so many days.",
    )


class UserSought(Choosing, Sought):
    """Which users are listed."""

    sort = serializers.ChoiceField(
        [(ADDRESS, "addresses"), (NAME, "names"), (IDLE, "those not seen for longest first")],
        default=ADDRESS,
    )


class UserShown(Shown):
    """A user; also a shared mailbox, and a resource."""

    id = serializers.IntegerField()
    address = serializers.CharField(help_text="As its owner writes it.")
    domain = serializers.IntegerField(
        allow_null=True, help_text="Id; null for an operator whose address is not hosted here."
    )
    name = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(Kind.choices)
    state = serializers.ChoiceField([(one.value, one.value) for one in STATES])
    quota = serializers.IntegerField(help_text=f"{_QUOTA}.")
    has_factor = serializers.BooleanField(help_text="Whether it has a second factor.")
    must_change_password = serializers.BooleanField()
    forwarding = serializers.ChoiceField(
        [("", "nowhere"), ("copy", "a copy"), ("away", "all of it")],
        help_text="Whether its mail is sent on.",
    )
    created_at = serializers.DateTimeField()


class NewUserShown(UserShown):
    """A user who was just added."""

    password = serializers.CharField(
        allow_null=True,
        help_text="The temporary password, the only time that it is shown; null where there is"
        " none.",
    )


class UserRenameForm(Form):
    """Another address of a user; the old one becomes an alias."""

    address = Text(max_length=LONGEST_ADDRESS, help_text="In a domain in sight.")
