"""Where a browser is sent back to after somebody let a program in: pure, no database.

A program registers its addresses, and names one of them exactly. One on the user's own machine
listens at a port that it gets as it starts, so there any port does (RFC 8252 section 7.3).
"""

import re
from typing import Final

from apps.wire.errors import InvalidName

LONGEST: Final = 500  # characters
_PATH: Final = r"(?P<path>/[A-Za-z0-9._~!$&'()*+,=:@%/?-]*)?"
_WEB: Final = re.compile(rf"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{{1,5}})?{_PATH}")
_LOOPBACK: Final = re.compile(
    rf"(?P<host>http://(127\.0\.0\.1|\[::1\]|localhost))(:[0-9]{{1,5}})?{_PATH}"
)
# The reverse of a name that its maker owns (RFC 8252 section 7.1): so none is `javascript`.
_APP: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+):(//?)?[A-Za-z0-9._~!$&'()*+,=:@%/?-]*"
)


def checked(address: str) -> str:
    """An address that may be registered.

    Raises:
        InvalidName: it may not.
    """
    address = address.strip()
    if len(address) > LONGEST or not _kind(address):
        raise InvalidName(
            "redirects",
            text=f"{address[:80]} is no address to come back to: it begins with https://, with"
            " http://127.0.0.1, http://[::1] or http://localhost, or with the scheme of an"
            " installed program, such as com.example.app:/, and has no fragment",
        )
    return address


def _kind(address: str) -> re.Match[str] | None:
    return _WEB.fullmatch(address) or _LOOPBACK.fullmatch(address) or _APP.fullmatch(address)


def fits(registered: str, asked: str) -> bool:
    """Whether a program that registered one address may be sent to another."""
    if registered == asked:
        return True
    mine, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked[: LONGEST + 6])
    if mine is None or theirs is None:
        return False
    return (mine["host"], mine["path"] or "") == (theirs["host"], theirs["path"] or "")


def source(address: str) -> str:
    """An address as a Content-Security-Policy names where it leads."""
    if (app := _APP.fullmatch(address)) is not None:
        return f"{app['scheme']}:"
    return "/".join(address.split("/")[:3])
