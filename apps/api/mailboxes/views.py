"""Mailboxes: one's own, and those that others share."""

from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.mailboxes.doors import MailDoor
from apps.api.mailboxes.forms import (
    DeletedMailboxesShown,
    DeletedMailboxShown,
    MailboxChange,
    MailboxForm,
    MailboxShown,
    MailboxSought,
)
from apps.api.mailboxes.shown import EXAMPLE, TAG, one_of, reachable
from apps.api.moments import of_seconds
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import answer, no_cursor
from apps.api.problems import Fault, Wrong, about
from apps.directory.written import stored_address
from apps.mailstore import recoverable
from apps.mailstore.models import SpecialUse
from apps.mailstore.namespaces import NAMESPACES
from apps.mailstore.reach import Place
from apps.mailstore.services import mailboxes, revive, roles
from apps.mailstore.services.mailboxes import SEPARATOR
from apps.wire.errors import InUse, NotFound, NotPermitted
from apps.wire.numbers import whole_number

_NAMES: Final = "/name"
_OTHERS: Final = frozenset(one.casefold() for one in NAMESPACES)
_DELETED: Final = {
    "id": 40,
    "name": "Old",
    "deleted_at": "2026-11-28T10:00:00Z",
    "messages": 12,
    "size": 81_000,
}


class Mailboxes(MailDoor):
    """All of them."""

    @operation(
        "mailboxes_list",
        "List mailboxes: your own, and those that others share with you",
        tag=TAG,
        seeks=MailboxSought,
        gives=Lists(MailboxShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(MailboxSought)
        found = [one for one in reachable(self.user) if _is_sought(one, sought)]
        cursor = sought.get("cursor", "")
        after = whole_number(cursor) if cursor else 0
        if after is None:
            raise no_cursor()
        rest = [one for one in found if one["id"] > after]
        items = rest[: sought["limit"]]
        following = str(items[-1]["id"]) if len(rest) > len(items) else ""
        return answer(request, items, following)

    @operation(
        "mailboxes_create",
        "Make a mailbox",
        tag=TAG,
        sends=Sends(MailboxForm, {"name": "Projects/Harbour"}),
        gives=Gives(MailboxShown, EXAMPLE, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(MailboxForm).validated_data
        user_id = self.user.pk
        _demand_own_name(asked["name"])
        with about(_NAMES), transaction.atomic():
            row = mailboxes.create(
                user_id=user_id, name=asked["name"], special_use=asked["special_use"]
            )
            if asked["is_subscribed"]:
                mailboxes.subscribe(user_id=user_id, name=row.name)
        return self.made(one_of(self.user, row.pk), reverse("api-mailbox", args=[row.pk]))


def _is_sought(one: dict[str, Any], sought: dict[str, Any]) -> bool:
    owner = sought.get("owner")
    return (
        sought.get("name", one["name"]) == one["name"]
        and sought.get("special_use", one["special_use"]) == one["special_use"]
        and (owner is None or stored_address(owner) == one["owner"])
    )


def _demand_own_name(name: str) -> None:
    """Below these names mail programs show what others share."""
    first = name.partition(SEPARATOR)[0]
    if first.casefold() in _OTHERS:
        words = f"Below “{first}” stand the mailboxes of others: choose another name"
        raise Wrong(Fault(_NAMES, "invalid_name", words))


class OneMailbox(MailDoor):
    """One of them."""

    @operation("mailboxes_show", "Show a mailbox", tag=TAG, gives=Gives(MailboxShown, EXAMPLE))
    def get(self, request: Request, mailbox_id: int) -> Response:
        return self.shown(one_of(self.user, mailbox_id))

    @operation(
        "mailboxes_change",
        "Rename a mailbox, or say what it is for",
        tag=TAG,
        more="The mailboxes of others are theirs to change.",
        sends=Sends(MailboxChange, {"name": "Projects/Old harbour"}),
        gives=Gives(MailboxShown, EXAMPLE),
    )
    def patch(self, request: Request, mailbox_id: int) -> Response:
        asked = self.asked(MailboxChange, partial=True).validated_data
        name = self._own(mailbox_id).name
        user_id = self.user.pk
        if "name" in asked:
            _demand_own_name(asked["name"])
        with transaction.atomic():
            if "special_use" in asked:
                with about("/special_use", NotPermitted):
                    roles.assign(user_id=user_id, mailbox_id=mailbox_id, use=asked["special_use"])
            if "name" in asked:
                with about(_NAMES):
                    row = mailboxes.rename(
                        user_id=user_id, name=name, to=asked["name"], origin=self.origin
                    )
                mailbox_id, name = row.pk, row.name
            if "is_subscribed" in asked:
                say = mailboxes.subscribe if asked["is_subscribed"] else mailboxes.unsubscribe
                say(user_id=user_id, name=name)
        return self.shown(one_of(self.user, mailbox_id))

    @operation(
        "mailboxes_delete",
        "Delete a mailbox with its messages",
        tag=TAG,
        more="What is below it stays. For some days it can be restored.",
    )
    def delete(self, request: Request, mailbox_id: int) -> Response:
        place = self._own(mailbox_id)
        if place.special_use and place.special_use != SpecialUse.INBOX:
            words = "Programs use this mailbox: take its special_use from it first"
            raise InUse(f"mailbox {mailbox_id}", text=words)
        mailboxes.delete(user_id=self.user.pk, name=place.name, origin=self.origin)
        return self.gone()

    def _own(self, mailbox_id: int) -> Place:
        place = self.place(mailbox_id)
        if place.owner:
            raise NotPermitted(
                f"mailbox {mailbox_id}", text="This mailbox is another's: only its owner changes it"
            )
        return place


class DeletedMailboxes(MailDoor):
    """What can be restored."""

    @operation(
        "mailboxes_deleted_list",
        "List deleted mailboxes that can be restored",
        tag=TAG,
        gives=Gives(DeletedMailboxesShown, {"items": [_DELETED]}),
    )
    def get(self, request: Request) -> Response:
        found = [
            DeletedMailboxShown(
                {
                    "id": one.id,
                    "name": one.name,
                    "deleted_at": of_seconds(one.deleted_at),
                    "messages": one.messages,
                    "size": one.size,
                }
            ).data
            for one in recoverable.mailboxes(self.user.pk)
        ]
        return self.shown({"items": found})


class Restoring(MailDoor):
    """A deleted mailbox comes back."""

    @operation(
        "mailboxes_restore",
        "Restore a deleted mailbox with its messages",
        tag=TAG,
        more="Where its name was taken meanwhile, it gets another one.",
        gives=Gives(MailboxShown, EXAMPLE),
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        mine = {one.id for one in recoverable.mailboxes(self.user.pk)}
        if mailbox_id not in mine:
            raise NotFound(f"deleted mailbox {mailbox_id}", text="There is no such deleted mailbox")
        revive.mailbox(mailbox_id=mailbox_id, origin=self.origin)
        return self.shown(one_of(self.user, mailbox_id))
