"""How well the filter does on mail of which you know what it is, beside Debian's bogofilter.

Both learn the same parts and judge the others. Ours is the whole embedded verdict, as `manage.py
spam eval` gives it, without what only the door knows of a sender; bogofilter runs as shipped: S is
caught, U (unsure) is not. Mail that is filed only because a policy forbids what is attached to it
says nothing of a filter, and is counted by itself. Without PATHs the mail is made up
(`bench/corpora.py`), which shows that both work and what they cost, and nothing else.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.scan.corpus import Place, parts, places
from bench import corpora
from bench.processes import BenchError
from bench.report import machine
from mailhost.env import ROOT, SETTINGS

MADE_UP: Final = "made up (bench/corpora.py): it proves nothing about real mail"


@dataclass(frozen=True, slots=True)
class Row:
    """What one filter did.

    Args:
        caught, misfiled: taken for spam.
        unsure: messages that it did not decide on.
        forbidden: others that a policy about attachments put into Junk: spam, and ham.
    """

    name: str
    spam: int
    caught: int
    ham: int
    misfiled: int
    unsure: int
    cpu_ms: float
    learning_ms: float
    peak_mb: float
    forbidden: tuple[int, int] = (0, 0)

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        return (
            self.name,
            f"{self.caught} of {self.spam} ({100 * self.caught / self.spam:.2f} %)",
            f"{self.misfiled} of {self.ham} ({100 * self.misfiled / self.ham:.3f} %)",
            str(self.unsure),
            f"{self.forbidden[0]} spam, {self.forbidden[1]} ham",
            f"{self.cpu_ms:.2f}",
            f"{self.learning_ms:.2f}",
            f"{self.peak_mb:.0f}",
        )


HEAD: Final = (
    *("filter", "spam caught", "ham misfiled", "unsure", "beside, for what is attached"),
    *("CPU ms per message", "CPU ms to learn one", "memory, MB"),
)


def run(ham: Sequence[Path], spam: Sequence[Path], made: int, folds: int) -> tuple[list[Row], str]:
    """Try both; the rows, and what the mail was.

    Raises:
        BenchError: there is too little mail, or a filter does not run.
    """
    with tempfile.TemporaryDirectory(prefix="bench-spam-") as folder:
        if not ham and not spam:
            ham, spam = _make(Path(folder), made)
            told = MADE_UP
        else:
            told = f"spam of {_names(spam)}; ham of {_names(ham)}"
        rows = [_ours(ham, spam, folds)]
        if shutil.which("bogofilter"):
            rows.append(Bogofilter(Path(folder), ham, spam, folds).row())
        else:
            told += "; bogofilter is not installed (Debian package: bogofilter)"
    return rows, told


def table(rows: Sequence[Row]) -> str:
    """As Markdown, which reads well on a terminal too."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def show(options: Any) -> int:
    """The command line's door."""
    rows, told = run(options.ham, options.spam, options.messages, options.folds)
    notes = [f"Mail: {told}.", f"Machine: {machine()}", f"Parts: {options.folds}."]
    if options.json:
        data = [{name: getattr(row, name) for name in Row.__slots__} for row in rows]
        print(json.dumps({"rows": data, "notes": notes}, indent=1))
    else:
        print(table(rows), "", *notes, sep="\n")
    if options.save:
        text = "\n".join(["# The filter beside bogofilter", "", table(rows), "", *notes, ""])
        options.save.write_text(text)
    return 0


def _make(folder: Path, count: int) -> tuple[list[Path], list[Path]]:
    makers: dict[str, Callable[[int], bytes]] = {"ham": corpora.ham, "spam": corpora.spam}
    for kind, make in makers.items():
        (folder / kind).mkdir()
        for number in range(count):
            (folder / kind / f"{number:06d}").write_bytes(make(number))
    return [folder / "ham"], [folder / "spam"]


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _ours(ham: Sequence[Path], spam: Sequence[Path], folds: int) -> Row:
    with _installation() as manage:
        words = ["spam", "eval", "--json", "--folds", str(folds)]
        words += ["--ham", *map(str, ham), "--spam", *map(str, spam)]
        found = json.loads(manage(*words))
    forbidden = found["spam"]["forbidden"], found["ham"]["forbidden"]
    return Row(
        "mailhost",
        found["spam"]["messages"],
        found["spam"]["junk"] - forbidden[0],
        found["ham"]["messages"],
        found["ham"]["junk"] - forbidden[1],
        0,
        found["cpu_ms"],
        found["cpu_ms_learning"],
        found["peak_kb"] / 1024,
        forbidden,
    )


