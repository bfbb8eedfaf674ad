"""Passkeys: registered, used, renamed, removed. `apps.accounts.ceremonies` knows WebAuthn."""

import hashlib
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from redis.exceptions import RedisError

from apps.accounts.models import Passkey
from apps.accounts.services.standing import (
    changing,
    device_name,
    refuse_last_while_demanded,
)
from apps.accounts.sites import Site
from apps.audit.services import record
from apps.directory import subjects, throttle
from apps.directory.models import Kind, Means, Outcome, User
from apps.directory.services import history
from apps.directory.signedin import current_versions
from apps.runtime.clock import now
from apps.wire.errors import (
    AccountSuspended,
    AlreadyExists,
    AuthenticationFailed,
    LimitReached,
    NotFound,
)

if TYPE_CHECKING:
    from apps.accounts.ceremonies import Known

log = logging.getLogger(__name__)

MOST: Final = 20  # of one user
LIFETIME: Final = 300  # seconds from the question to the answer
_CHALLENGE: Final = 32  # octets
_HANDLE: Final = 64  # octets (WebAuthn section 14.6.1)
REFUSED: Final = "This passkey was not accepted"


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser is asked, and what its answer must be about."""

    options: Mapping[str, Any]
    challenge: bytes
    handle: bytes  # of a new passkey, else empty
    at: int  # Unix seconds


def ask_for_new(*, user: User, site: Site) -> Question:
    """Begin a registration."""
    from apps.accounts import ceremonies

    challenge = secrets.token_bytes(_CHALLENGE)
    handle = _handle_of(user)
    options = ceremonies.registration(
        site,
        challenge=challenge,
        handle=handle,
        address=user.address,
        name=user.name,
        known=_known(user),
    )
    return Question(options, challenge, handle, now())


def register(
    *,
    user: User,
    site: Site,
    question: Question,
    answer: Mapping[str, Any],
    name: str,
) -> Passkey:
    """Finish a registration.

    Args:
        question: that was asked here, and lately.
        answer: what the browser says (RegistrationResponseJSON); hostile.

    Raises:
        AuthenticationFailed: the answer is not to this question, or broken.
        InvalidName
        LimitReached: the user has 20.
        AlreadyExists: it is registered already.
        NotFound: the user is gone.
    """
    from apps.accounts import ceremonies

    name = device_name(name)
    _spend(question)
    new = ceremonies.registered(site, challenge=question.challenge, answer=answer)
    row = Passkey(
        user=user,
        name=name,
        credential_id=new.credential_id,
        digest=_digest(new.credential_id),
        handle=question.handle,
        public_key=new.public_key,
        sign_count=new.sign_count,
        transports=list(new.transports),
        is_backed_up=new.is_backed_up,
        aaguid=new.aaguid,
    )
    with changing(user) as owner:
        if Passkey.objects.filter(user=user).count() >= MOST:
            raise LimitReached("passkeys", text=f"A user has up to {MOST} passkeys")
        _insert(row)
        record("factor.add", **subjects.of_user(owner), detail={"kind": "passkey", "name": name})
    return row


def _insert(row: Passkey) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise AlreadyExists("passkey", text="This passkey was added already") from None


def ask_to_sign_in(*, site: Site, user: User | None = None) -> Question:
    """Begin a sign-in: by any passkey of this site, or by one of a user's."""
    from apps.accounts import ceremonies

    challenge = secrets.token_bytes(_CHALLENGE)
    known = _known(user) if user is not None else []
    options = ceremonies.sign_in(site, challenge=challenge, known=known)
    return Question(options, challenge, b"", now())


def sign_in(
    *,
    site: Site,
    question: Question,
    answer: Mapping[str, Any],
    address: str,
    user: User | None = None,
) -> User:
    """Check a passkey that somebody showed; return whose it is.

    Args:
        question: that was asked here, and lately.
        address: the client's IP address; budgets belong to its network.
        user: whose it has to be; None takes anybody's.

    Raises:
        AuthenticationFailed: unknown, another's, or not the answer to this question.
        AccountSuspended: it is right, but its user does not sign in.
        Throttled: nothing was checked.
    """
    from apps.accounts import ceremonies

    digest = _digest(ceremonies.credential_id(answer))
    attempt = throttle.admit(f"passkey {digest.hex()}", address)
    try:
        is_spent = _spend(question)
        row = _find(digest, user)
        _check(row, site, question, answer, is_spent)
    except AuthenticationFailed as error:
        throttle.failed(attempt)
        log.warning("a passkey was refused", extra={"client": address, "detail": error.detail})
        raise
    if row.user.kind != Kind.PERSON or row.user_id not in current_versions({row.user_id}):
        history.note(
            user_id=row.user_id,
            outcome=Outcome.SUSPENDED,
            door="web",
            means=Means.PASSKEY,
            address=address,
        )
        raise AccountSuspended("suspended")
    throttle.succeeded(attempt)
    owner: User = row.user
    return owner


