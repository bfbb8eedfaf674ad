"""One SASL sign-in at any door: lines of the client in, challenges or a principal out.

A door makes one for each AUTH command, writes every `Challenge` in its protocol's way, and feeds
the answers, until it gets a `Principal`, a `Failure` (the exchange was cancelled or malformed), or
a MailError (refused). Nothing blocks the event loop: passwords and keys are looked at on the hash
pool.
"""

from apps.directory import scram
from apps.directory.authentication import Principal, authenticate
from apps.directory.scram import Begun
from apps.runtime.db import in_db
from apps.wire.errors import AuthenticationFailed
from apps.wire.sasl import (
    Challenge,
    Credentials,
    Done,
    Failure,
    FailureReason,
    KeysWanted,
    Outcome,
    Proof,
)
from apps.wire.scram import MECHANISMS, ScramSha256

Answer = Challenge | Failure | Principal


class SignIn:
    """One exchange.

    Args:
        mechanism: one of `MECHANISMS`.
        address: the client's IP address.
        door: submission, imap or pop3.
        secure: whether the connection is under TLS.
    """

    def __init__(self, mechanism: str, *, address: str, door: str, secure: bool) -> None:
        self._exchange = MECHANISMS[mechanism]()
        self._address = address
        self._door = door
        self._secure = secure
        self._begun: Begun | None = None
        self._principal: Principal | None = None

    async def start(self, initial: bytes | None) -> Answer:
        """Begin; `initial` is the base64 initial response as received, None if there is none.

        Raises:
            AuthenticationFailed, AccountSuspended, Throttled
        """
        return await self._go_on(self._exchange.start(initial))

    async def step(self, line: bytes) -> Answer:
        """Take the client's answer to the last challenge; raises what `start` raises."""
        return await self._go_on(self._exchange.step(line))

    async def _go_on(self, outcome: Outcome) -> Answer:
        if isinstance(outcome, Credentials):
            return await self._with_password(outcome)
        if isinstance(outcome, KeysWanted):
            return await self._with_keys(outcome)
        if isinstance(outcome, Proof):
            return await self._proven(outcome)
        if isinstance(outcome, Done):
            # `Done` follows a proof alone; whoever finds another way in has signed in as nobody.
            return self._principal or Failure(FailureReason.BAD_FORMAT)
        return outcome

    async def _with_password(self, claim: Credentials) -> Answer:
        _must_be_self(claim.authzid, claim.username)
        return await in_db(
            "hash",
            authenticate,
            username=claim.username,
            password=claim.password,
            address=self._address,
            door=self._door,
            secure=self._secure,
        )

    async def _with_keys(self, wanted: KeysWanted) -> Answer:
        _must_be_self(wanted.authzid, wanted.username)
        assert isinstance(self._exchange, ScramSha256)
        self._begun = await in_db(
            "hash",
            scram.begin,
            username=wanted.username,
            address=self._address,
            door=self._door,
            secure=self._secure,
        )
        basis = self._begun.basis
        return self._exchange.offer(
            self._begun.nonce, basis.salt, basis.iterations, self._begun.keys
        )

    async def _proven(self, proof: Proof) -> Answer:
        assert self._begun is not None
        self._principal = await in_db("hash", scram.finish, self._begun, proof.place)
        return proof.final


def _must_be_self(authzid: str, username: str) -> None:
    """RFC 4616 section 2: acting as another is a right that nobody has here."""
    if authzid and authzid.casefold() != username.casefold():
        raise AuthenticationFailed("asked to act as another user")
