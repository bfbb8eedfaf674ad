"""The Received-SPF field (RFC 7208 section 9.1), from whatever a client said.

Every value that is no atom is a quoted string without control characters, so that nothing in a
HELO name or an address can end the field, fold it or look like another one.
"""

import re
from typing import Final

from apps.mailauth.types import Client, Result, Spf

VALUE_MOST: Final = 320  # characters of one value: an address of SMTP has 254

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*+")
_WORDS: Final = {
    Result.PASS: "{domain} lets {address} use its name",
    Result.FAIL: "{domain} does not let {address} use its name",
    Result.SOFTFAIL: "{domain} does not expect {address} to use its name",
    Result.NEUTRAL: "{domain} does not say whether {address} may use its name",
    Result.NONE: "{domain} does not say who may use its name",
    Result.TEMPERROR: "the record of {domain} could not be looked up",
    Result.PERMERROR: "the record of {domain} cannot be used",
}


def received_spf(spf: Spf, client: Client) -> bytes:
    """The whole field with its CRLF; UTF-8 if the sender's address is not ASCII (RFC 6532)."""
    words = _WORDS[spf.result].format(
        domain=spf.domain or "no domain", address=client.address or "a client without address"
    )
    pairs = [
        ("receiver", client.hostname),
        ("client-ip", client.address),
        ("envelope-from", client.sender),
        ("helo", _ascii(client.helo)),
        ("identity", "helo" if spf.scope == "helo" else "mailfrom"),
        ("mechanism", spf.mechanism),
    ]
    if spf.result in {Result.TEMPERROR, Result.PERMERROR}:
        pairs.append(("problem", _ascii(spf.reason)))
    # The null path is worth telling: envelope-from="".
    told = [f"{key}={_value(value)}" for key, value in pairs if value or key == "envelope-from"]
    comment = f"({_comment(client.hostname)}: {_comment(words)})"
    text = f"Received-SPF: {spf.result}\r\n {comment}\r\n " + ";\r\n ".join(told) + "\r\n"
    return text.encode("utf-8", "replace")


def _value(text: str) -> str:
    """A dot-atom as it is, everything else quoted."""
    clean = _printable(text)
    if _ATOM.fullmatch(clean):
        return clean
    clean = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{clean}"'


def _comment(text: str) -> str:
    return re.sub(r"([()\\])", r"\\\1", _printable(_ascii(text)))


def _printable(text: str) -> str:
    """No control characters, no line ends of Unicode, no surrogates; not too long."""
    cut = text[:VALUE_MOST]
    if cut.isprintable():  # nearly all, and a hundred times as fast
        return cut
    return "".join(char if char.isprintable() else "?" for char in cut)


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" for char in text)
