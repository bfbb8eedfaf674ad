"""The token and the revocation endpoint (RFC 6749, RFC 7009), and what programs find out by
themselves (RFC 8414). The page that asks people is the webmail's.

Forms in, JSON out, as those documents say. No cookie is looked at.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from apps.directory import oauth, throttle
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.oauth import INVALID_CLIENT, INVALID_GRANT, KnownClient, OAuthRefused
from apps.directory.services import oauth as service
from apps.directory.services.oauth import Issued
from apps.ui.addresses import origin
from apps.wire.errors import Throttled

LONGEST: Final = 2_000  # characters of a parameter
_AUTHENTICATED: Final = 'Basic realm="mailhost"'

Values = Mapping[str, str]
Work = Callable[[KnownClient, Values], HttpResponse]


def _door(work: Work) -> Callable[[HttpRequest], HttpResponse]:
    """What both endpoints have in common: who asks, and how failures are told. Guesses are counted
    for the network alone, as those at tokens are: each is at another one."""

    @csrf_exempt
    @sensitive_post_parameters()
    @require_POST
    @wraps(work)
    def door(request: HttpRequest) -> HttpResponse:
        address = str(request.META.get("REMOTE_ADDR", ""))
        try:
            attempt = throttle.admit(f"?oauth\0{address}", address)
        except Throttled:
            return _refused("temporarily_unavailable", "Too many attempts: try again later", 429)
        try:
            values = _values(request)
            return work(_client(request, values), values)
        except OAuthRefused as refusal:
            if refusal.code in (INVALID_CLIENT, INVALID_GRANT):
                throttle.failed(attempt)
            status = 401 if refusal.code == INVALID_CLIENT else 400
            return _refused(refusal.code, refusal.text, status)

    return door


@_door
def token(client: KnownClient, values: Values) -> HttpResponse:
    """Exchange a code or a refresh token (RFC 6749 sections 4.1.3 and 6)."""
    kind = values.get("grant_type", "")
    if kind == "authorization_code":
        made = service.exchange(
            client=client,
            code=values.get("code", ""),
            redirect=values.get("redirect_uri", ""),
            verifier=values.get("code_verifier", ""),
        )
    elif kind == "refresh_token":
        made = service.refresh(
            client=client, token=values.get("refresh_token", ""), asked=values.get("scope", "")
        )
    else:
        words = "grant_type is authorization_code or refresh_token"
        raise OAuthRefused("unsupported_grant_type" if kind else oauth.INVALID_REQUEST, words)
    return _answered(_shown(made))


@_door
def revoke(client: KnownClient, values: Values) -> HttpResponse:
    """Take back a token, whatever it is (RFC 7009)."""
    if not values.get("token"):
        raise OAuthRefused(oauth.INVALID_REQUEST, "Send a token")
    service.take_back(client=client, token=values["token"])
    return _answered({})


@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """Where everything is, and what there is (RFC 8414)."""
    here = origin()
    methods = ["none", "client_secret_basic", "client_secret_post"]
    return JsonResponse(
        {
            "issuer": here,
            "authorization_endpoint": here + reverse("oauth-authorize"),
            "token_endpoint": here + reverse("api-oauth-token"),
            "revocation_endpoint": here + reverse("api-oauth-revoke"),
            "scopes_supported": list(PROTOCOLS),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        },
        headers={"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"},
    )


def _values(request: HttpRequest) -> dict[str, str]:
    """The form, in which nothing stands twice (RFC 6749 section 3.2)."""
    found: dict[str, str] = {}
    for name, values in request.POST.lists():
        if len(values) > 1 or len(values[0]) > LONGEST:
            raise OAuthRefused(oauth.INVALID_REQUEST, "A parameter came twice, or is too long")
        found[name] = values[0]
    return found


def _client(request: HttpRequest, values: Values) -> KnownClient:
    """The program that asks: by HTTP Basic, or by the form, and not by both (section 2.3)."""
    key, secret = values.get("client_id", ""), values.get("client_secret", "")
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() == "basic":
        named, shown = _taken_apart(sent)
        if secret or key not in ("", named):
            raise OAuthRefused(oauth.INVALID_REQUEST, "The program says twice who it is")
        key, secret = named, shown
    client = oauth.proven(key, secret)
    if client is None:
        raise OAuthRefused(INVALID_CLIENT, "No such program, or another secret")
    return client


def _taken_apart(sent: str) -> tuple[str, str]:
    """Key and secret, each written as in a form before it went into the header (section 2.3.1)."""
    try:
        text = base64.b64decode(sent.strip()[:LONGEST], validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    key, _, secret = text.partition(":")
    return unquote_plus(key), unquote_plus(secret)


def _shown(made: Issued) -> dict[str, Any]:
    return {
        "access_token": made.access,
        "token_type": "Bearer",
        "expires_in": int(oauth.ACCESS_FOR.total_seconds()),
        "refresh_token": made.refresh,
        "scope": " ".join(made.scopes),
    }


def _answered(values: dict[str, Any], status: int = 200) -> HttpResponse:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return JsonResponse(values, status=status, headers=headers)


def _refused(code: str, words: str, status: int) -> HttpResponse:
    answer = _answered({"error": code, "error_description": words}, status)
    if status == 401:
        answer["WWW-Authenticate"] = _AUTHENTICATED
    if status == 429:
        answer["Retry-After"] = "5"
    return answer
