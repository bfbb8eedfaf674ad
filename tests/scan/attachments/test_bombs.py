"""What is made to hurt who opens it costs little time and memory, and is `unscannable`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.scan.attachments import caged
from tests.scan.attachments import bombs
from tests.scan.attachments.made import (
    EICAR,
    facts,
    mail,
    names_in,
    of_file,
    zipped,
)

SECONDS = 10.0
MEMORY = 200 * 1024  # kilobytes

# Prints, for each file that standard input names: the answer, and the seconds of processor
# time and the most memory that its children had so far.
PROBE = """
import json, os, resource, sys
from pathlib import Path
from apps.scan.attachments import caged, signatures
signatures.found_in(b"-", "text", "", ())
for line in sys.stdin:
    answer = caged.answer(Path(line.strip()).read_bytes())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps([json.loads(answer), seconds, used.ru_maxrss]), flush=True)
"""


CRASH = """
import ctypes, faulthandler
faulthandler.disable()  # pytest would tell of it at length
ctypes.string_at(0)
"""
SPENT = {"seconds": 0.0}  # by the children of the probe until now


@pytest.fixture(scope="module")
def probe() -> Iterator[subprocess.Popen[str]]:
    """A process like the cage, that tells what its children cost."""
    with subprocess.Popen(
        [sys.executable, "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize("bomb", bombs.BOMBS)
def test_it_survives(bomb: str, tmp_path: Path, probe: subprocess.Popen[str]) -> None:
    file = tmp_path / "bomb"
    file.write_bytes(bombs.BOMBS[bomb](tmp_path))
    assert probe.stdin is not None
    assert probe.stdout is not None
    probe.stdin.write(f"{file}\n")
    probe.stdin.flush()
    answer, seconds, memory = json.loads(probe.stdout.readline())
    before, SPENT["seconds"] = SPENT["seconds"], seconds
    assert seconds - before < SECONDS
    assert memory < MEMORY
    told = "too_much" in answer or any("why_not" in fact for fact in answer["files"])
    assert told is (bomb not in bombs.HARMLESS)


def test_it_names_files_without_the_folders_they_want_to_climb_to() -> None:
    found = of_file(zipped({"../../etc/passwd": b"root", "..\\..\\x.txt": b"x", "/abs.md": b"x"}))
    assert names_in(found)[1:] == ["passwd", "x.txt", "abs.md"]


def test_it_saves_what_it_can_of_an_archive_that_is_cut_off() -> None:
    whole = zipped({"a.txt": b"x" * 5_000, "eicar.com": EICAR, "b.txt": b"y" * 5_000})
    found = of_file(whole[:-90], "a.zip")
    assert any(fact.get("found") == ["eicar"] for fact in found)
    assert found[0]["why_not"] == "its table of contents is damaged"


def test_it_never_raises_over_what_is_cut_anywhere() -> None:
    whole = mail("a.zip", zipped({"a.txt": b"hello", "b.zip": zipped({"eicar.com": EICAR})}))
    for end in range(0, len(whole), 7):
        assert isinstance(facts(whole[:end]), list)


class TestChild:
    """However the child of the cage ends, there is an answer."""

    @pytest.mark.parametrize(
        ("deed", "words"),
        [
            (CRASH, "crashed over it"),
            ("raise RuntimeError", "crashed over it"),
            ("import os; os._exit(3)", "crashed over it"),
            ("while True: pass", "took too long"),
        ],
    )
    def test_it_says_how_it_ended(
        self, deed: str, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(caged, "look_at", lambda mail: exec(deed))
        monkeypatch.setattr(caged, "SECONDS", 0.3)
        assert words in json.loads(caged.answer(b"x"))["failed"]

    def test_it_is_stopped_by_the_limit_of_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def greedy(mail: bytes) -> dict[str, bool]:
            try:
                return {"had": bool(bytearray(400 * 1024 * 1024))}
            except MemoryError:
                return {"had": False}

        monkeypatch.setattr(caged, "look_at", greedy)
        assert json.loads(caged.answer(b"x")) == {"had": False}

    def test_it_writes_no_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def writing(mail: bytes) -> dict[str, bool]:
            try:
                (tmp_path / "left").write_bytes(b"x")
            except OSError:
                return {"wrote": False}
            return {"wrote": True}

        monkeypatch.setattr(caged, "look_at", writing)
        answer = json.loads(caged.answer(b"x"))
        # SIGXFSZ may end it before it can say so; either way nothing was written.
        assert answer.get("wrote") is False or "failed" in answer
        assert not (tmp_path / "left").exists() or not (tmp_path / "left").stat().st_size

    def test_it_gives_no_more_than_a_bounded_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(caged, "look_at", lambda mail: {"x": "y" * (2 * caged.ANSWER_MOST)})
        assert "failed" in json.loads(caged.answer(b"x"))
