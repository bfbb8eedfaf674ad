"""An import as its page shows it, and what all of them are called in a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from apps.console import imports
from apps.console.filters import Filter
from apps.console.models import Import, ImportKind, ImportLine, ImportState, LineState
from apps.console.paging import Page, next_link
from apps.directory.models import User
from apps.provisioning.bulk import columns

_BAD: Final = (LineState.WRONG, LineState.FAILED)
_NOUNS: Final = {
    ImportKind.USERS: ("user", "users"),
    ImportKind.ALIASES: ("alias", "aliases"),
    ImportKind.DOMAINS: ("domain", "domains"),
}
# Words, sort of badge, icon.
_STATES: Final = {
    ImportState.READY: ("Not begun", "neutral", "circle-dashed"),
    ImportState.RUNNING: ("Running", "info", "loader-circle"),
    ImportState.DONE: ("Done", "ok", "circle-check"),
    ImportState.CANCELLED: ("Cancelled", "warn", "circle-x"),
    ImportState.STOPPED: ("Stopped", "bad", "circle-x"),
    ImportState.TAKING_BACK: ("Being taken back", "info", "loader-circle"),
    ImportState.TAKEN_BACK: ("Taken back", "neutral", "undo-2"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its number, texts of the columns, and what is wrong with it."""

    number: int
    state: str
    cells: list[tuple[str, str]]  # column, text
    sentence: str


def badge_of(job: Import) -> tuple[str, str, str]:
    """Sort of badge, words, icon."""
    words, kind, icon = _STATES[ImportState(job.state)]
    return kind, words, icon


def noun(job: Import, count: int) -> str:
    """What its lines are."""
    one, many = _NOUNS[ImportKind(job.kind)]
    return one if count == 1 else many


@dataclass(frozen=True, slots=True)
class Earlier:
    """An import in the list of one's own."""

    job: Import
    title: str
    badge: tuple[str, str, str]


def earlier(user: User) -> list[Earlier]:
    """One's last imports; one statement."""
    return [Earlier(job, title(job), badge_of(job)) for job in imports.mine(user)[: imports.SHOWN]]


def title(job: Import) -> str:
    """What an import is called."""
    return job.file_name or f"Pasted {noun(job, 2)}"


@dataclass(frozen=True, slots=True)
class View:
    """All that the page of one import shows, in four statements whatever its size."""

    job: Import
    title: str
    badge: tuple[str, str, str]
    heads: list[str]
    first: list[Row]
    bad: list[Row]
    pager: Page[Row]
    has_passwords: bool

    @property
    def nouns(self) -> str:
        """What its good lines are."""
        return noun(self.job, self.job.good)

    @property
    def is_ready(self) -> bool:
        """Whether it waits for a word."""
        return self.job.state == ImportState.READY

    @property
    def is_working(self) -> bool:
        """Whether a worker has it."""
        return self.job.state in imports.WORKED_ON

    @property
    def is_running(self) -> bool:
        """Whether lines are being added."""
        return self.job.state == ImportState.RUNNING

    @property
    def done(self) -> int:
        """Lines that the worker has done."""
        job = self.job
        return job.added + job.failed if self.is_running else job.removed + job.kept

    @property
    def total(self) -> int:
        """Lines that it has to do."""
        return self.job.good if self.is_running else self.job.added

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100."""
        return min(100, self.done * 100 // self.total) if self.total else 100

    @property
    def left(self) -> int:
        """Good lines that were not come to."""
        return max(0, self.job.good - self.job.added - self.job.failed)

    @property
    def may_take_back(self) -> bool:
        """Whether it can be."""
        job = self.job
        is_open = job.open_until is not None and job.open_until > timezone.now()
        return job.state in imports.ENDED and job.added > 0 and is_open


def view(job: Import, *, after: int = 0) -> View:
    """How an import is shown.

    Args:
        after: the line after which those that are wrong begin.
    """
    fields = [field for field in job.columns if field != "password"]
    bad = imports.page(job, (*_BAD, LineState.KEPT), after)
    shown = bad[: imports.PAGE]
    following = str(shown[-1].number) if len(bad) > len(shown) else ""
    rows = _rows(job, fields, shown)
    is_ready = job.state == ImportState.READY
    return View(
        job=job,
        title=title(job),
        badge=badge_of(job),
        heads=[columns.words_of(job.kind, field) for field in fields],
        first=_rows(job, fields, imports.first_lines(job)) if is_ready else [],
        bad=rows,
        pager=Page(
            rows,
            first_link="?" if after else "",
            next_link=next_link(Filter(), following),
            said=f"From line {shown[0].number} to {shown[-1].number}" if shown else "",
        ),
        has_passwords=imports.has_passwords(job),
    )


def _rows(job: Import, fields: Sequence[str], lines: Sequence[ImportLine]) -> list[Row]:
    return [
        Row(
            line.number,
            line.state,
            [
                (columns.words_of(job.kind, field), str(line.cells.get(field, "")))
                for field in fields
            ],
            imports.sentence(job, line),
        )
        for line in lines
    ]
