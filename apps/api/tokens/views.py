"""Tokens of one's own."""

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Sends, operation
from apps.api.passwords import PasswordAuthentication
from apps.api.problems import about, fields
from apps.api.tokens.forms import NewTokenShown, TokenForm, TokenShown, TokensShown
from apps.directory import apitokens
from apps.directory.apitokens import KnownApiToken
from apps.directory.models import Domain, Organization
from apps.directory.permissions import Place, Powers
from apps.directory.services import apitokens as service
from apps.directory.services.credentials import API_TOKEN
from apps.provisioning import ownapitokens
from apps.provisioning.administration.sight import find_domain, find_organization
from apps.wire.errors import NotFound

TAG: Final = "Tokens"
EXAMPLE: Final = {
    "id": 3,
    "name": "Sign-up page",
    "hint": "x7Qa",
    "scopes": ["users:write"],
    "places": [{"organization": None, "domain": 12}],
    "networks": ["192.0.2.0/24"],
    "created_at": "2026-11-28T10:00:00Z",
    "expires_at": None,
    "has_expired": False,
    "last_used_at": None,
    "last_used_from": "",
}
_FIELDS: Final = {
    API_TOKEN.called: "/name",
    "scopes": "/scopes",
    "places": "/places",
    "networks": "/networks",
    "expiry": "/expires_at",
}
_FIRST: Final = (
    "With a token: scopes, places, networks and last day are within those of that one. The first"
    " one is made with HTTP Basic, the address and the password of the account: not with an app"
    " password, and not where the account has, or has to have, a second step of sign-in"
    " (`second_factor_needed`) or a password that somebody else made (`password_change_needed`);"
    " these make theirs on the web, in Settings, API tokens."
)
_SENT: Final = {
    "name": "Sign-up page",
    "scopes": ["users:write"],
    "places": [{"domain": 12}],
    "networks": ["192.0.2.0/24"],
}


def shown(known: KnownApiToken) -> dict[str, Any]:
    """A token as it is shown."""
    places = None
    if known.places is not None:
        places = [
            {
                "organization": None if one.domain_id else one.organization_id,
                "domain": one.domain_id,
            }
            for one in known.places
        ]
    values = {name: getattr(known, name) for name in EXAMPLE if name not in ("scopes", "places")}
    scopes = [one for one in apitokens.SCOPES if one in known.scopes]
    return dict(TokenShown({**values, "scopes": scopes, "places": places}).data)


def _place(place: Place) -> dict[str, int | None]:
    is_domain = place.domain_id is not None
    return {
        "organization": None if is_domain else place.organization_id,
        "domain": place.domain_id,
    }


class Tokens(Door):
    """All of them."""

    resource = "tokens"
    is_administrators = False

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Who has no token yet makes the first one with a password."""
        own = super().get_authenticators()
        is_first = self.request is not None and self.request.method == "POST"
        return [PasswordAuthentication(), *own] if is_first else own

    @operation(
        "tokens_list",
        "List your tokens",
        tag=TAG,
        more="All of them: a user has up to 50.",
        gives=Gives(TokensShown, {"items": [EXAMPLE]}),
    )
    def get(self, request: Request) -> Response:
        return self.shown({"items": [shown(one) for one in apitokens.of_user(self.user.pk)]})

    @operation(
        "tokens_create",
        "Make a token that reaches no further than this one",
        tag=TAG,
        more=_FIRST,
        admits=("token", "password"),
        sends=Sends(TokenForm, _SENT),
        gives=Gives(NewTokenShown, {**EXAMPLE, "token": "mhk_…"}, status=201),
    )
    def post(self, request: Request) -> Response:
        asked = dict(self.asked(TokenForm).validated_data)
        places = asked.pop("places")
        with about("/places", NotFound):
            where = None if places is None else _places(self.powers, places)
        with fields(_FIELDS):
            row, text = ownapitokens.make(
                self.user,
                places=where,
                by=self.access.token,
                client=request.headers.get("User-Agent", ""),
                **asked,
            )
        made = apitokens.known([row])[0]
        return self.made({**shown(made), "token": text}, reverse("api-token", args=[row.pk]))


def _places(powers: Powers, asked: Sequence[dict[str, int]]) -> list[Organization | Domain]:
    return [
        find_domain(powers, one["domain"])
        if "domain" in one
        else find_organization(powers, one["organization"])
        for one in asked
    ]


class OneToken(Door):
    """One of them."""

    resource = "tokens"
    is_administrators = False

    @operation("tokens_show", "Show a token", tag=TAG, gives=Gives(TokenShown, EXAMPLE))
    def get(self, request: Request, token_id: int) -> Response:
        return self.shown(shown(self._one(token_id)))

    @operation("tokens_delete", "Revoke a token", tag=TAG, more="It works no more from then on.")
    def delete(self, request: Request, token_id: int) -> Response:
        service.revoke(user=self.user, name=self._one(token_id).name)
        return self.gone()

    def _one(self, token_id: int) -> KnownApiToken:
        for one in apitokens.of_user(self.user.pk):
            if one.id == token_id:
                return one
        raise NotFound(f"token {token_id}", text="There is no such token")
