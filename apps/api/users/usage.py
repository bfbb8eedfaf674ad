"""How much users keep and send, and may; and what they deleted and can have back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import sendlimits
from apps.api.forms import Form, Shown, Sought
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.sendlimits import LimitsForm, LimitsShown
from apps.api.users.choosing import BY_ADDRESS, chosen
from apps.api.users.forms import Choosing
from apps.api.users.shown import TAG
from apps.api.users.views import UserDoor
from apps.directory.models import SendLimit, User
from apps.mailstore.models import Usage
from apps.provisioning.administration import limits, restoring
from apps.provisioning.administration.sight import find_user
from apps.provisioning.sending import USER, meter_rows

_AT: Final = "2026-11-28T10:00:00Z"


class UsageSought(Choosing, Sought):
    """Whose usage is listed: as users are, in the order of their addresses."""


class UsageShown(Shown):
    """What a user keeps."""

    user = serializers.IntegerField(help_text="Id.")
    address = serializers.CharField()
    quota = serializers.IntegerField(help_text="Octets; 0 is no limit.")
    used = serializers.IntegerField(help_text="Octets.")
    messages = serializers.IntegerField()
    deleted = serializers.IntegerField(
        help_text="Octets that are kept of deleted mail; they count for no quota."
    )
    seen_at = serializers.DateTimeField(
        allow_null=True, help_text="When it last got in, up to half a day behind."
    )


class MeterShown(Shown):
    """What was sent in the hour or the day that runs; most 0 is no limit."""

    per = serializers.ChoiceField([("hour", "hour"), ("day", "day")])
    messages = serializers.IntegerField()
    most_messages = serializers.IntegerField()
    recipients = serializers.IntegerField()
    most_recipients = serializers.IntegerField()
    ends_at = serializers.DateTimeField()


class OneUsageShown(UsageShown):
    """What a user keeps and sends."""

    sending = MeterShown(many=True, help_text="Of this user alone; none where nothing is counted.")


_USAGE: Final = {
    "user": 112,
    "address": "ann@example.org",
    "quota": 5_000_000_000,
    "used": 1_234_567_890,
    "messages": 20_871,
    "deleted": 1_000_000,
    "seen_at": _AT,
}
_METER: Final = {
    "per": "day",
    "messages": 12,
    "most_messages": 2_000,
    "recipients": 15,
    "most_recipients": 5_000,
    "ends_at": "2026-11-29T00:00:00Z",
}


class Usages(UserDoor):
    """Of many users."""

    @operation(
        "usage_list",
        "List how much users keep",
        tag=TAG,
        seeks=UsageSought,
        gives=Lists(UsageShown, _USAGE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(UsageSought)
        return page(request, sought, chosen(self.powers, sought), BY_ADDRESS, _all)


def _all(rows: Sequence[User]) -> list[dict[str, Any]]:
    """One statement more."""
    found = Usage.objects.filter(user__in=[row.pk for row in rows])
    kept = {row.user_id: row for row in found}
    return [dict(UsageShown(_kept(row, kept.get(row.pk))).data) for row in rows]


def _kept(user: User, usage: Usage | None) -> dict[str, Any]:
    return {
        "user": user.pk,
        "address": user.address,
        "quota": user.quota,
        "used": 0 if usage is None else usage.size,
        "messages": 0 if usage is None else usage.messages,
        "deleted": 0 if usage is None else usage.expunged,
        "seen_at": user.seen_at,
    }


class OneUsage(UserDoor):
    """Of one."""

    @operation(
        "usage_show",
        "Show how much a user keeps and sends",
        tag=TAG,
        gives=Gives(OneUsageShown, {**_USAGE, "sending": [_METER]}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        user = find_user(self.powers, user_id)
        kept = _kept(user, Usage.objects.filter(user=user).first())
        meters = [row for row in meter_rows(user) if row.scope == USER]
        return self.shown(dict(OneUsageShown({**kept, "sending": meters}).data))


class UserLimits(UserDoor):
    """How much a user may send; operators say it."""

    matches = frozenset({"PATCH"})

    @operation(
        "user_limits_show",
        "Show how much a user may send",
        tag=TAG,
        gives=Gives(LimitsShown, sendlimits.EXAMPLE),
    )
    def get(self, request: Request, user_id: int) -> Response:
        find_user(self.powers, user_id)
        return self.shown(sendlimits.shown(SendLimit.objects.filter(user_id=user_id).first()))

    @operation(
        "user_limits_change",
        "Say how much a user may send",
        tag=TAG,
        sends=Sends(LimitsForm, {"messages_per_day": 500}),
        gives=Gives(LimitsShown, sendlimits.EXAMPLE),
    )
    def patch(self, request: Request, user_id: int) -> Response:
        asked = self.asked(LimitsForm, partial=True).validated_data
        rows = SendLimit.objects.filter(user_id=user_id)
        with transaction.atomic():
            find_user(self.powers, user_id)
            self.demand_unchanged(rows, lambda: sendlimits.shown(rows.first()))
            if asked:
                limits.set_user(powers=self.powers, user_id=user_id, changes=asked)
            return self.shown(sendlimits.shown(rows.first()))


class SinceSought(Form):
    """Since when mail was deleted."""

    since = serializers.DateTimeField()


class DeletedShown(Shown):
    """What was deleted since then, and can be brought back."""

    messages = serializers.IntegerField(help_text="Of folders that are still there.")
    folders = serializers.IntegerField(help_text="Deleted ones, with all that is in them.")
    size = serializers.IntegerField(help_text="Octets.")


class RestoredShown(Shown):
    """What was brought back."""

    messages = serializers.IntegerField()


class DeletedMail(UserDoor):
    """What a user has deleted: how much, and nothing of it."""

    is_idempotent = True  # what is back is not deleted any more; it takes several transactions

    @operation(
        "user_deleted_mail_show",
        "Show how much a user has deleted since a moment",
        tag=TAG,
        more="No subject, no sender, no name of a folder: nobody reads others' mail.",
        seeks=SinceSought,
        gives=Gives(DeletedShown, {"messages": 12, "folders": 1, "size": 345_678}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        find_user(self.powers, user_id)
        since = _seconds(self.sought(SinceSought)["since"])
        found = restoring.deleted(powers=self.powers, user_id=user_id, since=since)
        return self.shown(dict(DeletedShown(found).data))

    @operation(
        "user_deleted_mail_restore",
        "Bring back what a user has deleted since a moment",
        tag=TAG,
        more="To where it was; the user is told.",
        sends=Sends(SinceSought, {"since": _AT}),
        gives=Gives(RestoredShown, {"messages": 12}),
    )
    def post(self, request: Request, user_id: int) -> Response:
        since = _seconds(self.asked(SinceSought).validated_data["since"])
        done = restoring.restore(powers=self.powers, user_id=user_id, since=since)
        return Response(RestoredShown({"messages": done.messages}).data)


def _seconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp()))
