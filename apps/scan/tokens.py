"""The signed words in links of digests: which reader's copy, or whose digests. They end in time.

Who holds one may do with that copy what its reader may without signing in; never more, and never
with another one's. Nothing of them is kept: the key of the installation signs them.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing

from apps.runtime.ulid import parse_ulid, ulid_text
from apps.wire.errors import NotFound

_COPY: Final = "scan.copy"
_DIGEST: Final = "scan.digest"
_LONGEST: Final = 200  # characters; ours have fewer
_DIGEST_AGE: Final = timedelta(days=400)
"""Whoever finds an old digest can still end them."""
_GONE: Final = "This link does not work any more"


def of_copy(user_id: int, trace_id: UUID) -> str:
    """For a copy: works for as long as it can be kept."""
    return _signer(_COPY).sign(f"{user_id}-{ulid_text(trace_id)}")


def read_copy(token: str) -> tuple[int, UUID]:
    """User and trace that `of_copy` signed.

    Raises:
        NotFound: it is none of ours, or too old.
    """
    text = _read(token, _COPY, timedelta(days=settings.QUARANTINE_DAYS))
    user_id, _, trace = text.partition("-")
    trace_id = parse_ulid(trace)
    if trace_id is None:
        raise NotFound("a link without a trace", text=_GONE)
    return int(user_id), trace_id


def of_digest(user_id: int) -> str:
    """For how often a user gets digests."""
    return _signer(_DIGEST).sign(str(user_id))


def read_digest(token: str) -> int:
    """The user that `of_digest` signed. Raises NotFound."""
    return int(_read(token, _DIGEST, _DIGEST_AGE))


def _read(token: str, salt: str, age: timedelta) -> str:
    try:
        return _signer(salt).unsign(token[:_LONGEST], max_age=age)
    except signing.BadSignature:
        raise NotFound("a link that is not signed, or too old", text=_GONE) from None


def _signer(salt: str) -> signing.TimestampSigner:
    # A dot, because programs that find links in text take it for a part of them, and no colon.
    return signing.TimestampSigner(sep=".", salt=salt)
