"""Shared mailboxes and their members."""

from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about
from apps.api.sharing.forms import (
    MemberForm,
    MemberShown,
    MembersShown,
    SharedChange,
    SharedForm,
    SharedSought,
    sending,
    sent,
)
from apps.api.users.choosing import BY_ADDRESS, chosen
from apps.api.users.forms import UserShown
from apps.api.users.shown import EXAMPLE as USER
from apps.api.users.shown import shown
from apps.api.users.views import change
from apps.directory.models import Kind, User
from apps.directory.services.names import POSTMASTER
from apps.provisioning.administration import members as parts
from apps.provisioning.administration import sharing, users
from apps.provisioning.administration.members import Member
from apps.provisioning.administration.sight import find_user
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    LimitReached,
    NotFound,
)

TAG: Final = "Sharing"
EXAMPLE: Final = {**USER, "address": "office@example.org", "name": "Office", "kind": "shared"}
_MEMBER: Final = {
    "id": 112,
    "address": "ann@example.org",
    "name": "Ann Archer",
    "level": "write",
    "rights": {"lrswite": 5},
    "sending": "as",
}
_GIVES: Final = Gives(UserShown, EXAMPLE)


class SharingDoor(Door):
    """What these doors have in common."""

    resource = "sharing"


class SharedMailboxes(SharingDoor):
    """All of them."""

    @operation(
        "shared_mailboxes_list",
        "List shared mailboxes",
        tag=TAG,
        more="In the order of their addresses; without those that domains have for their"
        " postmasters.",
        seeks=SharedSought,
        gives=Lists(UserShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(SharedSought)
        found = chosen(self.powers, {**sought, "kind": Kind.SHARED.value})
        found = found.exclude(key__startswith=f"{POSTMASTER}@")
        return page(request, sought, found, BY_ADDRESS, lambda rows: [shown(row) for row in rows])

    @operation(
        "shared_mailboxes_create",
        "Add a shared mailbox",
        tag=TAG,
        sends=Sends(SharedForm, {"address": "office@example.org", "name": "Office"}),
        gives=Gives(UserShown, EXAMPLE, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(SharedForm).validated_data
        with (
            about("/address", InvalidAddress, NotFound, AlreadyExists, InUse),
            about("/name", InvalidName),
            about("/quota", LimitReached),
        ):
            row, _ = users.create(powers=self.powers, kind=Kind.SHARED, **asked)
        made = shown(find_user(self.powers, row.pk))
        return self.made(made, reverse("api-shared-mailbox", args=[row.pk]))


class SharedMailbox(SharingDoor):
    """One of them."""

    matches = frozenset({"PATCH", "DELETE"})

    @operation("shared_mailboxes_show", "Show a shared mailbox", tag=TAG, gives=_GIVES)
    def get(self, request: Request, user_id: int) -> Response:
        return self.shown(shown(sharing.find_shared(self.powers, user_id)))

    @operation(
        "shared_mailboxes_change",
        "Change, suspend or resume a shared mailbox",
        tag=TAG,
        sends=Sends(SharedChange, {"name": "Front office"}),
        gives=_GIVES,
    )
    def patch(self, request: Request, user_id: int) -> Response:
        asked = self.asked(SharedChange, partial=True).validated_data
        with transaction.atomic():
            self._unchanged(user_id)
            return self.shown(change(self, user_id, asked))

    @operation(
        "shared_mailboxes_delete",
        "Remove a shared mailbox",
        tag=TAG,
        more="Its mail is kept for a while, in which it can be brought back"
        " (`removed_users_restore`).",
    )
    def delete(self, request: Request, user_id: int) -> Response:
        with transaction.atomic():
            self._unchanged(user_id)
            users.remove(powers=self.powers, user_id=user_id)
        return self.gone()

    def _unchanged(self, user_id: int) -> None:
        sharing.find_shared(self.powers, user_id)
        rows = User.objects.filter(pk=user_id)
        self.demand_unchanged(rows, lambda: shown(sharing.find_shared(self.powers, user_id)))


def _member(one: Member) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _MEMBER if name != "sending"}
    how = sending(is_as=one.sends_as, is_on_behalf=one.sends_on_behalf)
    return dict(MemberShown({**values, "sending": how}).data)


class Members(SharingDoor):
    """Who uses one."""

    @operation(
        "shared_mailbox_members_list",
        "List the members of a shared mailbox",
        tag=TAG,
        gives=Gives(MembersShown, {"items": [_MEMBER]}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        box = sharing.find_shared(self.powers, user_id)
        return self.shown({"items": [_member(one) for one in parts.members(self.powers, box)]})

    @operation(
        "shared_mailbox_members_set",
        "Let somebody use a shared mailbox, or change what they may",
        tag=TAG,
        sends=Sends(MemberForm, {"member": "ann@example.org", "level": "write", "sending": "as"}),
        gives=Gives(MembersShown, {"items": [_MEMBER]}),
    )
    def post(self, request: Request, user_id: int) -> Response:
        asked = self.asked(MemberForm).validated_data
        box = sharing.find_shared(self.powers, user_id)
        with about("/member", NotFound, InvalidAddress, InvalidName, LimitReached):
            sharing.set_member(
                powers=self.powers,
                user_id=user_id,
                member=asked["member"],
                level=asked["level"],
                **sent(asked["sending"]),
            )
        return self.shown({"items": [_member(one) for one in parts.members(self.powers, box)]})


class OneMember(SharingDoor):
    """One of them."""

    @operation(
        "shared_mailbox_members_delete",
        "Take a member out of a shared mailbox",
        tag=TAG,
    )
    def delete(self, request: Request, user_id: int, member_id: int) -> Response:
        sharing.remove_member(powers=self.powers, user_id=user_id, member_id=member_id)
        return self.gone()


class Everybody(SharingDoor):
    """What anyone of the organisation may do."""

    @operation(
        "shared_mailbox_everybody_delete",
        "Share a mailbox no longer with everybody of the organisation",
        tag=TAG,
    )
    def delete(self, request: Request, user_id: int) -> Response:
        sharing.remove_member(powers=self.powers, user_id=user_id, member_id=None)
        return self.gone()
