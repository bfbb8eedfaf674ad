"""What a user signs in with, and where it is signed in: seen, and taken back. Nothing of it is ever
made here but a new password."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import factors
from apps.accounts.browsers import browsers_of
from apps.accounts.factors import Factor
from apps.api.doors import Door
from apps.api.forms import Form, Shown, Sought
from apps.api.operations import Gives, Lists, Sends, operation
from apps.api.pages import answer as page_answer
from apps.api.pages import no_cursor
from apps.api.problems import about
from apps.api.users.forms import password_field
from apps.directory import apitokens, apppasswords, history, tokens
from apps.directory.apitokens import WRITE
from apps.directory.models import Means, Outcome, SignIn, User
from apps.directory.permissions import Ability, grants_of
from apps.directory.services.accountlinks import LIFETIMES, RESET
from apps.provisioning.administration import credentials, users
from apps.provisioning.administration.sight import demand_on, find_user
from apps.provisioning.newpasswords import NewPassword
from apps.wire.errors import InvalidName, NotPermitted

TAG: Final = "Credentials"
_OF_ADMINISTRATORS: Final = (
    "This user is an administrator: ask with a token that has roles:write, or in the console"
)
_AT: Final = "2026-11-28T10:00:00Z"


class CredentialDoor(Door):
    """What these doors have in common: who may sign a user out sees how it signs in."""

    resource = "credentials"

    def owner(self, user_id: int) -> User:
        """The user; raise NotFound, NotPermitted."""
        user = find_user(self.powers, user_id)
        demand_on(self.powers, Ability.END_SESSIONS, user)
        return user

    def demand_no_stronger(self, user_id: int) -> None:
        """Raise NotPermitted if what is asked for would open an administrator's account to a token
        that could make none: whoever signs in there may do more than the token. NotFound."""
        user = find_user(self.powers, user_id)
        if not self.access.allows("roles", WRITE) and grants_of([user.pk]):
            raise NotPermitted(f"user {user.pk}", text=_OF_ADMINISTRATORS)


class UserPasswordForm(Form):
    """A new password of a user; without `password` a temporary one is made."""

    password = password_field("Not one that everybody tries first; as long as the domain asks for.")
    must_change = serializers.BooleanField(
        default=True, help_text="Another password is asked for at the next sign-in."
    )


class UserPasswordShown(Shown):
    """What a user's password is now."""

    password = serializers.CharField(
        allow_null=True,
        help_text="The temporary one, the only time that it is shown; null for one that was sent.",
    )


class Password(CredentialDoor):
    """A user's password."""

    _ready: NewPassword | None = None

    def ahead(self) -> None:
        asked = self.asked(UserPasswordForm).validated_data
        self.demand_no_stronger(self.kwargs["user_id"])
        with about("/password", InvalidName):
            self._ready = users.prepare_password(
                powers=self.powers, user_id=self.kwargs["user_id"], password=asked.get("password")
            )

    @operation(
        "user_password_set",
        "Give a user a new password",
        tag=TAG,
        more="It is signed out everywhere, and told so. For an administrator the token needs"
        " `roles:write` as well.",
        sends=Sends(UserPasswordForm, {}),
        gives=Gives(UserPasswordShown, {"password": "h7kq2-m4xwd-9rtyb-c3vfa"}),
    )
    def post(self, request: Request, user_id: int) -> Response:
        asked = self.asked(UserPasswordForm).validated_data
        assert self._ready is not None
        users.give_password(
            powers=self.powers,
            user_id=user_id,
            ready=self._ready,
            must_change=asked["must_change"],
        )
        text = None if "password" in asked else self._ready.text
        return Response(UserPasswordShown({"password": text}).data)


class UserPasswordLinkShown(Shown):
    """A link by which a user sets a password, to hand over; it works once."""

    link = serializers.CharField(help_text="The only time that it is shown.")
    seconds = serializers.IntegerField(help_text="For how long it works.")


class PasswordLink(CredentialDoor):
    """A link in place of a password."""

    @operation(
        "user_password_link",
        "Make a link by which a user sets a new password",
        tag=TAG,
        more="For an administrator the token needs `roles:write` as well.",
        gives=Gives(
            UserPasswordLinkShown,
            {"link": "https://mail.example.org/login/new/7.x7Qa…", "seconds": 3600},
        ),
    )
    def post(self, request: Request, user_id: int) -> Response:
        self.demand_no_stronger(user_id)
        link = users.make_reset_link(powers=self.powers, user_id=user_id)
        seconds = int(LIFETIMES[RESET].total_seconds())
        return Response(UserPasswordLinkShown({"link": link, "seconds": seconds}).data)


