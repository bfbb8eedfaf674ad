"""Who did it, and through which door: goes into the journal with every change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The author of a change.

    Args:
        door: imap, pop3, web, api, queue, command … (at most 12 characters).
        user_id: the user who acted; None for the service itself.
        client: what the client calls itself (IMAP ID, user agent); untrusted, cut at 200
            characters.
        address: the client's IP address.
    """

    door: str
    user_id: int | None
    client: str = ""
    address: str = ""
