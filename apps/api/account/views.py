"""One's own account: what it is, what it says while one is away, where its mail goes on to, and the
passwords of its programs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.account.forms import (
    AccountShown,
    NewAppPasswordShown,
    OwnAppPasswordForm,
    OwnAppPasswordShown,
    OwnAppPasswordsShown,
    OwnForwardForm,
    OwnForwardShown,
    OwnForwardsShown,
    OwnVacationForm,
    OwnVacationShown,
)
from apps.api.doors import Door
from apps.api.moments import of_seconds
from apps.api.operations import Gives, Sends, operation
from apps.api.problems import about, fields
from apps.directory import apppasswords, identities
from apps.directory.apitokens import KnownApiToken
from apps.directory.apppasswords import Known
from apps.directory.models import Forward, User
from apps.directory.services import apitokens
from apps.directory.services import apppasswords as service
from apps.directory.services.credentials import APP_PASSWORD
from apps.mailstore import queries as mailstore
from apps.provisioning import forwarding, ownapppasswords
from apps.sieve import queries, services
from apps.sieve.models import Vacation
from apps.sieve.services import Wish
from apps.wire.errors import NotFound

TAG: Final = "Your account"
_ACCOUNT: Final = {
    "id": 112,
    "address": "ann@example.org",
    "name": "Ann Archer",
    "organization": "Example Ltd",
    "quota": 5_000_000_000,
    "used": 81_000_000,
    "messages": 5_120,
    "has_factor": False,
    "addresses": ["ann@example.org", "sales@example.org"],
}
_VACATION: Final = {
    "is_on": True,
    "subject": "Away until Monday",
    "text": "I am away until Monday.",
    "outside_text": "",
    "audience": "everyone",
    "starts_at": None,
    "ends_at": "2026-11-30T06:00:00Z",
    "days": 7,
}
_FORWARD: Final = {
    "id": 8,
    "address": "ann@example.com",
    "keeps_copy": True,
    "has_agreed": False,
    "asked_at": "2026-11-28T10:00:00Z",
}
_APP: Final = {
    "id": 5,
    "name": "Telephone",
    "protocols": ["imap", "smtp"],
    "networks": [],
    "created_at": "2026-11-28T10:00:00Z",
    "expires_at": None,
    "has_expired": False,
    "last_used_at": None,
    "last_used_from": "",
}
_SAID: Final = {
    "audience": "/audience",
    "days": "/days",
    "subject": "/subject",
    "text": "/text",
    "dates": "/ends_at",
}
_OF_APPS: Final = {
    APP_PASSWORD.called: "/name",
    "protocols": "/protocols",
    "networks": "/networks",
    "expiry": "/expires_at",
}


class AccountDoor(Door):
    """Base of these doors."""

    resource = "account"
    is_administrators = False


class Account(AccountDoor):
    """What it is."""

    @operation("account_show", "Show your account", tag=TAG, gives=Gives(AccountShown, _ACCOUNT))
    def get(self, request: Request) -> Response:
        user = self.user
        usage = mailstore.usage(user.pk)
        where = user.domain
        organization = where.organization if where is not None else None
        values = {
            "id": user.pk,
            "address": user.address,
            "name": user.name,
            "organization": None if organization is None else organization.name,
            "quota": usage.quota,
            "used": usage.used,
            "messages": usage.messages,
            "has_factor": user.has_factor,
            "addresses": list(dict.fromkeys([user.address, *identities.own(user)])),
        }
        return self.shown(AccountShown(values).data)


class OwnVacation(AccountDoor):
    """What people are told while one is away."""

    matches = frozenset({"PUT"})

    @operation(
        "vacation_show",
        "Show your absence reply",
        tag=TAG,
        gives=Gives(OwnVacationShown, _VACATION),
    )
    def get(self, request: Request) -> Response:
        return self.shown(_vacation(queries.of_user(self.user.pk)))

    @operation(
        "vacation_set",
        "Set your absence reply",
        tag=TAG,
        sends=Sends(OwnVacationForm, _VACATION),
        gives=Gives(OwnVacationShown, _VACATION),
    )
    def put(self, request: Request) -> Response:
        asked = dict(self.asked(OwnVacationForm).validated_data)
        user_id = self.user.pk
        wish = Wish(
            starts_at=_seconds(asked.pop("starts_at")),
            ends_at=_seconds(asked.pop("ends_at")),
            **asked,
        )
        with fields(_SAID), transaction.atomic():
            rows = User.objects.filter(pk=user_id)
            self.demand_unchanged(rows, lambda: _vacation(queries.of_user(user_id)))
            row = services.keep(user_id=user_id, wish=wish)
        return self.shown(_vacation(row))

    @operation(
        "vacation_delete", "Turn your absence reply off", tag=TAG, more="Its words are kept."
    )
    def delete(self, request: Request) -> Response:
        services.turn_off(user_id=self.user.pk)
        return self.gone()


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _vacation(row: Vacation) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(row, name) for name in _VACATION}
    values |= {name: of_seconds(values[name]) for name in ("starts_at", "ends_at")}
    return dict(OwnVacationShown(values).data)


class OwnForwards(AccountDoor):
    """Where mail is sent on to."""

    @operation(
        "forwards_list",
        "List your forwards",
        tag=TAG,
        gives=Gives(OwnForwardsShown, {"items": [_FORWARD]}),
    )
    def get(self, request: Request) -> Response:
        return self.shown({"items": [_forward(row) for row in _forwards(self.user)]})

    @operation(
        "forwards_create",
        "Ask an address whether your mail may be sent on to it",
        tag=TAG,
        more="A letter goes there; nothing is sent on before its link was opened.",
        sends=Sends(OwnForwardForm, {"address": "ann@example.com"}),
        gives=Gives(OwnForwardShown, _FORWARD, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(OwnForwardForm).validated_data
        with about("/address"):
            row = forwarding.ask(
                self.user.address, asked["address"].strip(), keeps_copy=asked["keeps_copy"]
            )
        return self.made(_forward(row), reverse("api-account-forward", args=[row.pk]))


class OneForward(AccountDoor):
    """One of them."""

    @operation("forwards_show", "Show a forward", tag=TAG, gives=Gives(OwnForwardShown, _FORWARD))
    def get(self, request: Request, forward_id: int) -> Response:
        return self.shown(_forward(_one_forward(self.user, forward_id)))

    @operation("forwards_delete", "End a forward", tag=TAG)
    def delete(self, request: Request, forward_id: int) -> Response:
        user = self.user
        forwarding.remove(user.address, _one_forward(user, forward_id).address)
        return self.gone()


def _forwards(user: User) -> list[Forward]:
    """At most ten."""
    living = {one.address for one in forwarding.of_user(user.address)}
    rows = Forward.objects.filter(user_id=user.pk).order_by("pk")
    return [row for row in rows if row.address in living]


def _one_forward(user: User, forward_id: int) -> Forward:
    for row in _forwards(user):
        if row.pk == forward_id:
            return row
    raise NotFound(f"forward {forward_id}", text="There is no such forward")


def _forward(row: Forward) -> dict[str, Any]:
    values = {
        "id": row.pk,
        "address": row.address,
        "keeps_copy": row.keeps_copy,
        "has_agreed": row.confirmed_at is not None,
        "asked_at": row.asked_at,
    }
    return dict(OwnForwardShown(values).data)


class OwnAppPasswords(AccountDoor):
    """Passwords of one's programs."""

    @operation(
        "app_passwords_list",
        "List your app passwords",
        tag=TAG,
        gives=Gives(OwnAppPasswordsShown, {"items": [_APP]}),
    )
    def get(self, request: Request) -> Response:
        return self.shown({"items": [_app(one) for one in apppasswords.of_user(self.user.pk)]})

    @operation(
        "app_passwords_create",
        "Make an app password",
        tag=TAG,
        more="You are told by mail. It opens no more than the token: IMAP and POP3 need"
        " `mail:write`, SMTP needs `send:write`; networks and last day stay within"
        " those of the token.",
        sends=Sends(OwnAppPasswordForm, {"name": "Telephone", "protocols": ["imap", "smtp"]}),
        gives=Gives(
            NewAppPasswordShown, {**_APP, "password": "abcd-efgh-ijkl-mnop-qrst"}, status=201
        ),
    )
    def post(self, request: Request) -> Response:
        asked = self.asked(OwnAppPasswordForm).validated_data
        token = self.access.token
        client = "" if token is None else token.name
        with fields(_OF_APPS):
            if token is not None:
                _demand_no_stronger(token, asked)
            row, text = ownapppasswords.make(self.user, client=client, **asked)
        made = _one_app(self.user, row.pk)
        address = reverse("api-account-app-password", args=[row.pk])
        return self.made({**_app(made), "password": text}, address)


def _demand_no_stronger(token: KnownApiToken, asked: Mapping[str, Any]) -> None:
    wanted = {name: asked[name] for name in ("protocols", "networks", "expires_at")}
    apitokens.demand_app_password(token, **wanted)


class OneAppPassword(AccountDoor):
    """One of them."""

    @operation(
        "app_passwords_show",
        "Show an app password",
        tag=TAG,
        gives=Gives(OwnAppPasswordShown, _APP),
    )
    def get(self, request: Request, password_id: int) -> Response:
        return self.shown(_app(_one_app(self.user, password_id)))

    @operation(
        "app_passwords_delete",
        "Revoke an app password",
        tag=TAG,
        more="Programs that use it are signed out.",
    )
    def delete(self, request: Request, password_id: int) -> Response:
        service.revoke(user=self.user, name=_one_app(self.user, password_id).name)
        return self.gone()


def _one_app(user: User, password_id: int) -> Known:
    for one in apppasswords.of_user(user.pk):
        if one.id == password_id:
            return one
    raise NotFound(f"app password {password_id}", text="There is no such app password")


def _app(one: Known) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _APP}
    return dict(OwnAppPasswordShown({**values, "protocols": sorted(one.protocols)}).data)