class UserFactorShown(Shown):
    """An authenticator or a passkey."""

    kind = serializers.ChoiceField([("authenticator", "an app"), ("passkey", "a passkey")])
    name = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class UserFactorsShown(Shown):
    """What stands beside a user's password."""

    items = UserFactorShown(many=True)
    recovery_codes = serializers.IntegerField(help_text="How many are left.")
    trusted_browsers = serializers.IntegerField(help_text="Those that are not asked.")


class Factors(CredentialDoor):
    """Second factors."""

    @operation(
        "user_factors_list",
        "List a user's second factors",
        tag=TAG,
        gives=Gives(
            UserFactorsShown,
            {
                "items": [
                    {"kind": "passkey", "name": "Key", "created_at": _AT, "last_used_at": None}
                ],
                "recovery_codes": 8,
                "trusted_browsers": 1,
            },
        ),
    )
    def get(self, request: Request, user_id: int) -> Response:
        found = factors.summary(self.owner(user_id))
        all_of: list[Factor] = [*([found.authenticator] if found.authenticator else [])]
        values = {
            "items": [*all_of, *found.passkeys],
            "recovery_codes": found.codes_left,
            "trusted_browsers": found.trusted,
        }
        return self.shown(dict(UserFactorsShown(values).data))

    @operation(
        "user_factors_delete",
        "Take all second factors of a user away",
        tag=TAG,
        more="For who has lost them: the user is told. For an administrator the token needs"
        " `roles:write` as well.",
    )
    def delete(self, request: Request, user_id: int) -> Response:
        self.demand_no_stronger(user_id)
        users.reset_factors(powers=self.powers, user_id=user_id)
        return self.gone()


class UserBrowserShown(Shown):
    """A browser in which a user is signed in."""

    address = serializers.CharField(allow_blank=True, help_text="The client's IP address.")
    client = serializers.CharField(allow_blank=True, help_text="What it calls itself.")
    means = serializers.CharField()
    created_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    acting = serializers.CharField(
        allow_blank=True, help_text="The administrator who looks as the user; empty for itself."
    )


class UserBrowsersShown(Shown):
    """Browsers, the last used first."""

    items = UserBrowserShown(many=True)


class Sessions(CredentialDoor):
    """Where a user is signed in on the web."""

    @operation(
        "user_sessions_list",
        "List the browsers in which a user is signed in",
        tag=TAG,
        gives=Gives(
            UserBrowsersShown,
            {
                "items": [
                    {
                        "address": "192.0.2.7",
                        "client": "Mozilla/5.0",
                        "means": "password",
                        "created_at": _AT,
                        "seen_at": _AT,
                        "acting": "",
                    }
                ]
            },
        ),
    )
    def get(self, request: Request, user_id: int) -> Response:
        items = browsers_of(self.owner(user_id))
        return self.shown(dict(UserBrowsersShown({"items": items}).data))

    @operation("user_sessions_delete", "Sign a user out of every browser", tag=TAG)
    def delete(self, request: Request, user_id: int) -> Response:
        users.end_sessions(powers=self.powers, user_id=user_id)
        return self.gone()


class UserAppPasswordShown(Shown):
    """An app password; its text is known to its user alone."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    protocols = serializers.ListField(child=serializers.CharField(), help_text="None is all.")
    networks = serializers.ListField(child=serializers.CharField(), help_text="None is all.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the hour.")
    last_used_from = serializers.CharField(allow_blank=True)


class UserAppPasswordsShown(Shown):
    """All of a user's, the oldest first."""

    items = UserAppPasswordShown(many=True)


_APP: Final = {
    "id": 31,
    "name": "Telephone",
    "protocols": ["imap", "smtp"],
    "networks": [],
    "created_at": _AT,
    "expires_at": None,
    "last_used_at": _AT,
    "last_used_from": "192.0.2.7",
}


