"""The house's own rules: what no linter checks, as small functions over one source file.

A rule takes a `Source` and yields one finding per breach, as `line: what`. It looks at the syntax
tree, so text in a comment or docstring is never a breach. tests/test_architecture.py runs every
rule over the tree, and proves each one on a planted breach. An exception is a line in the rule's
own table here, with its reason: never a comment in the code it concerns.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

Finding = tuple[int, str]
Rule = Callable[["Source"], Iterator[Finding]]

FUNCTION_LINES = 50
LOOKED_FOR = (
    *(ast.arg, ast.Assign, ast.AsyncFunctionDef, ast.Attribute, ast.Call, ast.Compare),
    *(ast.Constant, ast.For, ast.FunctionDef, ast.Import, ast.ImportFrom),
)
WRITERS = frozenset({"services.py", "submission.py"})
JUNK_DRAWERS = frozenset(
    {"utils.py", "helpers.py", "common.py", "misc.py", "tools.py", "shared.py"}
)
SPLITTERS = frozenset({"split", "rsplit", "partition", "rpartition", "find", "rfind", "index"})
UNSAFE_MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "yaml"})
# Where one of them is needed, and why it is safe there.
MAY_IMPORT = {("apps/cli/plan.py", "yaml"): "a SafeLoader, narrowed further"}
UNSAFE_CALLS = frozenset({"eval", "exec", "system", "popen", "mark_safe", "SafeString", "SafeText"})
# Written by constant SQL that counts in the database; a full-row save would write back what another
# process has moved on since.
HOT_MODELS = frozenset({"MailboxState", "Usage", "Entry"})

MAY_READ_ENVIRONMENT = {"mailhost/env.py": "the table of settings"}
MAY_SPLIT_ADDRESSES = {
    "apps/mime/address.py": "the one parser of addresses",
    "apps/scan/urls.py": "a user name before the host of a link, which is no address",
    "apps/remote/outside.py": "the same",
}
SAVES_NO_ROWS = {"apps/webmail/easel.py": "pictures, in a process without a database"}
MAY_CALL_UNSAFE = {
    ("apps/webmail/views/content.py", "mark_safe"): "cleaned by apps.webmail.sanitize, and framed",
}
MAY_HOLD_STYLE = {
    "templates/webmail/body.html": "the sandboxed frame, with a policy of its own",
    "templates/mail/digest.html": "a letter: it cannot bring a style sheet along",
}


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the project's root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of `text`."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """What of `tree` a rule looks for: walked once, for every rule looks at it."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, LOOKED_FOR))

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.path).name

    @property
    def is_writer(self) -> bool:
        """True for the modules that may change rows: the services of an app, and what an index is
        made of, whose rows only repeat what stands elsewhere."""
        folder = PurePosixPath(self.path).parent
        return (
            self.name in WRITERS
            or folder.name == "services"
            or folder.as_posix() == "apps/search/backends"
        )

    def calls(self) -> Iterator[ast.Call]:
        """Every call in the file."""
        return (node for node in self.nodes if isinstance(node, ast.Call))


