"""Looks at files and at what is inside them, level after level, and notes facts as JSON.

It decides nothing: whether a program in an archive is forbidden is the policy's business, how many
points a macro is worth is the check's. No recursion; all that is opened is within one `Budget`.
What is noted is bounded: whatever is remarkable, and one example of each ordinary kind.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from apps.scan.attachments import kinds, names
from apps.scan.attachments.budget import Budget, Damaged, Locked, TooMuch
from apps.scan.attachments.member import (
    CUT,
    INSTALLER,
    LOCKED,
    MACROS,
    SHOWN,
    UNREAD,
    Member,
)
from apps.scan.attachments.openers.table import OPENERS
from apps.scan.attachments.signatures import found_in

ALIKE_MOST: Final = 100  # files told of of which nothing is new; what is new is always told
ORDINARY_MOST: Final = 300  # sorts of files that are harmless; more sorts are too much
Facts = dict[str, Any]

_CONTENTS: Final = {
    "[Content_Types].xml": "ooxml",
    "AndroidManifest.xml": "apk",
    "META-INF/MANIFEST.MF": "jar",
    "content.xml": "odf",
}
_GROUP_OF_KIND: Final = {
    "program": "program",
    "jar": "program",
    "apk": "installer",
    "shortcut": "shortcut",
    "help": "shortcut",
    "iso": "disk",
    "disk": "disk",
    **dict.fromkeys(kinds.ARCHIVES - {"iso", "disk"}, "archive"),
}
_STREAMS: Final = frozenset({"gzip", "bzip2", "xz", "zstd", "lz4", "compress"})
_HARMLESS_COM: Final = frozenset(
    "png jpeg gif webp tiff icon pdf mail html svg audio video".split()
)
_GRAVE_MARKS: Final = frozenset({LOCKED, UNREAD, MACROS, INSTALLER})


@dataclass
class _File:
    """A file being noted.

    `fact` is what is told of it; `inside` counts what it holds.
    """

    fact: Facts
    path: tuple[str, ...]
    inside: int = 0
    is_noted: bool = False

    @property
    def is_grave(self) -> bool:
        """Whether it may be harmful, or could not be looked at."""
        fact = self.fact
        return (
            fact["kind"] == "onenote"
            or fact.get("group") in names.DANGEROUS
            or any(fact.get(key) for key in ("found", "tricks", "why_not"))
            or not _GRAVE_MARKS.isdisjoint(fact.get("marks", ()))
        )


@dataclass
class _Level:
    """An open container: what is still to come out of it, and the memory that it takes."""

    members: Iterator[Member | str]
    owner: _File | None
    held: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)
    scripts: list[Facts] = field(default_factory=list)


def look(files: Iterable[Member], budget: Budget, *, opens: bool = True) -> Facts:
    """Look at files, and inside them if `opens`. Never raises, whatever they are.

    Returns:
        `files`: facts, each with `path` (names, the outermost first), `kind`, `size` and, where
            there is something to say, `declared`, `endings`, `group`, `tricks`, `odd`, `marks`,
            `found` (signatures), `why_not`, `inside` (how many files it holds), `among` (of a
            script: how many files its archive holds).
        `count`: how many files there were in all.
        `too_much`: which limit ended the opening, in words; absent if none did.
    """
    return _Walk(budget, opens=opens).run(files)


class _Walk:
    def __init__(self, budget: Budget, *, opens: bool) -> None:
        self._budget = budget
        self._opens = opens
        self._stack: list[_Level] = []
        self._facts: Facts = {"files": [], "count": 0}
        self._known: set[tuple[str, str]] = set()  # what is told of some file already
        self._alike = self._ordinary = 0

    def run(self, files: Iterable[Member]) -> Facts:
        self._stack.append(_Level(iter(files), None))
        while self._stack:
            try:
                self._step(self._stack[-1])
            except TooMuch as limit:
                self._stop_opening(str(limit))
            except MemoryError:
                self._stop_opening("more memory than there is for it")
        return self._facts

    def _stop_opening(self, limit: str) -> None:
        """Leave all containers. What else came with the message is looked at from outside: who
        puts a bomb before a virus hides it so from nobody."""
        self._facts.setdefault("too_much", limit)
        del self._stack[1:]
        self._opens = False

    def _step(self, level: _Level) -> None:
        """Take one file out of the innermost container, or close it."""
        why_not = ""
        try:
            member = next(level.members, None)
        except Locked:
            member, why_not = None, LOCKED
        except Damaged as error:
            member, why_not = None, str(error)
        except (TooMuch, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  (libraries that read hostile files raise anything)
            member, why_not = None, f"it cannot be read ({type(error).__name__})"
        if member is None:
            self._close(level, why_not)
        elif isinstance(member, str):
            self._mark(level.owner, member)
        else:
            self._take(level, member)

    def _close(self, level: _Level, why_not: str) -> None:
        self._stack.pop()
        self._budget.release(level.held)
        owner = level.owner
        if owner is None:
            return
        if owner.inside:
            owner.fact["inside"] = owner.inside
        for script in level.scripts:
            script["among"] = owner.inside
        if why_not == LOCKED:
            self._mark(owner, LOCKED)
        elif why_not:
            owner.fact.setdefault("why_not", why_not)
            self._note(owner)

    def _take(self, level: _Level, member: Member) -> None:
        self._facts["count"] += 1
        if level.owner is not None:
            level.owner.inside += 1
            if _recognise(level.owner.fact, member.name):
                self._note(level.owner)
        file = self._described(level, member)
        content = member.content or b""
        example = (file.fact["kind"], names.ending(member.name))
        if file.fact.get("group") == "script":
            level.scripts.append(file.fact)
        is_text = SHOWN in member.marks  # of which nobody need be told
        if file.is_grave or file.fact.get("odd") or not (is_text or example in level.seen):
            level.seen.add(example)
            self._note(file)
        if self._opens and not is_text:
            self._open(file, content)

    def _open(self, file: _File, content: bytes) -> None:
        kind = file.fact["kind"]
        opener = OPENERS.get(kind)
        if opener is None:
            if kind in kinds.ARCHIVES:
                self._mark(file, UNREAD)
            return
        if len(self._stack) > self._budget.limits.depth:
            raise TooMuch(f"archives inside archives, deeper than {self._budget.limits.depth}")
        # What came with the message itself is in memory anyway.
        held = len(content) if len(self._stack) > 1 else 0
        self._budget.hold(held)
        self._stack.append(_Level(opener(content, self._budget), file, held))

    def _described(self, level: _Level, member: Member) -> _File:
        above = level.owner.path if level.owner is not None else ()
        name = member.name
        if not name and level.owner is not None and level.owner.fact["kind"] in _STREAMS:
            name = _inner_name(above)
        path = (*above, names.leaf(name))
        content = member.content or b""
        kind = _kind(member)
        fact: Facts = {"path": list(path), "kind": kind, "size": len(content)}
        spellings = (name, *member.other_names)
        marks = [*member.marks, *([LOCKED] if member.is_locked else ())]
        marks += [CUT] if member.is_cut else []
        told = {
            "declared": member.declared[:100],
            "endings": list(_each(names.endings, spellings)),
            "group": _group(spellings, kind),
            "tricks": list(_each(names.disguises, spellings)),
            "odd": list(_each(names.oddities, spellings)),
            "marks": marks,
            "found": found_in(content, kind, names.ending(name), marks),
            "why_not": member.why_not,
        }
        fact.update({key: value for key, value in told.items() if value})
        return _File(fact, path)

    def _mark(self, file: _File | None, mark: str) -> None:
        if file is not None and mark not in file.fact.setdefault("marks", []):
            file.fact["marks"].append(mark)
            self._note(file)

    def _note(self, file: _File) -> None:
        """Tell of a file, if something about it is new, or few like it were told of."""
        if file.is_noted:
            return
        sort = set(_sort(file.fact))
        is_new = not sort <= self._known
        if is_new and not file.is_grave:
            self._ordinary += 1
            if self._ordinary > ORDINARY_MOST:
                raise TooMuch(f"more than {ORDINARY_MOST} sorts of files")
        self._alike += not is_new
        if is_new or self._alike <= ALIKE_MOST:
            self._known |= sort
            self._facts["files"].append(file.fact)
            file.is_noted = True


def _sort(fact: Facts) -> Iterator[tuple[str, str]]:
    """All about a file that anybody may have a rule for."""
    for key in ("kind", "group", "declared"):
        yield key, fact.get(key, "")
    for key in ("endings", "tricks", "odd", "marks", "found"):
        yield from ((key, one) for one in fact.get(key, ()))
    yield "why_not", "why_not" if fact.get("why_not") else ""


def _inner_name(above: tuple[str, ...]) -> str:
    """What a compressed stream holds is named like the stream, without its last ending."""
    stem, dot, last = above[-1].rpartition(".")
    if not dot:
        return ""
    return f"{stem}.tar" if last.lower() in {"tgz", "tbz", "tbz2", "txz", "tzst", "taz"} else stem


def _kind(member: Member) -> str:
    if member.content is None:
        return "unknown"
    if not member.content:
        return "empty"
    spelt = (member.name, *member.other_names)
    return kinds.kind_named(member.content, _each(names.endings, spelt), member.declared)


def _recognise(fact: Facts, name: str) -> bool:
    """A zip archive is known better by what is in it; whether it now is."""
    if fact["kind"] != "zip" or name not in _CONTENTS:
        return False
    kind = fact["kind"] = _CONTENTS[name]
    fact["group"] = names.gravest({fact.get("group", ""), _GROUP_OF_KIND.get(kind, "")})
    if kind in {"ooxml", "odf"} and names.group(fact["path"][-1]) != "archive":
        del fact["group"]  # a document, unless it calls itself an archive
    return True


def _group(spellings: Iterable[str], kind: str) -> str:
    """What opening it does, by its name or by what it is."""
    found = {names.group(one) for one in spellings}
    if kind in _HARMLESS_COM and all(names.endings(one) in {(), ("com",)} for one in spellings):
        found.discard("program")  # "logo-example.com": a name on the web, not of a program
    found.add(_GROUP_OF_KIND.get(kind, ""))
    return names.gravest(found)


def _each(ask: Callable[[str], Iterable[str]], spellings: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(found for one in spellings for found in ask(one))
