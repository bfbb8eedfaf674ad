"""One command line in, one typed command out.

`parse` promises a value for any octets and never an exception: what cannot be understood is a
`Malformed` with the reply that says so in SMTP's own words. It knows syntax alone; whether a
command is allowed now is the session's business. RFC 5321 section 4.1, 3030 (BDAT), 4954 (AUTH),
2033 (LHLO).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.mime.address import AddressError, Path, Utf8NotAllowedError, parse_path
from apps.smtp.proto.limits import SIZE_DIGITS
from apps.smtp.proto.parameters import (
    MailParameters,
    ParameterError,
    RcptParameters,
    mail_parameters,
    rcpt_parameters,
)
from apps.wire.errors import InvalidAddress
from apps.wire.foreign import is_foreign
from apps.wire.replies import Reply

_HELLO_NAME = re.compile(rb"[!-~]{1,255}")
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")


@dataclass(frozen=True, slots=True)
class Hello:
    """EHLO, HELO or LHLO with the name the client gives itself: printable ASCII, no spaces."""

    verb: str
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM. `path.rest` is spent: it is in `parameters`."""

    path: Path
    parameters: MailParameters
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT TO."""

    path: Path
    parameters: RcptParameters
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Data:
    """DATA."""


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT: `size` octets follow at once, whatever we answer."""

    size: int
    last: bool


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH. `initial` is the base64 initial response, None if there is none."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Simple:
    """RSET, NOOP, VRFY, EXPN, HELP, STARTTLS, QUIT, with what followed the word."""

    verb: str
    argument: bytes = b""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A word of HTTP: a browser was made to talk to us (ALPACA). Cut it off."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """No command of ours, or not well formed."""

    reply: Reply


Command = Hello | Mail | Rcpt | Data | Bdat | Auth | Simple | Foreign | Malformed

UNKNOWN = Malformed(Reply(500, "5.5.2", "Command not recognised"))
NO_ARGUMENT = Malformed(Reply(501, "5.5.4", "This command takes no argument"))
_BAD_HELLO = Malformed(Reply(501, "5.5.4", "Say your host name"))
_BAD_MAIL = Malformed(Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>"))
_BAD_RCPT = Malformed(Reply(501, "5.5.4", "Syntax: RCPT TO:<address>"))
_BAD_BDAT = Malformed(Reply(501, "5.5.4", "Syntax: BDAT size [LAST]"))
_BAD_AUTH = Malformed(Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial-response]"))
_NEEDS_UTF8 = Malformed(Reply(553, "5.6.7", "This address needs SMTPUTF8"))
_BAD_ADDRESS = Malformed(InvalidAddress.reply)
# RFC 3463 section 3.2: X.1.3 is for recipients, X.1.7 for senders.
_BAD_SENDER = Malformed(Reply(501, "5.1.7", InvalidAddress.reply.text))
_DATA = Data()


def parse(line: bytes, *, smtputf8: bool = False) -> Command:
    """Return the command that `line` (without CRLF) spells.

    Args:
        smtputf8: whether the transaction under way was begun with SMTPUTF8; for RCPT.
    """
    verb, _, rest = line.partition(b" ")
    verb = verb.upper()
    if verb == b"RCPT":
        return _rcpt(rest, smtputf8)
    if verb == b"DATA":
        return NO_ARGUMENT if rest.strip() else _DATA
    parser = _PARSERS.get(verb)
    if parser is not None:
        return parser(verb, rest)
    return Foreign() if is_foreign(line, smtp=True) else UNKNOWN


def _hello(verb: bytes, rest: bytes) -> Command:
    # One word: some clients add a comment, and some send nothing but a space.
    words = rest.split(maxsplit=1)
    if not words or _HELLO_NAME.fullmatch(words[0]) is None:
        return _BAD_HELLO
    return Hello(verb.decode(), words[0].decode())


def _mail(_verb: bytes, rest: bytes) -> Command:
    if rest[:5].upper() != b"FROM:":
        return _BAD_MAIL
    raw = rest[5:]
    # The parameter that makes the address legal stands behind it (RFC 6531 section 3.4).
    smtputf8 = b" SMTPUTF8" in raw.upper()
    try:
        path = parse_path(raw, smtputf8=smtputf8)
        if path.postmaster:
            return _BAD_SENDER
        return Mail(path, mail_parameters(path.rest), raw)
    except Utf8NotAllowedError:
        return _NEEDS_UTF8
    except AddressError:
        return _BAD_SENDER
    except ParameterError as error:
        return Malformed(error.reply)


def _rcpt(rest: bytes, smtputf8: bool) -> Command:
    if rest[:3].upper() != b"TO:":
        return _BAD_RCPT
    raw = rest[3:]
    try:
        path = parse_path(raw, smtputf8=smtputf8)
        if path.null:
            return _BAD_ADDRESS
        return Rcpt(path, rcpt_parameters(path.rest, smtputf8=smtputf8), raw)
    except Utf8NotAllowedError:
        return _NEEDS_UTF8
    except AddressError:
        return _BAD_ADDRESS
    except ParameterError as error:
        return Malformed(error.reply)


def _bdat(_verb: bytes, rest: bytes) -> Command:
    words = rest.split()
    if not words or len(words) > 2 or (len(words) == 2 and words[1].upper() != b"LAST"):
        return _BAD_BDAT
    if not words[0].isdigit() or len(words[0]) > SIZE_DIGITS:
        return _BAD_BDAT
    return Bdat(int(words[0]), len(words) == 2)


def _auth(_verb: bytes, rest: bytes) -> Command:
    words = rest.split()
    if not 1 <= len(words) <= 2 or _MECHANISM.fullmatch(words[0]) is None:
        return _BAD_AUTH
    return Auth(words[0].decode().upper(), words[1] if len(words) == 2 else None)


def _bare(verb: bytes, rest: bytes) -> Command:
    return NO_ARGUMENT if rest.strip() else Simple(verb.decode())


def _with_text(verb: bytes, rest: bytes) -> Command:
    return Simple(verb.decode(), rest.strip())


_PARSERS: dict[bytes, Callable[[bytes, bytes], Command]] = {
    b"EHLO": _hello,
    b"HELO": _hello,
    b"LHLO": _hello,
    b"MAIL": _mail,
    b"BDAT": _bdat,
    b"AUTH": _auth,
    b"RSET": _bare,
    b"QUIT": _bare,
    b"STARTTLS": _bare,
    b"NOOP": _with_text,
    b"HELP": _with_text,
    b"VRFY": _with_text,
    b"EXPN": _with_text,
}
