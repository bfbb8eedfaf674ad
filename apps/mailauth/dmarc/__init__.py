"""DMARC (RFC 7489): whether the domain in From stands behind a message, and what it asks for if
not. `author` reads From, `policies` asks the DNS, `judge` decides; `evaluate` is the last two."""

from apps.mailauth.dmarc.authors import Author, author
from apps.mailauth.dmarc.discovery import Published
from apps.mailauth.dmarc.evaluation import (
    Identities,
    Sample,
    evaluate,
    judge,
    late,
    policies,
    sample,
)

__all__ = [
    "Author",
    "Identities",
    "Published",
    "Sample",
    "author",
    "evaluate",
    "judge",
    "late",
    "policies",
    "sample",
]
