"""Which functions of the house write rows, which record an act, and which a door can reach: read
from the syntax, so that a new function is seen before anybody has thought of a test for it.

Every mention of a function counts as a call of it, every mention of a class as one of all its
methods, and `getattr(module, name)` as one of all that is public in the module: too many are found
rather than too few.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.support.house import QUERYSET_WRITES, Source

RECORD: Final = "apps.audit.services.record"
_SAVES: Final = frozenset({"save", "bulk_create"})
_ROWS: Final = frozenset({"objects", "filter", "exclude", "all", "living"})


@dataclass
class Function:
    """One function or method; those within it belong to it."""

    name: str  # apps.directory.services.users.bury
    is_public: bool
    mentions: set[str] = field(default_factory=set)
    writes: bool = False
    records: bool = False


class Graph:
    """All functions of some files."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.functions: dict[str, Function] = {}
        self._members: dict[str, list[str]] = {}  # of a class or module: its functions
        self._classes: set[str] = set()
        files = [_File(source) for source in sources]
        for file in files:
            self._declare(file)
        for file in files:
            for name, node in file.functions():
                self._read(file, self.functions[name], node)

    def _declare(self, file: "_File") -> None:
        for name, node in file.functions():
            self.functions[name] = Function(name, not node.name.startswith("_"))
            self._members.setdefault(name.rpartition(".")[0], []).append(name)
        self._members.setdefault(file.module, [])

    def _read(self, file: "_File", function: Function, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            for name in file.meant(node, function.name):
                if name == RECORD:
                    function.records = True
                function.mentions.update(self._targets(name))
            if isinstance(node, ast.Call):
                function.writes |= _is_write(node, file)
                if _names_module(node):
                    for name in file.meant(node.args[0], function.name):
                        found = self._members.get(name, ())
                        function.mentions.update(one for one in found if not _is_private(one))

    def _targets(self, name: str) -> Iterator[str]:
        if name in self.functions:
            yield name
        elif name in self._members and name.rpartition(".")[2][:1].lstrip("_").isupper():
            yield from self._members[name]

    def unrecorded(self, doors: Sequence[str], excepted: Mapping[str, str]) -> list[str]:
        """Functions that doors (beginnings of module names) reach, and that write without a
        record: neither they, nor whoever called them on the way. What is excepted (functions, or
        modules with a dot at the end) is not looked into."""
        found = set()
        seen: set[str] = set()
        waiting = [name for name in self.functions if name.startswith(tuple(doors))]
        while waiting:
            function = self.functions[waiting.pop()]
            if function.name in seen or _is_excepted(function.name, excepted):
                continue
            seen.add(function.name)
            if function.records:
                continue  # it stands for what it calls
            if function.writes:
                found.add(function.name)
            waiting += function.mentions
        return sorted(found)


class _File:
    def __init__(self, source: Source) -> None:
        self.tree = source.tree
        self.is_writer = source.is_writer
        self.module = source.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self._names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    self._names[one.asname or one.name.partition(".")[0]] = one.name
            elif isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    self._names[one.asname or one.name] = f"{node.module}.{one.name}"
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._names[node.name] = f"{self.module}.{node.name}"

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{self.module}.{node.name}", node
            elif isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield f"{self.module}.{node.name}.{one.name}", one

    def meant(self, node: ast.AST, within: str) -> Iterator[str]:
        """The full name of what a name or an attribute stands for."""
        if isinstance(node, ast.Name) and node.id in self._names:
            yield self._names[node.id]
        elif isinstance(node, ast.Attribute):
            before = node.value
            if isinstance(before, ast.Name) and before.id in {"self", "cls"}:
                yield f"{within.rpartition('.')[0]}.{node.attr}"
            else:
                yield from (f"{name}.{node.attr}" for name in self.meant(before, within))

    def is_known(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._names


def _is_write(call: ast.Call, file: _File) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    verb, before = call.func.attr, call.func.value
    if verb in _SAVES:
        return True
    if verb == "execute":  # other files only ask (tests/test_architecture.py)
        return file.is_writer and _name(before) == "cursor"
    if verb == "write":
        return _name(before).isupper()  # constant SQL of many rows (`ManyRows`)
    if verb == "update" and call.args:
        return False  # of a dict
    if verb not in QUERYSET_WRITES:
        return False
    # `aliases.delete(...)` is a function of ours, `alias.delete()` writes.
    return not file.is_known(before)


def _names_module(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "getattr" and len(call.args) > 1


def _name(node: ast.AST) -> str:
    return node.id.lstrip("_") if isinstance(node, ast.Name) else ""


def _is_private(name: str) -> bool:
    return name.rpartition(".")[2].startswith("_")


def _is_excepted(name: str, excepted: Mapping[str, str]) -> bool:
    return name in excepted or any(name.startswith(one) for one in excepted if one.endswith("."))


def actions(source: Source) -> Iterator[tuple[int, str]]:
    """The name of every action that a file records, by its line; "" where it is not written out."""
    if f"from {RECORD.rpartition('.')[0]} import record" not in source.text:
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name)):
            continue
        first = node.args[0]
        if node.func.id == "record":
            yield from ((node.lineno, one) for one in _written(first, source.tree))
        elif node.func.id == "_record" and isinstance(first, ast.Constant):
            yield node.lineno, str(first.value)


def _written(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (*_written(node.body, tree), *_written(node.orelse, tree))
    elif isinstance(node, ast.Subscript):  # of a table at the top of the file
        tables = [
            one.value
            for one in tree.body
            if isinstance(one, ast.Assign | ast.AnnAssign)
            and isinstance(one.value, ast.Dict)
            and ast.unparse(node.value)
            in {
                ast.unparse(to)
                for to in (one.targets if isinstance(one, ast.Assign) else [one.target])
            }
        ]
        yield from (
            word for one in tables for value in one.values for word in _written(value, tree)
        )
    elif not (isinstance(node, ast.Name) and _is_passed_on(node, tree)):
        yield ""


def _is_passed_on(node: ast.Name, tree: ast.Module) -> bool:
    """Whether it is the first argument of a function called `_record`, whose callers say it."""
    return any(
        isinstance(one, ast.FunctionDef)
        and one.name == "_record"
        and any(argument.arg == node.id for argument in one.args.args + one.args.kwonlyargs)
        for one in tree.body
    )