def sources(root: Path, *folders: str) -> list[Source]:
    """Return every Python file in `folders` of `root`, migrations left out."""
    return [
        Source(path.relative_to(root).as_posix(), path.read_text())
        for folder in folders
        for path in sorted((root / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def imports(source: Source) -> Iterator[str]:
    """The dotted name of every module that a file imports, wherever in it."""
    for node in source.nodes:
        yield from _imported(node)


def functions_are_short(source: Source) -> Iterator[Finding]:
    """A function that does not fit on a screen is two functions."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {length} lines"


def only_services_write(source: Source) -> Iterator[Finding]:
    """Rows change in services alone, so that a rule about a noun has one home."""
    if source.is_writer or source.path in SAVES_NO_ROWS:
        return
    for call in source.calls():
        verb = _called(call)
        if verb in {"save", "bulk_create"} and isinstance(call.func, ast.Attribute):
            yield call.lineno, f".{verb}("
        elif verb in QUERYSET_WRITES and "objects" in _chain(call.func):
            yield call.lineno, f".objects….{verb}("


QUERYSET_WRITES = frozenset(
    {"create", "update", "delete", "get_or_create", "update_or_create", "bulk_update"}
)


def only_services_write_sql(source: Source) -> Iterator[Finding]:
    """The same for constant SQL."""
    if source.is_writer or source.path in REMAKES_TABLES:
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = SQL_WRITE.match(node.value)
            if found:
                yield node.lineno, " ".join(found[0].split())


REMAKES_TABLES = {"apps/runtime/tables.py": "migrations have a table remade, with its rows"}
SQL_WRITE = re.compile(r"\s*(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\s")


def hot_models_are_never_saved(source: Source) -> Iterator[Finding]:
    """No `.save()` on a hot model, and no `bulk_update` of one."""
    named = [model for model in HOT_MODELS if model in source.text]
    hot = {name: model for model in named for name in _variables_of(source, model)}
    for call in source.calls():
        if _called(call) not in {"save", "bulk_update"}:
            continue
        names = _chain(call.func)
        for name in names[1:]:
            model = hot.get(name, name)
            if model in HOT_MODELS:
                yield call.lineno, f"{model} is written by .{names[0]}("


def only_env_reads_the_environment(source: Source) -> Iterator[Finding]:
    """Settings are typed, listed and checked in one table."""
    if source.path in MAY_READ_ENVIRONMENT:
        return
    allowed = {
        id(call.func.value)
        for call in source.calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "setdefault"
        and [_constant(argument) for argument in call.args[:1]] == ["DJANGO_SETTINGS_MODULE"]
    }
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and _dotted(node) in {
            "os.environ",
            "os.environb",
            "os.getenv",
        }:
            if id(node) not in allowed:
                yield node.lineno, _dotted(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for name in node.names:
                if name.name in {"environ", "environb", "getenv"}:
                    yield node.lineno, f"from os import {name.name}"


def only_address_splits_at_signs(source: Source) -> Iterator[Finding]:
    """A quoted local part may hold an @: only `Address.parse` knows where an address divides."""
    if source.path in MAY_SPLIT_ADDRESSES:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _called(node) in SPLITTERS and node.args:
            if _constant(node.args[0]) in {"@", b"@"}:
                yield node.lineno, f'.{_called(node)}("@")'
        elif (
            isinstance(node, ast.Compare)
            and _constant(node.left) in {"@", b"@"}
            and isinstance(node.ops[0], ast.In | ast.NotIn)
        ):
            yield node.lineno, '"@" in'


def no_junk_drawers(source: Source) -> Iterator[Finding]:
    """A module is named after what it holds."""
    if source.name in JUNK_DRAWERS:
        yield 1, f"{source.name} says nothing about what is inside"


def nothing_unsafe(source: Source) -> Iterator[Finding]:
    """Nothing that runs, unpickles or marks as safe what a stranger may have written."""
    for node in source.nodes:
        for module in _imported(node):
            is_unsafe = module.partition(".")[0] in UNSAFE_MODULES
            if is_unsafe and (source.path, module) not in MAY_IMPORT:
                yield node.lineno, f"import of {module}"  # type: ignore[attr-defined]
        if not isinstance(node, ast.Call):
            continue
        name = _called(node)
        if _is_unsafe_call(node) and (source.path, name) not in MAY_CALL_UNSAFE:
            yield node.lineno, f"{name}("
        for keyword in node.keywords:
            if keyword.arg == "shell" and _constant(keyword.value) is not False:
                yield node.lineno, "shell="


def modules_say_what_they_promise(source: Source) -> Iterator[Finding]:
    """Every module with code in it begins with a docstring."""
    if source.tree.body and ast.get_docstring(source.tree) is None:
        yield 1, "no docstring"


def models_have_no_hidden_work(source: Source) -> Iterator[Finding]:
    """No overridden `save()` or `delete()`, no signals for our own nouns: services are called."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals":
            for name in node.names:
                if name.name != "post_migrate":
                    yield node.lineno, f"signal {name.name}"
        if (
            source.name == "models.py"
            and isinstance(node, ast.FunctionDef)
            and node.name in {"save", "delete"}
        ):
            yield node.lineno, f"def {node.name}"


def tests_keep_the_clock_still(source: Source) -> Iterator[Finding]:
    """A test waits for a condition with a deadline; a sleep is both slow and not sure."""
    for call in source.calls():
        if isinstance(call.func, ast.Attribute) and _dotted(call.func) == "time.sleep":
            yield call.lineno, "time.sleep("


def tests_are_never_skipped(source: Source) -> Iterator[Finding]:
    """A test passes or fails."""
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and _dotted(node) in SKIPS:
            yield node.lineno, _dotted(node)


SKIPS = frozenset(
    {
        "pytest.skip",
        "pytest.xfail",
        "pytest.importorskip",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.mark.xfail",
    }
)


def template_findings(path: str, text: str) -> Iterator[Finding]:
    """A page's policy forbids inline code and style, and every value in it is escaped."""
    without_comments = re.sub(
        r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}",
        lambda found: "\n" * found[0].count("\n"),
        text,
        flags=re.DOTALL,
    )
    for pattern, what in TEMPLATE_BREACHES:
        if what == STYLE_ELEMENT and path in MAY_HOLD_STYLE:
            continue
        for found in pattern.finditer(without_comments):
            yield without_comments.count("\n", 0, found.start()) + 1, what


STYLE_ELEMENT = "style element"
TEMPLATE_BREACHES = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"<[^>]*\sstyle\s*=", "inline style"),
        (r"<style\b", STYLE_ELEMENT),
        (r"<script\b(?![^>]*\ssrc\s*=)", "inline script"),
        (r"<[^>]*\s(on[a-z]+|hx-on[:\w-]*)\s*=", "handler attribute"),
        (r"javascript:", "javascript: address"),
        (r"=\s*[\"']js:", "htmx expression"),
        (r"\|\s*(safe|safeseq)\b", "safe filter"),
        (r"\{%\s*autoescape\s+off", "autoescape off"),
    )
)


def _called(call: ast.Call) -> str:
    """`c` for the call `a.b.c()`, and for `c()`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _chain(node: ast.expr) -> list[str]:
    """The names of `a.b(x).c`, last first: c, b, a."""
    names = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Name):
            return [*names, node.id]
        else:
            return names


def _dotted(node: ast.expr) -> str:
    return ".".join(reversed(_chain(node)))


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _is_unsafe_call(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in UNSAFE_CALLS
    # `process.exec_module(...)`, `regex.exec` and the like are others' methods: only os's count.
    dotted = _dotted(call.func)
    return dotted in {"os.system", "os.popen"} or _called(call) in UNSAFE_CALLS - {
        "eval",
        "exec",
        "system",
        "popen",
    }


def _variables_of(source: Source, model: str) -> set[str]:
    """Names that are bound to a row of `model`: by assignment, annotation or loop."""
    names = set()
    for node in source.nodes:
        if isinstance(node, ast.Assign) and model in _chain(node.value):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.For) and model in _chain(node.iter):
            names |= {node.target.id} if isinstance(node.target, ast.Name) else set()
        elif isinstance(node, ast.arg) and node.annotation is not None:
            names |= {node.arg} if model in ast.unparse(node.annotation).split(".") else set()
    return names
