"""Tokens that somebody else issues: the identity provider of the settings.

It is asked about each token (RFC 7662), or tokens are JWTs (RFC 9068) that its keys prove. Either
way a token counts only if it is from OAUTH_ISSUER, for OAUTH_AUDIENCE, not expired, and has
OAUTH_SCOPE, as far as these are set; whom it stands for is its claim OAUTH_USER_CLAIM.

Keys are fetched when a token needs one that is not there, at most once a minute, and kept while the
provider is away. What it said of a token is believed for a minute. An `Issuer` belongs to one
process and is asked on event loops; it makes no difference on which.
"""

import asyncio
import base64
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

import jwt
from django.conf import settings
from jwt.exceptions import PyJWTError

from apps.remote.webfetch import FetchError, Page, Web
from apps.runtime.clock import now
from apps.wire.bearer import INSUFFICIENT_SCOPE, INVALID_TOKEN
from apps.wire.errors import SignInUnavailable

logger = logging.getLogger(__name__)

SECONDS: Final = 10.0  # for a whole answer: somebody waits at a door
KEYS_BYTES: Final = 256 * 1024
KEYS_FOR: Final = 3600.0  # seconds: after them a key that was withdrawn is used no more
ASKED_EVERY: Final = 60.0  # seconds between two requests for keys
BELIEVED_FOR: Final = 60.0  # seconds what the provider said of a token holds
BELIEVED_MOST: Final = 10_000  # tokens
LEEWAY: Final = 30  # seconds that its clock may differ from ours
# No algorithm by which the provider's public key could serve as a shared secret, and not "none".
ALGORITHMS: Final = frozenset("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split())
LEAST_RSA: Final = 2_048  # bits, RFC 7518 section 3.3
_FITS: Final[Mapping[tuple[Any, Any], Sequence[str]]] = {  # (kty, crv)
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})  # RFC 9068 section 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of the provider."""

    issuer: str
    audience: str
    scope: str
    user_claim: str
    keys_url: str
    introspection_url: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def configuration(self) -> str:
        """Where clients find the provider's endpoints (OpenID Connect Discovery section 4)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration" if self.issuer else ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a good token stands for: what its claim says, and until when; 0 is for ever. That is
    later than its `exp` by what is borne of clocks, so that no session ends as it begins."""

    username: str
    expires_at: float


class TokenRejectedError(Exception):
    """The token is not good enough; `status` is a code of RFC 6750, the text is for the log."""

    def __init__(self, reason: str, status: str = INVALID_TOKEN) -> None:
        super().__init__(reason)
        self.status = status


def current() -> "Issuer | None":
    """The provider of the settings, None if there is none."""
    rules = Rules(
        issuer=settings.OAUTH_ISSUER,
        audience=settings.OAUTH_AUDIENCE,
        scope=settings.OAUTH_SCOPE,
        user_claim=settings.OAUTH_USER_CLAIM,
        keys_url=settings.OAUTH_JWKS_URL,
        introspection_url=settings.OAUTH_INTROSPECTION_URL,
        client_id=settings.OAUTH_CLIENT_ID,
        client_secret=settings.OAUTH_CLIENT_SECRET,
    )
    return _issuer(rules) if rules.keys_url or rules.introspection_url else None


@lru_cache(maxsize=1)
def _issuer(rules: Rules) -> "Issuer":
    return Issuer(rules)


