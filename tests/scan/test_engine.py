"""The name of the rules changes with them, and with nothing else."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.scan import engine


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tree of rooms of its own."""
    for room in engine._ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / "scan" / "rules.py").write_text("POINTS = 3")
    monkeypatch.setattr(engine, "_APPS", tmp_path)
    return tmp_path


def name() -> str:
    engine.fingerprint.cache_clear()
    return engine.fingerprint()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    engine.fingerprint.cache_clear()


def test_it_changes_with_the_rules(fresh: Path) -> None:
    first = name()
    assert len(first) == 12
    assert name() == first
    (fresh / "scan" / "rules.cpython-311.pyc").write_bytes(b"compiled")
    assert name() == first
    (fresh / "scan" / "rules.py").write_text("POINTS = 4")
    second = name()
    (fresh / "scan" / "words.txt").write_text("watches")
    third = name()
    (fresh / "scan" / "words.txt").rename(fresh / "scan" / "others.txt")
    assert len({first, second, third, name()}) == 4


def test_it_knows_every_library_that_judging_rests_on() -> None:
    root = Path(engine.__file__).parent
    imported = {
        module.partition(".")[0]
        for path in root.rglob("*.py")
        for module in _imports(ast.parse(path.read_text()))
    }
    distributions = {one.replace("-", "_") for one in engine.LIBRARIES}
    # The rest looks things up, or keeps them.
    others = {"apps", "django", "celery", "zstandard", "aiohttp", *sys.stdlib_module_names}
    assert imported - others == distributions & imported


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
