"""What the forms of folders and labels say: read from a request, and written back into the page."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.webmail.folders import Folder, Side
from apps.webmail.labels import HUES
from apps.wire.errors import InvalidName

LONGEST = 2_000  # characters of a field; more is nobody's name


@dataclass(slots=True)
class PlaceForm:
    """A name, a folder it stands in ("" for none), a colour ("" or 0 for none), and what is wrong
    with them."""

    name: str = ""
    inside: str = ""
    hue: str = ""
    error: str = ""

    @classmethod
    def of(cls, posted: Mapping[str, str]) -> "PlaceForm":
        """Cut to what a page can show again."""
        fields = {key: str(posted.get(key, ""))[:LONGEST] for key in ("name", "inside", "hue")}
        return cls(**fields)

    @property
    def colour(self) -> int:
        """The hue, 0 for none. Raises InvalidName."""
        if self.hue in ("", "0"):
            return 0
        if self.hue not in map(str, HUES):
            raise InvalidName("hue", text=_("There is no such colour"))
        return int(self.hue)

    def place(self, side: Side) -> Folder | None:
        """The folder it is to stand in, None for the top. Raises InvalidName."""
        if not self.inside:
            return None
        for one in side.all:
            if str(one.id) == self.inside:
                return one
        raise InvalidName("inside", text=_("The folder that you chose is not there any more"))
