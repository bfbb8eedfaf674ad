"""Doors of one's own mail: the mailboxes of the token's user, and those that others share."""

from typing import Final

from apps.api.doors import Door
from apps.mailstore import reach
from apps.mailstore.origin import Origin
from apps.mailstore.reach import Place
from apps.wire.errors import NotPermitted

MAIL: Final = "mail"
_WORDS: Final = {
    "te": "take messages out of it",
    "i": "put messages into it",
    "s": "mark messages as read there",
    "w": "mark messages there",
    "t": "mark messages as deleted there",
    "x": "rename or delete it",
}


class MailDoor(Door):
    """Base of these doors; nobody needs a role for what is theirs."""

    resource = MAIL
    is_administrators = False

    @property
    def origin(self) -> Origin:
        """What the journal of the mailboxes says of who acts."""
        return origin_of(self)

    def place(self, mailbox_id: int, rights: str = "") -> Place:
        """A mailbox within reach.

        Args:
            rights: letters of RFC 4314 of which all are needed.

        Raises:
            NotFound: there is none, or it cannot be read.
            NotPermitted: its owner has not given these rights.
        """
        found = reach.find(self.user.pk, mailbox_id)
        require(found, rights)
        return found


def origin_of(door: Door) -> Origin:
    """Who acts at a door, for the journal."""
    token = door.access.token
    client = token.name if token is not None else ""
    return Origin("api", door.user.pk, client, door.access.address)


def require(place: Place, rights: str) -> None:
    """Raise NotPermitted unless all these rights are there."""
    if not place.may(rights):
        words = _WORDS.get(rights, "do this")
        raise NotPermitted(
            f"{rights} in mailbox {place.id}",
            text=f"The owner of mailbox {place.id} does not let you {words}",
        )
