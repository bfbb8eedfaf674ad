"""The mailboxes in which a person may act, their own and those of others, with the rights there."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.mailstore import queries, shares
from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN, Mailbox, SpecialUse
from apps.mailstore.queries import MailboxRow
from apps.mailstore.services.copy import ALL_FLAGS, Kept
from apps.mailstore.services.mailboxes import SEPARATOR
from apps.runtime.glance import ask_database
from apps.wire.errors import NotFound

_ALL: Final = frozenset(shares.RIGHTS)
_SYSTEM: Final = 0xFF
_TITLES: Final = {
    SpecialUse.INBOX: _("Inbox"),
    SpecialUse.DRAFTS: _("Drafts"),
    SpecialUse.SENT: _("Sent"),
    SpecialUse.ARCHIVE: _("Archive"),
    SpecialUse.JUNK: _("Junk"),
    SpecialUse.TRASH: _("Trash"),
    SpecialUse.SCHEDULED: _("Scheduled"),
    SpecialUse.SNOOZED: _("Snoozed"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox. `owner` is "" for one's own, else the owner's address; `uidnext` as it was when it
    was looked at."""

    id: int
    name: str
    special_use: str
    owner_id: int
    owner: str
    rights: frozenset[str]
    uidnext: int

    @property
    def title(self) -> str:
        """As people read its name."""
        return str(_TITLES.get(SpecialUse(self.special_use), self.name))

    @property
    def slug(self) -> str:
        """Of its address."""
        return self.special_use if self.special_use and not self.owner else str(self.id)

    def may(self, letters: str) -> bool:
        """Whether the person has all these rights (RFC 4314 section 2.1)."""
        return self.rights.issuperset(letters)

    @property
    def kept(self) -> Kept:
        """What a message that comes here keeps of what it is marked with (section 4)."""
        if self.may("swt"):
            return ALL_FLAGS
        others = _SYSTEM & ~(FLAG_SEEN | FLAG_DELETED) if self.may("w") else 0
        seen = FLAG_SEEN if self.may("s") else 0
        deleted = FLAG_DELETED if self.may("t") else 0
        return Kept(others | seen | deleted, self.may("w"))


class Reach:
    """All of them, read at once: two queries, however many messages are meant."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        own = [_place(row, user_id, "", _ALL) for row in queries.mailboxes(user_id)]
        others = [
            _place(one.row, one.owner_id, one.owner_key, one.rights)
            for one in shares.shared_with(user_id)
            if "r" in one.rights
        ]
        self._places = {place.id: place for place in [*own, *others]}

    @property
    def own(self) -> list[Place]:
        """Those of the person, by id."""
        return [self._places[key] for key in sorted(self._places) if not self._places[key].owner]

    def place(self, mailbox_id: int) -> Place:
        """Raises NotFound: one that may not be read is no different from none."""
        found = self._places.get(mailbox_id)
        if found is None:
            raise NotFound(f"mailbox {mailbox_id} of user {self.user_id}")
        return found

    def called(self, slug: str) -> Place:
        """The mailbox of an address: a special use, or an id. Raises NotFound."""
        if slug.isascii() and slug.isdigit() and len(slug) < 19:
            return self.place(int(slug))
        found = self.role(self.user_id, slug)
        if found is None:
            raise NotFound(f"mailbox {slug[:20]!r} of user {self.user_id}")
        return found

    def role(self, owner_id: int, use: str) -> Place | None:
        """The mailbox of an owner that has a special use, if it is within reach."""
        for place in self._places.values():
            if use and place.owner_id == owner_id and place.special_use == use:
                return place
        return None

    def is_within(self, place: Place, uses: Collection[str]) -> bool:
        """Whether it has one of these special uses, or lies in a mailbox that has."""
        if place.special_use in uses:
            return True
        tops = (self.role(place.owner_id, use) for use in uses)
        return any(top and place.name.startswith(top.name + SEPARATOR) for top in tops)


def find(user_id: int, mailbox_id: int) -> Place:
    """One mailbox within reach, without reading the others; two queries. Raises NotFound."""
    row = (
        Mailbox.objects.filter(pk=mailbox_id, deleted_at=None)
        .select_related("user", "counters")
        .only("name", "special_use", "user__key", "counters__uidnext")
        .first()
    )
    if row is None:
        raise _missing(user_id, mailbox_id)
    is_own = row.user_id == user_id
    rights = _ALL if is_own else shares.rights_in(ask_database, user_id, mailbox_id)
    if "r" not in rights:
        raise _missing(user_id, mailbox_id)
    owner = "" if is_own else row.user.key
    uidnext = row.counters.uidnext
    return Place(row.pk, row.name, row.special_use, row.user_id, owner, rights, uidnext)


def _missing(user_id: int, mailbox_id: int) -> NotFound:
    return NotFound(f"mailbox {mailbox_id} of user {user_id}", text="There is no such mailbox")


def _place(row: MailboxRow, owner_id: int, owner: str, rights: frozenset[str]) -> Place:
    use = "" if row.special_use == SpecialUse.NONE else row.special_use
    return Place(row.id, row.name, use, owner_id, owner, rights, row.counters.uidnext)
