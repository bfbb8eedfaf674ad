"""The rules about what there was before a message."""

from typing import Final

from apps.scan.rulebook import Rule

KNOWN_CORRESPONDENT: Final = Rule(
    "KNOWN_CORRESPONDENT",
    -3.0,
    "the reader wrote to the author before, or has the author in the contacts; the author is proven"
    " to write",
)
KNOWN_UNPROVEN: Final = Rule(
    "KNOWN_UNPROVEN",
    0.0,
    "the reader wrote to the author before, or has the author in the contacts, but nothing proves"
    " who writes",
)
KNOWN_SENDER: Final = Rule(
    "KNOWN_SENDER",
    -0.5,
    "mail of the author's domain, which is proven and where not everybody can have an address, came"
    " on other days before",
)
ANSWER_TO_OURS: Final = Rule(
    "ANSWER_TO_OURS", -1.5, "it answers a message that the reader sent, and its author is proven"
)
FIRST_CONTACT: Final = Rule(
    "FIRST_CONTACT", 0.3, "the reader never wrote to the author, who is not known here either"
)
RULES: Final = (
    KNOWN_CORRESPONDENT,
    KNOWN_UNPROVEN,
    KNOWN_SENDER,
    ANSWER_TO_OURS,
    FIRST_CONTACT,
)
