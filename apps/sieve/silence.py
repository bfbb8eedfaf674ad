"""Which mail is never answered by itself, and why (RFC 3834 section 2, RFC 5230 section 4.6). Pure.

Two machines that answer each other would do so for ever, and a list has a thousand readers: in
doubt the answer is silence. The reasons are sentences for the trace.
"""

import re
from collections.abc import Collection
from typing import Final

from apps.mime.address import Address, AddressError
from apps.mime.headers import HeaderBlock

_MACHINE: Final = "its sender is a program that nobody reads the mail of"
# RFC 5230 section 4.6, and names that say of themselves that nobody reads there.
_PROGRAMS: Final = re.compile(
    r"owner-.*|.*-(?:owner|request|bounces?)|(?:mailer-daemon|postmaster|listserv|majordomo"
    r"|mailman|bounces?|no-?reply|do-?not-?reply)(?:[-+=._].*)?|msprvs1=.*",
    re.IGNORECASE,
)
_LIST_FIELDS: Final = (
    b"list-id",
    b"list-help",
    b"list-subscribe",
    b"list-unsubscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"mailing-list",
    b"x-mailing-list",
)
_ANSWER_FIELDS: Final = (b"x-autoreply", b"x-autorespond", b"x-auto-reply-from")
_BULK: Final = frozenset({b"bulk", b"list", b"junk", b"auto_reply"})
_SUPPRESSED: Final = frozenset({b"all", b"oof", b"autoreply"})  # MS-OXCMAIL 2.2.3.2.14
_NAMED_IN: Final = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")


def reason(block: HeaderBlock, sender: Address | None) -> str:
    """Why nobody may answer this message by themselves; "" if they may.

    Args:
        sender: the reverse-path, None for the null path.
    """
    if sender is None:
        return "it came by the null path: it is a report or an answer itself"
    if _PROGRAMS.fullmatch(sender.local):
        return _MACHINE
    if block.is_cut:
        return "its header is too long to be read whole"
    return _of_fields(block)


def _of_fields(block: HeaderBlock) -> str:
    # RFC 3834 section 5: "no" is the one value by which a person wrote it; any comment may follow.
    for value in block.all(b"auto-submitted"):
        if re.split(rb"[;\s(]", value.strip().lower(), maxsplit=1)[0] not in (b"no", b""):
            return "a program wrote it (Auto-Submitted)"
    if any(block.first(name) is not None for name in _LIST_FIELDS):
        return "it came over a mailing list"
    if any(value.strip().lower() in _BULK for value in block.all(b"precedence")):
        return "it is bulk mail (Precedence)"
    if any(block.first(name) is not None for name in _ANSWER_FIELDS):
        return "it is an answer of a program"
    if _SUPPRESSED & {
        word.strip().lower()
        for value in block.all(b"x-auto-response-suppress")
        for word in value.split(b",")
    }:
        return "its sender asks for no answer of a program"
    if (block.first(b"content-type") or b"").lstrip().lower().startswith(b"multipart/report"):
        return "it is a report"
    return ""


def is_named(block: HeaderBlock, own: Collection[str]) -> bool:
    """Whether one of these addresses (`Address.key`) stands where readers are named. Who is not,
    got it as a blind copy, by a list, or by chance (RFC 5230 section 4.5)."""
    return any(
        key in own
        for name in _NAMED_IN
        for one in block.addresses(name)
        if (key := _key(one.local, one.host))
    )


def _key(local: bytes | None, host: bytes | None) -> str:
    if not local or not host:
        return ""
    try:
        return Address.build(local.decode(), host.decode()).key
    except (AddressError, UnicodeDecodeError):
        return ""
