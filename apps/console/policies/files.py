"""What is done with attached files: the sorts that the page shows, and what holds of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.directory.models import Domain
from apps.scan.attachments.names import GROUPS
from apps.scan.attachments.policy import ACTIONS, USUAL, What
from apps.scan.models import AttachmentPolicy

Entry = tuple[str, str]
WORDS: Final[Mapping[str, str]] = {
    "allow": "Let pass",
    "junk": "Move to Junk",
    "quarantine": "Hold in quarantine",
    "refuse": "Refuse",
}
_NAMES: Final = {action: name for name, action in ACTIONS.items()}
_SORTS: Final[Mapping[Entry, tuple[str, str]]] = {
    ("group", "program"): ("Programs", "Wherever they are packed, whatever they are called."),
    ("group", "installer"): ("Installers", ""),
    ("group", "script"): ("Scripts", ""),
    ("group", "shortcut"): ("Shortcuts", "They start what stands in them."),
    ("group", "link"): ("Links in files", ""),
    ("group", "disk"): ("Disk images", "What is in them is not marked as coming from outside."),
    ("group", "archive"): ("Archives", "Of themselves; what is in them is looked at in any case."),
    ("group", "source"): ("Scripts among many files", "What programmers send each other."),
    ("condition", "disguised"): ("Disguised files", "Such as invoice.pdf.exe."),
    ("condition", "encrypted"): ("Files with a password", "Nobody here can look into them."),
    ("condition", "macros"): ("Documents with macros", ""),
    ("condition", "unread"): ("Archives that cannot be opened", "The names are known at most."),
    ("condition", "unscannable"): ("Files that cannot be checked", "Damaged, or too large."),
}
OTHERS: Final[Mapping[str, str]] = {
    What.ENDING.value: "Ending",
    What.TYPE.value: "Declared type",
    What.KIND.value: "Kind by content",
}


@dataclass(frozen=True, slots=True)
class Sort:
    """A group of files or a condition.

    Args:
        own: the action that is set here; "" for none.
        wider: what is done without it, and whose that is.
    """

    what: str
    value: str
    label: str
    hint: str
    own: str
    wider: str
    source: str

    @property
    def name(self) -> str:
        """Of its field."""
        return f"{self.what}-{self.value}"

    @property
    def wider_words(self) -> str:
        return WORDS[self.wider].lower()


@dataclass(frozen=True, slots=True)
class Own:
    """An entry for an ending, a type or a kind."""

    what: str
    value: str
    action: str

    @property
    def words(self) -> str:
        return OTHERS.get(self.what, self.what)

    @property
    def action_words(self) -> str:
        return WORDS.get(self.action, self.action)

    @property
    def id(self) -> str:
        """Of its box."""
        return f"{self.what} {self.value}"


def entries(domain: Domain | None) -> dict[Entry, str]:
    """What is set for a domain, or for the installation; one statement."""
    rows = AttachmentPolicy.objects.filter(domain=domain).order_by("what", "value")
    return {(what, value): action for what, value, action in rows.values_list(*_COLUMNS)}


_COLUMNS: Final = ("what", "value", "action")


def sorts(own: Mapping[Entry, str], wider: Mapping[Entry, str]) -> list[Sort]:
    """All groups and conditions with what is done with them."""
    found = []
    for (what, value), (label, hint) in _SORTS.items():
        usual = _NAMES[USUAL[What(what), value]]
        above = wider.get((what, value))
        endings = sorted(GROUPS.get(value, ())) if what == "group" else []
        found.append(
            Sort(
                what,
                value,
                label,
                hint or _some(endings),
                own.get((what, value), ""),
                above or usual,
                "installation" if above else "default",
            )
        )
    return found


def _some(endings: Sequence[str]) -> str:
    more = f" and {len(endings) - 6} more" if len(endings) > 6 else ""
    return f"{', '.join(f'.{one}' for one in endings[:6])}{more}." if endings else ""


def others(own: Mapping[Entry, str]) -> list[Own]:
    """Entries for endings, types and kinds."""
    return [
        Own(what, value, action)
        for (what, value), action in own.items()
        if (what, value) not in _SORTS
    ]
