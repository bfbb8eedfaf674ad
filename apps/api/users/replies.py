"""What is done for people who are away: absence replies, and the end of forwards.

Whoever writes to the person is told the reply, so its words are no secret of theirs; who may not
change it is not shown it. Mail is never sent on to somebody by an administrator: that would be
reading along.
"""

from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.forms import Form, Shown, Text
from apps.api.operations import Gives, Sends, operation
from apps.api.problems import about, fields
from apps.api.users.shown import TAG
from apps.api.users.views import UserDoor
from apps.directory.models import Forward, User
from apps.directory.permissions import Ability
from apps.directory.services import forwards
from apps.provisioning.administration import replies
from apps.provisioning.administration.sight import demand_on, find_user
from apps.sieve import queries
from apps.sieve.models import Audience, Vacation
from apps.sieve.services import SUBJECT_MOST, TEXT_MOST
from apps.wire.errors import InvalidName

_FIELDS: Final = {"subject": "/subject", "text": "/text", "dates": "/ends_at"}


class UserReplyForm(Form):
    """What everybody who writes is told."""

    subject = Text(max_length=SUBJECT_MOST, required=False, allow_blank=True, default="")
    text = Text(max_length=TEXT_MOST, trim_whitespace=False)
    starts_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null is at once."
    )
    ends_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Null is until it is turned off."
    )


class UserReplyShown(Shown):
    """The absence reply of a user."""

    is_on = serializers.BooleanField()
    subject = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    outside_text = serializers.CharField(
        allow_blank=True, help_text="What those outside of the organisation are told, if `split`."
    )
    audience = serializers.ChoiceField(Audience.choices, help_text="Who is told.")
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)


class UserForwardShown(Shown):
    """An address that a user's mail is sent on to."""

    id = serializers.IntegerField()
    address = serializers.CharField()
    has_agreed = serializers.BooleanField(help_text="It gets nothing before it has.")
    keeps_copy = serializers.BooleanField(help_text="The mailbox gets the mail too.")
    asked_at = serializers.DateTimeField()


class UserForwardsShown(Shown):
    """All of a user's, the oldest first."""

    items = UserForwardShown(many=True)


_REPLY: Final = {
    "is_on": True,
    "subject": "Away until Monday",
    "text": "I am away until Monday. Please write to office@example.org.",
    "outside_text": "",
    "audience": "everyone",
    "starts_at": None,
    "ends_at": "2026-11-30T06:00:00Z",
}
_SENT: Final = {name: _REPLY[name] for name in ("subject", "text", "ends_at")}
_FORWARD: Final = {
    "id": 8,
    "address": "ann@example.com",
    "has_agreed": True,
    "keeps_copy": True,
    "asked_at": "2026-11-28T10:00:00Z",
}
_GIVES: Final = Gives(UserReplyShown, _REPLY)


class ReplyDoor(UserDoor):
    """What these doors have in common."""

    def owner(self, user_id: int) -> User:
        """The user; raise NotFound, NotPermitted."""
        user = find_user(self.powers, user_id)
        demand_on(self.powers, Ability.CHANGE_REPLIES, user)
        return user


class UserReply(ReplyDoor):
    """The absence reply."""

    matches = frozenset({"PUT"})

    @operation("user_vacation_show", "Show a user's absence reply", tag=TAG, gives=_GIVES)
    def get(self, request: Request, user_id: int) -> Response:
        return self.shown(_shown(queries.of_user(self.owner(user_id).pk)))

    @operation(
        "user_vacation_set",
        "Turn a user's absence reply on",
        tag=TAG,
        more="The user is told.",
        sends=Sends(UserReplyForm, _SENT),
        gives=_GIVES,
    )
    def put(self, request: Request, user_id: int) -> Response:
        asked = self.asked(UserReplyForm).validated_data
        with transaction.atomic(), fields(_FIELDS), about("", InvalidName):
            self.owner(user_id)
            rows = Vacation.objects.filter(pk=user_id)
            self.demand_unchanged(rows, lambda: _shown(queries.of_user(user_id)))
            replies.set_reply(
                powers=self.powers,
                user_id=user_id,
                subject=asked["subject"],
                text=asked["text"],
                starts_at=_seconds(asked["starts_at"]),
                ends_at=_seconds(asked["ends_at"]),
            )
        return self.shown(_shown(queries.of_user(user_id)))

    @operation(
        "user_vacation_delete",
        "Turn a user's absence reply off",
        tag=TAG,
        more="Its words stay; the user is told.",
    )
    def delete(self, request: Request, user_id: int) -> Response:
        replies.end_reply(powers=self.powers, user_id=user_id)
        return self.gone()


def _shown(row: Vacation) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _REPLY if not name.endswith("_at")}
    moments = {name: _moment(getattr(row, name)) for name in ("starts_at", "ends_at")}
    return dict(UserReplyShown({**values, **moments}).data)


def _seconds(moment: datetime | None) -> int:
    """Unix seconds; 0 for none. What is before 1970 is none that the service takes."""
    return 0 if moment is None else int(moment.timestamp()) or -1


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class UserForwards(ReplyDoor):
    """Where mail is sent on to."""

    @operation(
        "user_forwards_list",
        "List the addresses that a user's mail is sent on to",
        tag=TAG,
        gives=Gives(UserForwardsShown, {"items": [_FORWARD]}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        items = [_forward(row) for row in forwards.living(self.owner(user_id))]
        return self.shown(dict(UserForwardsShown({"items": items}).data))


def _forward(row: Forward) -> dict[str, Any]:
    return {
        "id": row.pk,
        "address": row.address,
        "has_agreed": row.confirmed_at is not None,
        "keeps_copy": row.keeps_copy,
        "asked_at": row.asked_at,
    }


class UserForward(ReplyDoor):
    """One of them."""

    @operation(
        "user_forwards_delete",
        "Let a user's mail no longer be sent on to an address",
        tag=TAG,
        more="The user is told.",
    )
    def delete(self, request: Request, user_id: int, forward_id: int) -> Response:
        replies.end_forward(powers=self.powers, user_id=user_id, forward_id=forward_id)
        return self.gone()
