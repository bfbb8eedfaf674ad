"""The rules about links."""

from typing import Final

from apps.scan.rulebook import Rule

TEXT_LIES: Final = Rule(
    "LINK_TEXT_LIES", 2.5, "the words of a link show another address than the one it leads to"
)
TEXT_DIFFERS: Final = Rule(
    "LINK_TEXT_DIFFERS",
    1.2,
    "the same, where it may be honest: the words are a mere name such as `Booking.com`, a"
    " newsletter of a proven sender counts clicks, or links that show several places lead to one",
)
TO_ADDRESS: Final = Rule("LINK_TO_ADDRESS", 2.0, "a link leads to an IP address")
ODD_ADDRESS: Final = Rule(
    "LINK_ODD_ADDRESS", 3.0, "a link leads to an IP address in a notation that hides it"
)
WITH_USER: Final = Rule(
    "LINK_WITH_USER", 2.5, "a link has a user name before its host, which looks like the host"
)
ODD_PORT: Final = Rule("LINK_ODD_PORT", 1.0, "a link leads to an unusual port")
SHORTENED: Final = Rule(
    "LINK_SHORTENED", 0.7, "a link is of a shortener, and says nothing of where it leads"
)
FREE_HOST: Final = Rule(
    "LINK_FREE_HOST", 0.8, "a link leads to a host where anybody has a page at once"
)
REDIRECTED: Final = Rule(
    "LINK_REDIRECTED", 0.7, "a link leads to a large service, which sends people on elsewhere"
)
CODE: Final = Rule(
    "LINK_CODE", 3.0, "a link is a page or a program itself (`data:`, `javascript:`)"
)
TO_SHARE: Final = Rule(
    "LINK_TO_SHARE",
    2.5,
    "a link leads to a file share or starts a program of Windows (`file:`, `search-ms:`), which"
    " gives passwords away",
)
TO_PROGRAM: Final = Rule("LINK_TO_PROGRAM", 1.0, "a link leads to a program or an image of a disk")
DECOY: Final = Rule(
    "LINK_DECOY", 1.5, "the host of a link begins like another one (`bank.com.evil.example`)"
)
NAMES_READER: Final = Rule(
    "LINK_NAMES_READER", 2.0, "a link carries the reader's address behind `#`, to fill in a form"
)
FORM: Final = Rule("LINK_FORM", 0.5, "a form in the message is sent to somewhere on the web")
LISTED: Final = Rule(
    "LINK_LISTED",
    1.0,
    "a domain in a link is on a list of URL_BLOCK_LISTS; the points are the list's weights",
    most=8.0,
)
AUTHOR_LISTED: Final = Rule(
    "AUTHOR_LISTED", 1.0, "the same of the domain of the author, or of where answers go", most=8.0
)
RULES: Final = (
    TEXT_LIES,
    TEXT_DIFFERS,
    TO_ADDRESS,
    ODD_ADDRESS,
    WITH_USER,
    ODD_PORT,
    SHORTENED,
    FREE_HOST,
    REDIRECTED,
    CODE,
    TO_SHARE,
    TO_PROGRAM,
    DECOY,
    NAMES_READER,
    FORM,
    LISTED,
    AUTHOR_LISTED,
)
