"""Users."""

from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import page
from apps.api.problems import about, fields
from apps.api.users.adding import NewUser, add, prepare
from apps.api.users.choosing import chosen, in_order
from apps.api.users.forms import (
    NewUserShown,
    UserChange,
    UserForm,
    UserRenameForm,
    UserShown,
    UserSought,
)
from apps.api.users.shown import EXAMPLE, TAG, shown
from apps.directory.models import User, UserState
from apps.provisioning.administration import users
from apps.provisioning.administration.sight import find_user
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    LimitReached,
    NotFound,
)

GIVES: Final = Gives(UserShown, EXAMPLE)


class UserDoor(Door):
    """What the doors to users have in common."""

    resource = "users"

    def unchanged(self, user_id: int) -> User:
        """A user in sight, locked if the client says of which state it speaks."""
        row = find_user(self.powers, user_id)
        rows = User.objects.filter(pk=user_id)
        self.demand_unchanged(rows, lambda: shown(find_user(self.powers, user_id)))
        return row


class Users(UserDoor):
    """All of them that are in sight."""

    _new: NewUser | None = None

    @operation(
        "users_list",
        "List users",
        tag=TAG,
        more="Shared mailboxes and resources are among them: `kind` tells.",
        seeks=UserSought,
        gives=Lists(UserShown, EXAMPLE),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(UserSought)
        found, order = in_order(chosen(self.powers, sought), sought["sort"])
        return page(request, sought, found, order, lambda rows: [shown(row) for row in rows])

    def ahead(self) -> None:
        asked = self.asked(UserForm).validated_data
        self._new = prepare(self.powers, asked)

    @operation(
        "users_create",
        "Add a user",
        tag=TAG,
        sends=Sends(
            UserForm,
            {"address": "ann@example.org", "name": "Ann Archer", "invite": "ann@example.com"},
        ),
        gives=Gives(NewUserShown, {**EXAMPLE, "password": None}, status=201),
    )
    def post(self, request: Request) -> Response:
        assert self._new is not None
        row = add(self.powers, self._new)
        made = {**shown(find_user(self.powers, row.pk)), "password": self._new.invented or None}
        return self.made(made, reverse("api-user", args=[row.pk]))


class OneUser(UserDoor):
    """One of them."""

    matches = frozenset({"PATCH", "DELETE"})

    @operation("users_show", "Show a user", tag=TAG, gives=GIVES)
    def get(self, request: Request, user_id: int) -> Response:
        return self.shown(shown(find_user(self.powers, user_id)))

    @operation(
        "users_change",
        "Change, suspend, lock or resume a user",
        tag=TAG,
        sends=Sends(UserChange, {"name": "Ann Baker", "quota": 10_000_000_000}),
        gives=GIVES,
    )
    def patch(self, request: Request, user_id: int) -> Response:
        asked = self.asked(UserChange, partial=True).validated_data
        with transaction.atomic():
            self.unchanged(user_id)
            return self.shown(change(self, user_id, asked))

    @operation(
        "users_delete",
        "Remove a user",
        tag=TAG,
        more="The address is free at once. The mail is kept for a while, in which the user can be"
        " brought back (`removed_users_restore`).",
    )
    def delete(self, request: Request, user_id: int) -> Response:
        with transaction.atomic():
            self.unchanged(user_id)
            users.remove(powers=self.powers, user_id=user_id)
        return self.gone()


def change(door: Door, user_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Change a user, or a shared mailbox, within a transaction; return how it is then."""
    powers, state = door.powers, asked.get("state")
    with about("/quota", LimitReached, InvalidName), fields({"bad name": "/name"}):
        users.change(
            powers=powers, user_id=user_id, name=asked.get("name"), quota=asked.get("quota")
        )
    if asked.get("must_change_password"):
        with about("/must_change_password", InvalidName):
            users.ask_new_password(powers=powers, user_id=user_id)
    if state is not None and state != find_user(powers, user_id).state:
        with about("/state", InUse):
            users.set_state(powers=powers, user_id=user_id, state=UserState(state))
    return shown(find_user(powers, user_id))


class Renaming(UserDoor):
    """Another address for a user."""

    @operation(
        "users_rename",
        "Give a user another address",
        tag=TAG,
        more="Mail, password and roles stay. Mail to the old address arrives as before: it becomes"
        " an alias.",
        sends=Sends(UserRenameForm, {"address": "ann.baker@example.org"}),
        gives=GIVES,
    )
    def post(self, request: Request, user_id: int) -> Response:
        asked = self.asked(UserRenameForm).validated_data
        find_user(self.powers, user_id)
        with about("/address", InvalidAddress, AlreadyExists, InUse, NotFound):
            users.rename(powers=self.powers, user_id=user_id, **asked)
        return self.shown(shown(find_user(self.powers, user_id)))
