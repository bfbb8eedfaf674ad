"""Which domains belong together: the organisational domain, by the Public Suffix List.

Two names are of one organisation if the list says that somebody could register the part they share
(RFC 7489 section 3.2): mail.example.co.uk and example.co.uk are, a.co.uk and b.co.uk are not. The
list comes with the library and is read on first use, from its file, never from the network. Its
private part counts too: customers of one hosting company, alice.github.io and bob.github.io, are
strangers to each other (docs/decisions/0021-public-suffixes.md).
"""

import re
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import publicsuffixlist
from publicsuffixlist import PublicSuffixList

_VERSION: Final = re.compile(r"^// VERSION: (\d{4}-\d{2}-\d{2})", re.MULTILINE)
_HEAD: Final = 2_000  # characters of the file in which its version stands


@lru_cache(maxsize=8_192)
def organisational(domain: str) -> str:
    """Return the organisational domain of a domain: itself, if it is a public suffix or no name.

    Args:
        domain: lower-case A-labels without a final dot, or an address literal.
    """
    if domain.startswith("["):
        return domain
    return _list().privatesuffix(domain) or domain


def is_public(domain: str) -> bool:
    """Whether anybody may have a name below this domain."""
    return _list().is_public(domain)


def has_known_ending(domain: str) -> bool:
    """Whether the list knows its last label: names end in others only where no world is asked
    (`printer.local`), or where they are no domains (`Mr.Smith`)."""
    return _list().publicsuffix(domain, accept_unknown=False) is not None


def load() -> None:
    """Read the list now: 25 ms that the first message need not wait for, and memory that processes
    which fork afterwards share."""
    _list()


@cache
def published() -> date:
    """The day from which the list is: who never updates mailhost learns of no new suffix.

    date.min if its file does not say.
    """
    with Path(publicsuffixlist.PSLFILE).open(encoding="utf-8") as file:
        found = _VERSION.search(file.read(_HEAD))
    return date.fromisoformat(found[1]) if found else date.min


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