def _find(digest: bytes, user: User | None) -> Passkey:
    row: Passkey | None = Passkey.objects.select_related("user").filter(digest=digest).first()
    if row is None or (user is not None and row.user_id != user.pk):
        raise AuthenticationFailed("no passkey of this user", text=REFUSED)
    return row


def _check(
    row: Passkey, site: Site, question: Question, answer: Mapping[str, Any], is_spent: bool
) -> None:
    from apps.accounts import ceremonies

    shown = ceremonies.shown(
        site,
        challenge=question.challenge,
        answer=answer,
        public_key=bytes(row.public_key),
        sign_count=row.sign_count,
        handle=bytes(row.handle),
    )
    # Conditional: of two uses at once that say the same count, one is a copy's.
    unused = Passkey.objects.filter(pk=row.pk, sign_count=row.sign_count)
    if not is_spent:
        asked = datetime.fromtimestamp(question.at, UTC)
        unused = unused.filter(Q(last_used_at=None) | Q(last_used_at__lt=asked))
    if not unused.update(
        sign_count=shown.sign_count,
        is_backed_up=shown.is_backed_up,
        last_used_at=timezone.now(),
    ):
        raise AuthenticationFailed("it was used meanwhile", text=REFUSED)


def rename(*, user: User, passkey_id: int, name: str) -> None:
    """Give a passkey another name.

    Raises:
        InvalidName
        NotFound: the user has none of that number.
    """
    name = device_name(name)
    with changing(user) as owner:
        row = _own(owner, passkey_id)
        Passkey.objects.filter(pk=row.pk).update(name=name)
        detail = {"kind": "passkey", "name": name, "before": row.name}
        record("factor.rename", **subjects.of_user(owner), detail=detail)


def remove(*, user: User, passkey_id: int) -> str:
    """Take a passkey away; return its name.

    Raises:
        NotFound: the user has none of that number.
        InUse: it is the last factor, and the domain asks for one.
    """
    with changing(user) as owner:
        row = _own(owner, passkey_id)
        Passkey.objects.filter(pk=row.pk).delete()
        refuse_last_while_demanded(owner)
        record(
            "factor.remove", **subjects.of_user(owner), detail={"kind": "passkey", "name": row.name}
        )
    return str(row.name)


def _own(user: User, passkey_id: int) -> Passkey:
    row: Passkey | None = Passkey.objects.filter(user=user, pk=passkey_id).first()
    if row is None:
        raise NotFound(f"passkey {passkey_id}", text="There is no such passkey")
    return row


def _handle_of(user: User) -> bytes:
    """What authenticators know a user by: it says nothing of who that is."""
    handles = Passkey.objects.filter(user=user).order_by("pk").values_list("handle", flat=True)
    first = handles.first()
    return bytes(first) if first is not None else secrets.token_bytes(_HANDLE)


def _known(user: User) -> Iterable["Known"]:
    from apps.accounts.ceremonies import Known

    rows = Passkey.objects.filter(user=user)
    recent_first = rows.order_by(F("last_used_at").desc(nulls_last=True))
    return [
        Known(bytes(credential_id), tuple(transports))
        for credential_id, transports in recent_first.values_list("credential_id", "transports")
    ]


def _digest(credential_id: bytes) -> bytes:
    return hashlib.sha256(credential_id).digest()


def _spend(question: Question) -> bool:
    """A question is answered once: the cache, which all web processes share, remembers it.

    Returns:
        False if the cache is away. Then a passkey answers no question that is older than its last
        use, which is the same, but for who has asked in two places.

    Raises:
        AuthenticationFailed: it was answered.
    """
    key = f"passkey:asked:{hashlib.sha256(question.challenge).hexdigest()}"
    try:
        is_first = cache.add(key, 1, LIFETIME)
    except (RedisError, OSError):
        return False
    if not is_first:
        raise AuthenticationFailed("answered already", text=REFUSED)
    return True