class Issuer:
    """One identity provider."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._keys = _Keys(rules.keys_url)
        self._believed: OrderedDict[bytes, tuple[float, Mapping[str, Any]]] = OrderedDict()

    async def identify(self, token: str) -> Identity:
        """Find out whom a token stands for.

        Raises:
            TokenRejectedError
            SignInUnavailable: the provider does not answer.
        """
        if self.rules.introspection_url:
            claims = await self._introspected(token)
        else:
            claims = await self._proven(token)
        return _judge(claims, self.rules)

    # -- RFC 9068 ---------------------------------------------------------------------------------

    async def _proven(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (PyJWTError, ValueError, RecursionError):
            raise TokenRejectedError("no JWT") from None
        kind, algorithm = header.get("typ"), header.get("alg")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise TokenRejectedError(f"a JWT of type {kind!r:.40} is no access token")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise TokenRejectedError("signed by an algorithm that is not taken")
        key = await self._keys.find(header.get("kid"), algorithm)
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self.rules.issuer,
                audience=self.rules.audience,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRejectedError(f"{type(error).__name__}: {error}"[:200]) from None

    # -- RFC 7662 ---------------------------------------------------------------------------------

    async def _introspected(self, token: str) -> Mapping[str, Any]:
        digest = hashlib.sha256(token.encode()).digest()
        until, claims = self._believed.get(digest, (0.0, {}))
        if until < time.monotonic():
            claims = await self._ask(token)
            self._believed[digest] = time.monotonic() + _believable(claims), claims
            self._believed.move_to_end(digest)
            if len(self._believed) > BELIEVED_MOST:
                self._believed.popitem(last=False)
        if claims.get("active") is not True:
            raise TokenRejectedError("the provider says that it is not active")
        _check_introspected(claims, self.rules)
        return claims

    async def _ask(self, token: str) -> Mapping[str, Any]:
        form = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        headers = {"Accept": "application/json"}
        if self.rules.client_id:
            headers["Authorization"] = _basic(self.rules.client_id, self.rules.client_secret)
        page = await _fetched(
            self.rules.introspection_url,
            lambda web, url: web.post(url, form, "application/x-www-form-urlencoded", headers),
        )
        claims = _json(page, self.rules.introspection_url)
        if not isinstance(claims.get("active"), bool):
            raise _away(self.rules.introspection_url, "the answer does not say if it is active")
        return claims


class _Keys:
    """The public keys of a provider (RFC 7517)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, list[jwt.PyJWK]] = {}
        self._fetched_at = self._asked_at = -1e9
        self._task: asyncio.Task[None] | None = None

    async def find(self, kid: Any, algorithm: str) -> jwt.PyJWK:
        """The key of this id that fits the algorithm; without an id the only one that fits.

        Raises:
            TokenRejectedError: there is none.
            SignInUnavailable: nobody knows.
        """
        if time.monotonic() - self._fetched_at > KEYS_FOR or not self._fitting(kid, algorithm):
            await self._refresh()
        found = self._fitting(kid, algorithm)
        if len(found) == 1:
            return found[0]
        if not self._keys:
            raise _away(self._url, "there are no keys")
        raise TokenRejectedError("the provider has no such key")

    def _fitting(self, kid: Any, algorithm: str) -> list[jwt.PyJWK]:
        keys = [one for same in self._keys.values() for one in same]
        return [
            one
            for one in keys
            if one.algorithm_name == algorithm and (kid is None or one.key_id == kid)
        ]

    async def _refresh(self) -> None:
        """Fetch the keys, together with whoever else needs them; not too often."""
        loop = asyncio.get_running_loop()
        if self._task is not None and self._task.get_loop() is loop and not self._task.done():
            await asyncio.shield(self._task)
            return
        if time.monotonic() - self._asked_at < ASKED_EVERY:
            return
        self._asked_at = time.monotonic()
        self._task = loop.create_task(self._fetch())
        await asyncio.shield(self._task)

    async def _fetch(self) -> None:
        try:
            page = await _fetched(self._url, lambda web, url: web.get_url(url, limit=KEYS_BYTES))
            keys = _usable(_json(page, self._url))
        except SignInUnavailable as error:
            # Those we have are used on: a provider that is away for an hour locks nobody out.
            logger.warning("keys of the identity provider", extra={"detail": error.detail})
            return
        self._keys, self._fetched_at = keys, time.monotonic()


