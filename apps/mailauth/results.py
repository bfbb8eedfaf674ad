"""Authentication-Results (RFC 8601): what we found out, for those who read the message after us.

The field is ours, and must say nothing else whatever a stranger wrote into the things it tells of:
it is ASCII, values hold no character that could end them, what cannot be told so is left out. Nor
can a stranger's text look like a result to a reader that only searches for `dmarc=pass`.
"""

import re
from collections.abc import Iterator
from typing import Final

from apps.mailauth.types import Arc, Authentication, Client, Dkim, Dmarc, Iprev, Result, Spf

LINE: Final = 78  # columns wished for, RFC 5322 section 2.1.1
TEXT_MAX: Final = 300  # characters of a reason
SIGNATURES_MAX: Final = 20

# What stands as it is (a token, RFC 2045 section 5.1), and what may stand in quotes: no "=", so
# that no value can be taken for a result; no ";" either, where hasty readers end a clause.
_TOKEN: Final = re.compile(r"(?:[A-Za-z0-9._+-]{0,64}@)?[A-Za-z0-9._+-]{1,255}")
_QUOTABLE: Final = re.compile(r"[A-Za-z0-9.@_:/+\[\]-]{1,300}")
_NOT_SAID: Final = re.compile(r"[^A-Za-z0-9 .,:=@_/+\[\]'-]")


def authentication_results(hostname: str, authentication: Authentication, client: Client) -> bytes:
    """Return the whole field, folded, with its CRLF.

    Args:
        hostname: our authserv-id, A-labels.
    """
    clauses = [
        *_spf(authentication.spf, authentication.helo, client),
        *_dkim(authentication.dkim),
        _dmarc(authentication.dmarc),
        *_arc(authentication.arc, client),
        *_iprev(authentication.iprev, client),
    ]
    lines = [f"Authentication-Results: {hostname}"]
    for clause in clauses:
        lines[-1] += ";"
        lines += _folded([word for word in clause if word])
    return "\r\n\t".join(lines).encode("ascii", "replace") + b"\r\n"


def _spf(spf: Spf, helo: Spf, client: Client) -> Iterator[list[str]]:
    # The null path stands for the name in HELO (RFC 7208 section 2.4).
    name = "smtp.mailfrom" if client.sender else "smtp.helo"
    yield [f"spf={spf.result}", _reason(spf.result, spf.reason), _property(name, spf.domain)]
    if client.sender and helo.result is not Result.NONE:
        said = _reason(helo.result, helo.reason)
        yield [f"spf={helo.result}", said, _property("smtp.helo", helo.domain)]


def _dkim(signatures: tuple[Dkim, ...]) -> Iterator[list[str]]:
    if not signatures:
        yield ["dkim=none"]
    for one in signatures[:SIGNATURES_MAX]:
        is_default = one.identity == f"@{one.domain}"
        yield [
            f"dkim={one.result}",
            "(test mode)" if one.is_testing else "",
            _reason(one.result, one.reason),
            _property("header.d", one.domain),
            "" if is_default else _property("header.i", one.identity),
            _property("header.s", one.selector),
            _property("header.a", one.algorithm),
            _property("header.b", one.value),
        ]


def _dmarc(dmarc: Dmarc) -> list[str]:
    asked = f"p={dmarc.policy}" if dmarc.record else ""
    comment = ", ".join(filter(None, (asked, dmarc.override.replace("_", " "))))
    is_known = bool(dmarc.record) or bool(dmarc.override)
    return [
        f"dmarc={dmarc.result}",
        _comment(comment),
        _reason(dmarc.result, dmarc.reason),
        _property("header.from", dmarc.author),
        # What is to be done, pct and all: RFC 7489 section 11.1.
        _property("policy.dmarc", dmarc.disposition.value) if is_known else "",
    ]


def _arc(arc: Arc, client: Client) -> Iterator[list[str]]:
    if arc.result is Result.NONE:
        return
    vouched = f", {arc.vouched} vouches for it" if arc.vouched else ""
    yield [
        f"arc={arc.result}",
        _comment(f"i={arc.instance}{vouched}"),
        _reason(arc.result, arc.reason),
        _property("smtp.remote-ip", client.address),
    ]


def _iprev(iprev: Iprev, client: Client) -> Iterator[list[str]]:
    if client.address:
        said = _reason(iprev.result, iprev.reason)
        address = _property("policy.iprev", client.address)
        yield [f"iprev={iprev.result}", said, address, _comment(iprev.name)]


def _reason(result: Result, text: str) -> str:
    if result is Result.PASS or not text:
        return ""
    return f'reason="{_NOT_SAID.sub("?", text[:TEXT_MAX])}"'


def _comment(text: str) -> str:
    return f"({_NOT_SAID.sub('?', text[:TEXT_MAX])})" if text else ""


def _property(name: str, value: str) -> str:
    """`name=value`; "" if the value cannot be told without a risk."""
    if _TOKEN.fullmatch(value):
        return f"{name}={value}"
    return f'{name}="{value}"' if _QUOTABLE.fullmatch(value) else ""


def _folded(words: list[str]) -> list[str]:
    """The lines of a clause. Only between words: some readers mind a fold within quotes."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 10 > LINE:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines
