"""Whether mail is from whom it says, in words for people.

What proves it is the Authentication-Results that we wrote ourselves when the mail came in, and
nothing else. Ours stands in `Message.prefix`, which only our doors write. A field of that name
within the message was written by a stranger, whatever host it names, and so was all of a message
that came by APPEND, which has no prefix: nobody reads either here.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext

from apps.mailauth import reading as results
from apps.mailauth.reading import Findings, domain_of
from apps.mailauth.suffixes import organisational
from apps.mailstore.queries import Shown
from apps.mime.address import Address, AddressError, take_apart
from apps.mime.addresslist import mailboxes
from apps.mime.charset import decode
from apps.mime.headers import HeaderBlock, scan
from apps.scan.lookalikes.names import Kind, likeness

_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}")
# Our Received says "with ESMTPSA" (RFC 3848) of whoever had signed in.
_SIGNED_IN: Final = re.compile(rb"\bwith (?:UTF8SMTP|ESMTP)S?A\b")
NAME_MAX: Final = 500  # characters of a display name looked at


class Standing(StrEnum):
    """How sure the sender is."""

    OWN = "own"  # the reader's own mail
    PROVED = "proved"
    UNPROVED = "unproved"
    FAILED = "failed"
    UNKNOWN = "unknown"  # it did not come in through our doors: nobody looked


_LOOKS: Final = {
    Standing.OWN: ("ok", "user"),
    Standing.PROVED: ("ok", "badge-check"),
    Standing.UNPROVED: ("neutral", "shield-question-mark"),
    Standing.FAILED: ("bad", "shield-alert"),
    Standing.UNKNOWN: ("neutral", ""),
}


@dataclass(frozen=True, slots=True)
class Sender:
    """What is said of a sender.

    Args:
        word: beside the name, "" if there is nothing to say; `text` is a sentence.
        warnings: sentences on names that mislead.
        checks: method and result of each check, for who wants to know.
    """

    standing: Standing
    word: str
    text: str
    warnings: tuple[str, ...]
    checks: tuple[tuple[str, str], ...]

    @property
    def look(self) -> str:
        """Colour of the mark."""
        return _LOOKS[self.standing][0]

    @property
    def icon(self) -> str:
        """Its icon, "" for none."""
        return _LOOKS[self.standing][1]


def judge(shown: Shown, name: str, address: str, own: Collection[str], *, is_kept: bool) -> Sender:
    """Return what to say of who sent a message.

    Args:
        name, address: of the From field, for people.
        own: the reader's own addresses, as `Address.key`.
        is_kept: the message lies where only the reader's own mail does (Sent, Drafts).
    """
    found = _findings(shown.trace)
    standing = _standing(shown, found, address, own, is_kept=is_kept)
    checks = tuple((one.method.upper(), one.result) for one in found.results) if found else ()
    warnings = () if standing is Standing.OWN else tuple(_warnings(name, address, own, standing))
    return Sender(standing, _word(standing), _text(standing, address), warnings, checks)


def proven_address(shown: Shown) -> str:
    """The address in From if it is proved that the message is from there, else "". May read the
    message's header; raises Damaged."""
    return proven(shown.trace, shown.header())


def proven(prefix: bytes, raw: bytes) -> str:
    """The same from the bytes.

    Args:
        prefix: `Message.prefix`, never bytes of a stranger.
        raw: the message as shown, or its header.
    """
    address = _author(scan(raw))
    if not address:
        return ""
    found = _findings(prefix)
    is_proved = _is_proved(found, address) if found else bool(_SIGNED_IN.search(prefix))
    return address if is_proved else ""


def _findings(prefix: bytes) -> Findings | None:
    """What our topmost field says, None without one that can be read."""
    if not prefix:
        return None
    value = scan(prefix).first(b"authentication-results")
    found = results.read(value) if value is not None else None
    return found if found is not None and found.host else None


def _author(block: HeaderBlock) -> str:
    """The one address of the one From field; "" if there are several (RFC 7489 section 6.6.1)."""
    if block.count(b"from") != 1:
        return ""
    boxes = mailboxes(block.first(b"from") or b"")
    if len(boxes) != 1 or not boxes[0].host or not boxes[0].local:
        return ""
    return f"{decode(boxes[0].local)}@{decode(boxes[0].host)}"


def key_of(address: str) -> str:
    """An address in the form to compare it in; "" if it is none."""
    try:
        return Address.parse(address).key
    except AddressError:
        return ""


def _standing(
    shown: Shown, found: Findings | None, address: str, own: Collection[str], *, is_kept: bool
) -> Standing:
    signed_in = found is None and _SIGNED_IN.search(shown.trace) is not None
    if key_of(address) in own and (is_kept or signed_in):
        return Standing.OWN
    if signed_in:
        return Standing.PROVED
    if found is None:
        return Standing.UNKNOWN
    if proven_address(shown):
        return Standing.PROVED
    failed = any(one.method == "dmarc" and one.result == "fail" for one in found.results)
    return Standing.FAILED if failed else Standing.UNPROVED


def _is_proved(found: Findings, address: str) -> bool:
    """DMARC, or without a policy of the domain a DKIM signature of it."""
    domain = domain_of(address)
    if not domain:
        return False
    for one in found.results:
        if one.method == "dmarc":
            if one.result == "pass":
                return domain_of(one.get("header", "from")) == domain
            if one.result == "fail":
                return False
    return any(
        one.method == "dkim"
        and one.result == "pass"
        and organisational(domain_of(one.get("header", "d"))) == organisational(domain)
        for one in found.results
    )


def _warnings(name: str, address: str, own: Collection[str], standing: Standing) -> list[str]:
    found: list[str] = []
    key = key_of(address)
    inside = _ADDRESS.search(name[:NAME_MAX])
    if inside is not None and key_of(inside[0]) != key:
        found.append(
            gettext("The name contains another address, {inside}. The mail is from {address}.")
            .replace("{inside}", inside[0])
            .replace("{address}", address)
        )
    if key in own and standing is not Standing.PROVED:
        found.append(gettext("This says that it is from you. It was not sent with your account."))
    host = take_apart(key)[1]
    for other in sorted({take_apart(one)[1] for one in own}):
        alike = likeness(host, other) if host and other else None
        if alike is not None and alike.kind is not Kind.ENDING:
            found.append(
                gettext("{host} is not {target}, it only looks like it.")
                .replace("{host}", host)
                .replace("{target}", alike.target)
            )
    return found


def _word(standing: Standing) -> str:
    return {
        Standing.OWN: gettext("You"),
        Standing.PROVED: gettext("Proved"),
        Standing.UNPROVED: gettext("Not proved"),
        Standing.FAILED: gettext("May be forged"),
        Standing.UNKNOWN: "",
    }[standing]


def _text(standing: Standing, address: str) -> str:
    domain = take_apart(address)[1] or address
    return {
        Standing.OWN: gettext("You sent this."),
        Standing.PROVED: gettext("It is proved that this is from {domain}."),
        Standing.UNPROVED: gettext("Nothing proves that this is from {domain}."),
        Standing.FAILED: gettext(
            "This may not be from {domain}: it failed the checks that this domain asks for. Mail"
            " that came through a mailing list may fail them too."
        ),
        Standing.UNKNOWN: gettext("This did not come in as mail here, so nobody checked it."),
    }[standing].replace("{domain}", domain)