@contextmanager
def _installation() -> Iterator[Callable[..., str]]:
    """Runs `manage.py` on an empty SQLite database of its own."""
    names = {setting.name for setting in SETTINGS}
    with tempfile.TemporaryDirectory(prefix="bench-ours-") as data:
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment |= {"MAILHOST_DATA": data, "LOG_LEVEL": "error"}

        def manage(*words: str) -> str:
            command = [sys.executable, str(ROOT / "manage.py"), *words]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if done.returncode:
                raise BenchError(f"manage.py {words[0]}: {done.stderr.strip()}")
            return done.stdout

        manage("migrate", "--verbosity", "0")
        yield manage


class Bogofilter:
    """Debian's, with its own settings and a database for each part."""

    def __init__(self, folder: Path, ham: Sequence[Path], spam: Sequence[Path], folds: int) -> None:
        self._folder = folder / "bogofilter"
        self._folder.mkdir()
        self._peak_kb = 0
        self._folds = folds
        self._files = {"ham": self._write("ham", ham), "spam": self._write("spam", spam)}

    def row(self) -> Row:
        """Learn and judge all parts."""
        found: Counter[tuple[str, str]] = Counter()
        learning = judging = 0.0
        for part in range(self._folds):
            database = self._folder / f"part{part}"
            database.mkdir()
            for kind, option in (("ham", "-n"), ("spam", "-s")):
                others = [file for at, file in self._files[kind] if at != part]
                learning += self._ask(database, option, others)[0]
            for kind, files in self._files.items():
                mine = [file for at, file in files if at == part]
                seconds, verdicts = self._ask(database, "-T", mine)
                judging += seconds
                found.update((kind, verdict) for verdict in verdicts)
        count = {kind: len(files) for kind, files in self._files.items()}
        total = sum(count.values())
        return Row(
            "bogofilter",
            count["spam"],
            found["spam", "S"],
            count["ham"],
            found["ham", "S"],
            found["spam", "U"] + found["ham", "U"],
            1000 * judging / total,
            1000 * learning / (total * (self._folds - 1)),
            self._peak_kb / 1024,
        )

    def _write(self, kind: str, paths: Sequence[Path]) -> list[tuple[int, Path]]:
        """Each message in a file of its own: it reads lists of names, and the same octets as we."""
        found: list[Place] = [place for path in paths for place in places(path)]
        files = []
        for number, place in enumerate(found):
            file = self._folder / f"{kind}{number}"
            file.write_bytes(place.read())
            files.append(file)
        return list(zip(parts(len(files), self._folds), files, strict=True))

    def _ask(
        self, database: Path, option: str, files: Sequence[Path]
    ) -> tuple[float, Sequence[str]]:
        """Run it over files: the processor time that it took, and its verdicts."""
        names, answers = database / "names", database / "answers"
        names.write_text("".join(f"{file}\n" for file in files))
        with names.open() as asked, answers.open("w") as told:
            process = subprocess.Popen(
                ["bogofilter", "-C", "-d", str(database), option, "-b"], stdin=asked, stdout=told
            )
            _, status, used = os.wait4(process.pid, 0)  # its own use, not that of all children
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in range(3):  # 0 spam, 1 ham, 2 unsure; 0 after learning
            raise BenchError(f"bogofilter ended with {process.returncode}.")
        self._peak_kb = max(self._peak_kb, used.ru_maxrss)
        verdicts = [line.split()[-2] for line in answers.read_text().splitlines()]
        return used.ru_utime + used.ru_stime, verdicts
