"""How the mailboxes of others are named: below a level for all of them (RFC 2342), then one with
the owner's address. What a user has subscribed to is kept by that name.
"""

from typing import Final

OTHERS: Final = "Other Users"
SHARED: Final = "Shared"
NAMESPACES: Final = (OTHERS, SHARED)
"""The first levels of names that are not the user's own: of people, and of shared mailboxes."""
DELIMITER: Final = "/"

# A local part may have them, a level of a name may not, or not well: wildcards of LIST.
QUOTED: Final = {"%": "%25", "/": "%2F", "*": "%2A"}


def level(owner_key: str) -> str:
    """The second level: the address of an owner."""
    return "".join(QUOTED.get(letter, letter) for letter in owner_key)
