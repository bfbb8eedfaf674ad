"""Who uses a shared mailbox, in words."""

from dataclasses import dataclass
from typing import Final

from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.provisioning.administration import members as known
from apps.provisioning.administration.sharing import NOTHING

LEVEL_WORDS: Final = {
    "read": "Reads",
    "write": "Reads, sorts and deletes mail",
    "manage": "Does all, and makes and removes folders",
    NOTHING: "Reads nothing",
}
EVERYBODY: Final = "Everybody in the organisation"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a part in the mailbox.

    Args:
        id: of the user; None for everybody in the organisation.
        level: one of `administration.sharing.LEVELS`; "" for rights that were given one by one, or
            that differ from folder to folder.
        words: what the level is.
        is_in_sight: whether it has a page.
    """

    id: int | None
    address: str
    name: str
    level: str
    words: str
    sends_as: bool
    sends_on_behalf: bool
    is_in_sight: bool

    @property
    def sending(self) -> str:
        """What it sends, in words."""
        if self.sends_as:
            return "Sends as the mailbox"
        return "Sends on behalf of the mailbox" if self.sends_on_behalf else "Does not send"


def members(powers: Powers, box: User) -> list[Member]:
    """All with a part in it, by address; four statements."""
    return [_member(one) for one in known.members(powers, box)]


def _member(one: known.Member) -> Member:
    return Member(
        id=one.id,
        address=one.address if one.id is not None else EVERYBODY,
        name=one.name,
        level=one.level,
        words=_words(one),
        sends_as=one.sends_as,
        sends_on_behalf=one.sends_on_behalf,
        is_in_sight=one.is_in_sight,
    )


def _words(one: known.Member) -> str:
    if one.level:
        return LEVEL_WORDS[one.level]
    if len(one.rights) > 1:
        return "Not the same in each folder"
    letters, count = next(iter(one.rights.items()))
    words = f"Rights {letters}"
    if count < one.folders:
        level = known.level_of(letters)
        words = LEVEL_WORDS[level] if level else words
        return f"{words}, in {count} of {one.folders} folders"
    return words