def _usable(document: Mapping[str, Any]) -> dict[str | None, list[jwt.PyJWK]]:
    """The keys for signatures by the algorithms we take, by their ids; others are passed over."""
    found: dict[str | None, list[jwt.PyJWK]] = {}
    rows = document.get("keys")
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or row.get("use", "sig") != "sig":
            continue
        for algorithm in _algorithms(row):
            try:
                key = jwt.PyJWK(row, algorithm=algorithm)
            except (PyJWTError, ValueError, TypeError, KeyError):
                continue
            if row.get("kty") == "RSA" and key.key.key_size < LEAST_RSA:
                continue
            found.setdefault(key.key_id, []).append(key)
    return found


def _algorithms(row: Mapping[str, Any]) -> list[str]:
    """The algorithms that a key may be used with (RFC 7518 section 3.1)."""
    named = row.get("alg")
    fits = _FITS.get((row.get("kty"), row.get("crv")), ())
    return [one for one in fits if named in {None, one}]


def _believable(claims: Mapping[str, Any]) -> float:
    """How long an answer holds, seconds: not beyond the token's end (RFC 7662 section 4)."""
    expires_at = claims.get("exp")
    if isinstance(expires_at, int | float):
        return min(BELIEVED_FOR, max(0.0, expires_at - now()))
    return BELIEVED_FOR


def _check_introspected(claims: Mapping[str, Any], rules: Rules) -> None:
    """What a JWT is checked for by its library (RFC 7662 section 2.2: all of it may be absent)."""
    if str(claims.get("token_type", "bearer")).lower() != "bearer":
        raise TokenRejectedError("no bearer token")
    if rules.issuer and claims.get("iss", rules.issuer) != rules.issuer:
        raise TokenRejectedError("from another issuer")
    audience = claims.get("aud", [])
    if rules.audience and rules.audience not in (
        audience if isinstance(audience, list) else [audience]
    ):
        raise TokenRejectedError("for another audience")
    if _number(claims, "nbf") > now() + LEEWAY:
        raise TokenRejectedError("not valid yet")
    expires_at = _number(claims, "exp")
    if expires_at and expires_at <= now() - LEEWAY:
        raise TokenRejectedError("expired")


def _judge(claims: Mapping[str, Any], rules: Rules) -> Identity:
    if rules.scope and rules.scope not in _scopes(claims):
        raise TokenRejectedError(f"without the scope {rules.scope}", INSUFFICIENT_SCOPE)
    username = claims.get(rules.user_claim)
    if not isinstance(username, str) or not username:
        raise TokenRejectedError(f"without a claim {rules.user_claim}")
    is_verified = str(claims.get("email_verified", True)).lower() != "false"  # some write a string
    if rules.user_claim == "email" and not is_verified:
        raise TokenRejectedError("its e-mail address was not verified")
    expires_at = _number(claims, "exp")
    return Identity(username, expires_at + LEEWAY if expires_at else 0.0)


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    """RFC 9068 section 2.2.3 and RFC 7662: words in `scope`; some providers write a list `scp`."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name, "")
        words = value.split() if isinstance(value, str) else value
        if isinstance(words, list):
            found.update(word for word in words if isinstance(word, str))
    return found


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRejectedError(f"{name} is no number")
    return float(value)


def _basic(name: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both are form-encoded first."""
    pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def _fetched(url: str, ask: Callable[[Web, str], Awaitable[Page]]) -> Page:
    web = Web(None, seconds=SECONDS)
    try:
        page = await ask(web, url)
    except FetchError as error:
        raise _away(url, str(error)) from None
    finally:
        await web.close()
    if page.status != 200:
        raise _away(url, f"it answered {page.status}")
    return page


def _json(page: Page, url: str) -> Mapping[str, Any]:
    try:
        found = json.loads(page.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _away(url, "the answer is no JSON object")
    return found


def _away(url: str, reason: str) -> SignInUnavailable:
    logger.warning("the identity provider is not usable", extra={"url": url, "reason": reason})
    return SignInUnavailable(f"{url}: {reason}")