class UserAppPasswords(CredentialDoor):
    """App passwords."""

    @operation(
        "user_app_passwords_list",
        "List a user's app passwords",
        tag=TAG,
        gives=Gives(UserAppPasswordsShown, {"items": [_APP]}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        rows = apppasswords.of_user(self.owner(user_id).pk)
        items = [{name: _plain(getattr(row, name)) for name in _APP} for row in rows]
        return self.shown(dict(UserAppPasswordsShown({"items": items}).data))


class UserAppPassword(CredentialDoor):
    """One of them."""

    @operation(
        "user_app_passwords_delete",
        "Revoke an app password of a user",
        tag=TAG,
        more="What uses it is signed out; the user is told.",
    )
    def delete(self, request: Request, user_id: int, credential_id: int) -> Response:
        credentials.revoke_app_password(
            powers=self.powers, user_id=user_id, app_password_id=credential_id
        )
        return self.gone()


class UserTokenShown(Shown):
    """A token of a user; its text is known to its user alone."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(
        [("mail", "mail programs"), ("api", "this interface")],
        help_text="`mail`: opens mail programs' doors. `api`: one like that of this request.",
    )
    name = serializers.CharField()
    hint = serializers.CharField(
        allow_blank=True, help_text="The end of its text; empty where that is not kept."
    )
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the hour.")
    last_used_from = serializers.CharField(allow_blank=True)


class UserTokensShown(Shown):
    """All of a user's, of each kind the oldest first."""

    items = UserTokenShown(many=True)


_TOKEN: Final = {
    "id": 3,
    "kind": "api",
    "name": "Sign-up page",
    "hint": "x7Qa",
    "scopes": ["users:write"],
    "expires_at": None,
    "last_used_at": _AT,
    "last_used_from": "192.0.2.7",
}


class UserTokens(CredentialDoor):
    """Tokens."""

    @operation(
        "user_tokens_list",
        "List a user's tokens",
        tag=TAG,
        gives=Gives(UserTokensShown, {"items": [_TOKEN]}),
    )
    def get(self, request: Request, user_id: int) -> Response:
        user = self.owner(user_id)
        found: list[tuple[str, Any]] = [("mail", one) for one in tokens.of_user(user.pk)]
        found += [("api", one) for one in apitokens.of_user(user.pk)]
        items = [_token(kind, one) for kind, one in found]
        return self.shown(dict(UserTokensShown({"items": items}).data))


def _token(kind: str, known: Any) -> dict[str, Any]:
    names = [name for name in _TOKEN if name not in {"kind", "hint"}]
    values = {name: _plain(getattr(known, name)) for name in names}
    return {**values, "kind": kind, "hint": getattr(known, "hint", "")}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


class UserMailToken(CredentialDoor):
    """One of them for mail programs."""

    @operation(
        "user_mail_tokens_delete",
        "Revoke a token of a user's mail program",
        tag=TAG,
        more="It works no more from then on; the user is told.",
    )
    def delete(self, request: Request, user_id: int, credential_id: int) -> Response:
        credentials.revoke_token(powers=self.powers, user_id=user_id, token_id=credential_id)
        return self.gone()


class UserApiToken(CredentialDoor):
    """One of them for this interface."""

    @operation(
        "user_api_tokens_delete",
        "Revoke a token of a user's program",
        tag=TAG,
        more="It works no more from then on; the user is told.",
    )
    def delete(self, request: Request, user_id: int, credential_id: int) -> Response:
        credentials.revoke_api_token(powers=self.powers, user_id=user_id, token_id=credential_id)
        return self.gone()


class UserSignInSought(Sought):
    """Which sign-ins are listed."""

    only = serializers.ChoiceField(
        [(one, one) for one in (history.REFUSED, history.WEB, history.PROGRAMS)],
        required=False,
        help_text="Those that were refused, those at the web, or those of mail programs.",
    )


class UserSignInShown(Shown):
    """Sign-ins that were alike within an hour."""

    outcome = serializers.ChoiceField(Outcome.choices)
    door = serializers.CharField(help_text="web, imap, pop3, submission, …")
    means = serializers.ChoiceField(Means.choices)
    via = serializers.CharField(
        allow_blank=True, help_text="Which app password or token, or who acted."
    )
    address = serializers.CharField(allow_blank=True, help_text="The client's IP address.")
    client = serializers.CharField(allow_blank=True, help_text="What it calls itself.")
    is_new_place = serializers.BooleanField(help_text="None from this network for 30 days before.")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    times = serializers.IntegerField()


class SignIns(CredentialDoor):
    """What came of sign-ins."""

    @operation(
        "user_sign_ins_list",
        "List a user's sign-ins",
        tag=TAG,
        more="The newest first; they are kept for 90 days.",
        seeks=UserSignInSought,
        gives=Lists(
            UserSignInShown,
            {
                "outcome": "ok",
                "door": "imap",
                "means": "app_password",
                "via": "Telephone",
                "address": "192.0.2.7",
                "client": "iPhone Mail",
                "is_new_place": False,
                "first_at": _AT,
                "last_at": _AT,
                "times": 12,
            },
        ),
    )
    def get(self, request: Request, user_id: int) -> Response:
        user, sought = self.owner(user_id), self.sought(UserSignInSought)
        try:
            found = history.of_user(
                user.pk,
                only=sought.get("only", history.ALL),
                before=sought.get("cursor", ""),
                limit=sought["limit"],
            )
        except InvalidName:
            raise no_cursor() from None
        return page_answer(request, [_sign_in(row) for row in found.rows], found.following)


def _sign_in(row: SignIn) -> dict[str, Any]:
    return dict(UserSignInShown(row).data)
