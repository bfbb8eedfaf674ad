"""One SASL sign-in at any door: lines of the client in, challenges or a principal out.

A door makes one for each AUTH command, writes every `Challenge` in its protocol's way, and feeds
the answers, until it gets a `Principal`, a `Failure` (the exchange was cancelled or malformed), or
a MailError (refused). Nothing blocks the event loop: passwords, keys and tokens are looked at on
the hash pool.
"""

import logging
from collections.abc import Mapping

from django.conf import settings

from apps.directory import bearer, issuer, scram
from apps.directory.apppasswords import protocol_of
from apps.directory.authentication import NOT_AN_ADDRESS, Principal, authenticate, login_key
from apps.directory.bearer import Client, TokenRefused
from apps.directory.scram import Begun
from apps.runtime import binding
from apps.runtime.db import in_db
from apps.wire import mechanisms
from apps.wire.bearer import INVALID_REQUEST, OAuthBearer
from apps.wire.errors import AuthenticationFailed
from apps.wire.sasl import (
    Challenge,
    Credentials,
    Done,
    Failure,
    FailureReason,
    KeysWanted,
    Malformed,
    Outcome,
    Proof,
    Refused,
    TokenClaim,
)
from apps.wire.scram import ScramSha256

logger = logging.getLogger(__name__)

Answer = Challenge | Failure | Principal


def bindings_at(door: str, bindings: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """What a client may bind to at a door: nothing where CHANNEL_BINDING does not name it."""
    return bindings if protocol_of(door) in settings.CHANNEL_BINDING else binding.NONE


class SignIn:
    """One exchange.

    Args:
        mechanism: one of `apps.wire.mechanisms.offered`.
        address: the client's IP address.
        door: submission, imap or pop3.
        secure: whether the connection is under TLS.
        bindings: what ties a sign-in to it (`apps.runtime.binding`).
        server_name: the name the client asked for in TLS, "" if it gave none.
        client: what the client calls itself, "" if it has not said.
    """

    def __init__(
        self,
        mechanism: str,
        *,
        address: str,
        door: str,
        secure: bool,
        bindings: Mapping[str, bytes] = binding.NONE,
        server_name: str = "",
        client: str = "",
    ) -> None:
        self._exchange = mechanisms.begin(mechanism, bindings)
        self._client = Client(address, door, secure, server_name, client)
        self._username = ""
        self._begun: Begun | None = None
        self._principal: Principal | None = None
        self._refusal: TokenRefused | None = None

    async def start(self, initial: bytes | None) -> Answer:
        """Begin; `initial` is the base64 initial response as received, None if there is none.

        Raises:
            AuthenticationFailed, AccountSuspended, Throttled, SignInUnavailable
        """
        return await self._go_on(self._exchange.start(initial))

    async def step(self, line: bytes) -> Answer:
        """Take the client's answer to the last challenge; raises what `start` raises."""
        return await self._go_on(self._exchange.step(line))

    async def _go_on(self, outcome: Outcome) -> Answer:
        match outcome:
            case Challenge():
                return outcome
            case Failure():
                return self._failed(outcome)
            case Credentials():
                return await self._with_password(outcome)
            case KeysWanted():
                return await self._with_keys(outcome)
            case Proof():
                return await self._proven(outcome)
            case Done():
                # `Done` follows a proof alone; whoever finds another way has signed in as nobody.
                return self._principal or Failure(FailureReason.BAD_FORMAT)
            case TokenClaim():
                return await self._with_token(outcome)
            case Malformed():
                return self._refused(TokenRefused("the message is malformed", INVALID_REQUEST))
            case Refused():
                raise self._refusal or AuthenticationFailed("refused")

    def _failed(self, failure: Failure) -> Failure:
        """Tell the log of a channel binding that does not hold: somebody may be in between."""
        if failure.reason.is_refusal:
            line = {"client": self._client.address, "door": self._client.door}
            account = login_key(self._username) or NOT_AN_ADDRESS
            detail = str(failure.reason)
            logger.warning(
                "sign-in refused",
                extra={
                    **line,
                    "account": account,
                    "reason": AuthenticationFailed.__name__,
                    "detail": detail,
                },
            )
            raise AuthenticationFailed(detail)
        return failure

    async def _with_password(self, claim: Credentials) -> Answer:
        _must_be_self(claim.authzid, claim.username)
        return await in_db(
            "hash",
            authenticate,
            username=claim.username,
            password=claim.password,
            address=self._client.address,
            door=self._client.door,
            secure=self._client.secure,
            client=self._client.name,
        )

    async def _with_keys(self, wanted: KeysWanted) -> Answer:
        _must_be_self(wanted.authzid, wanted.username)
        assert isinstance(self._exchange, ScramSha256)
        self._username = wanted.username
        self._begun = await in_db(
            "hash",
            scram.begin,
            username=wanted.username,
            address=self._client.address,
            door=self._client.door,
            secure=self._client.secure,
            client=self._client.name,
        )
        basis = self._begun.basis
        return self._exchange.offer(
            self._begun.nonce, basis.salt, basis.iterations, self._begun.keys
        )

    async def _proven(self, proof: Proof) -> Answer:
        assert self._begun is not None
        self._principal = await in_db("hash", scram.finish, self._begun, proof.place)
        return proof.final

    async def _with_token(self, claim: TokenClaim) -> Answer:
        try:
            return await bearer.sign_in(claim, self._client)
        except TokenRefused as refusal:
            return self._refused(refusal)

    def _refused(self, refusal: TokenRefused) -> Challenge:
        """Say what is wrong; the client's answer to that ends it."""
        assert isinstance(self._exchange, OAuthBearer)
        self._refusal = refusal
        provider = issuer.current()
        configuration = "" if provider is None else provider.rules.configuration
        return self._exchange.refuse(
            refusal.status, scope=settings.OAUTH_SCOPE, configuration=configuration
        )


def _must_be_self(authzid: str, username: str) -> None:
    """RFC 4616 section 2: acting as another is a right that nobody has here."""
    if authzid and authzid.casefold() != username.casefold():
        raise AuthenticationFailed("asked to act as another user")
