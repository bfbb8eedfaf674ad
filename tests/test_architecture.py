"""The rules of the house that no linter checks (tests/support/house.py), and proof that they bite.

Who may import whom is not here: `make contracts` (import-linter, pyproject.toml) sees to it.
"""

import re
import sys
from importlib import import_module, metadata
from pathlib import Path

import pytest

from apps.wire import errors
from apps.wire.replies import Reply
from mailhost import env
from tests.support import house

ROOT = Path(__file__).resolve().parent.parent
CODE = house.sources(ROOT, "apps", "mailhost")
TESTS = house.sources(ROOT, "tests")
TEMPLATES = [
    (path.relative_to(ROOT).as_posix(), path.read_text())
    for path in sorted((ROOT / "templates").rglob("*.html"))
]

CODE_RULES: tuple[house.Rule, ...] = (
    house.functions_are_short,
    house.only_services_write,
    house.only_services_write_sql,
    house.hot_models_are_never_saved,
    house.only_env_reads_the_environment,
    house.only_address_splits_at_signs,
    house.no_junk_drawers,
    house.nothing_unsafe,
    house.modules_say_what_they_promise,
    house.models_have_no_hidden_work,
)
TEST_RULES: tuple[house.Rule, ...] = (
    house.no_junk_drawers,
    house.modules_say_what_they_promise,
    house.tests_are_never_skipped,
    house.tests_keep_the_clock_still,
)
# Where a test stands on something that has to look at the clock or the plugin interface itself.
TEST_EXCEPTIONS = {
    ("tests/support/services.py", house.tests_keep_the_clock_still): "wait_for is made of it",
}


def _findings(rule: house.Rule, sources: list[house.Source]) -> list[str]:
    return [
        f"{source.path}:{line}: {what}"
        for source in sources
        if (source.path, rule) not in TEST_EXCEPTIONS
        for line, what in rule(source)
    ]


@pytest.mark.parametrize("rule", CODE_RULES, ids=lambda rule: rule.__name__)
def test_it_holds_in_the_code(rule: house.Rule) -> None:
    assert _findings(rule, CODE) == []


@pytest.mark.parametrize("rule", TEST_RULES, ids=lambda rule: rule.__name__)
def test_it_holds_in_the_tests(rule: house.Rule) -> None:
    assert _findings(rule, TESTS) == []


def test_it_holds_in_the_templates() -> None:
    assert [
        f"{path}:{line}: {what}"
        for path, text in TEMPLATES
        for line, what in house.template_findings(path, text)
    ] == []


DOOR = "apps/imap/handlers/basic.py"
LONG = "def f() -> None:\n" + "    x = 1\n" * house.FUNCTION_LINES

PLANTED = [
    (house.functions_are_short, DOOR, LONG),
    (house.functions_are_short, DOOR, "async " + LONG),
    (house.only_services_write, DOOR, "Domain.objects.create(name=name)"),
    (house.only_services_write, DOOR, "Domain.objects.filter(id=1).update(name=name)"),
    (house.only_services_write, DOOR, "Domain.objects.filter(id=1).select_related('x').delete()"),
    (house.only_services_write, "apps/webmail/views.py", "form.save()"),
    (house.only_services_write, DOOR, "manager.bulk_create(rows)"),
    (house.only_services_write_sql, DOOR, 'SQL = "UPDATE mailstore_entry SET flags = %s"'),
    (house.only_services_write_sql, DOOR, 'SQL = """\n  INSERT INTO x (y) VALUES (%s)"""'),
    (house.only_services_write_sql, DOOR, 'cursor.execute("DELETE FROM x WHERE y = 1")'),
    (house.hot_models_are_never_saved, "apps/mailstore/services/flags.py", "Entry(uid=1).save()"),
    (
        house.hot_models_are_never_saved,
        "apps/mailstore/services/flags.py",
        "state = MailboxState.objects.get(pk=1)\nstate.uidnext += 1\nstate.save()",
    ),
    (
        house.hot_models_are_never_saved,
        "apps/mailstore/services/flags.py",
        "def f(usage: models.Usage) -> None:\n    usage.save(update_fields=['bytes'])",
    ),
    (
        house.hot_models_are_never_saved,
        "apps/mailstore/services/flags.py",
        "for entry in Entry.objects.filter(uid=1):\n    entry.save()",
    ),
    (
        house.hot_models_are_never_saved,
        "apps/mailstore/services/flags.py",
        "Entry.objects.bulk_update(rows, ['flags'])",
    ),
    (house.only_env_reads_the_environment, DOOR, "import os\nx = os.environ['X']"),
    (house.only_env_reads_the_environment, DOOR, "import os\nx = os.getenv('X')"),
    (house.only_env_reads_the_environment, DOOR, "from os import environ"),
    (house.only_env_reads_the_environment, DOOR, "import os\nos.environ.setdefault('X', 'y')"),
    (house.only_address_splits_at_signs, DOOR, "local, domain = text.split('@')"),
    (house.only_address_splits_at_signs, DOOR, "local, _, domain = raw.rpartition(b'@')"),
    (house.only_address_splits_at_signs, DOOR, "at = text.rfind('@')"),
    (house.only_address_splits_at_signs, DOOR, "is_address = '@' in text"),
    (house.no_junk_drawers, "apps/imap/utils.py", "x = 1"),
    (house.no_junk_drawers, "tests/imap/helpers.py", "x = 1"),
    (house.nothing_unsafe, DOOR, "eval(text)"),
    (house.nothing_unsafe, DOOR, "exec(text)"),
    (house.nothing_unsafe, DOOR, "import pickle"),
    (house.nothing_unsafe, DOOR, "from yaml import load"),
    (house.nothing_unsafe, DOOR, "import os\nos.system(text)"),
    (house.nothing_unsafe, DOOR, "subprocess.run(text, shell=True)"),
    (house.nothing_unsafe, DOOR, "subprocess.run(text, shell=flag)"),
    (house.nothing_unsafe, DOOR, "mark_safe(subject)"),
    (house.nothing_unsafe, DOOR, "safestring.mark_safe(subject)"),
    (house.modules_say_what_they_promise, DOOR, "x = 1"),
    (house.models_have_no_hidden_work, DOOR, "from django.db.models.signals import post_save"),
    (
        house.models_have_no_hidden_work,
        "apps/imap/models.py",
        "class A(Model):\n    def save(self) -> None: ...",
    ),
    (house.tests_are_never_skipped, "tests/imap/test_x.py", "@pytest.mark.skip\ndef f(): ..."),
    (house.tests_are_never_skipped, "tests/imap/test_x.py", "pytest.importorskip('x')"),
    (house.tests_keep_the_clock_still, "tests/imap/test_x.py", "import time\ntime.sleep(1)"),
]


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_it_finds_a_planted_breach(rule: house.Rule, path: str, text: str) -> None:
    assert list(rule(house.Source(path, text)))


INNOCENT = [
    (house.functions_are_short, DOOR, LONG.replace("    x = 1\n", "", 1)),
    (house.only_services_write, "apps/mailstore/services/flags.py", "Domain.objects.create()"),
    (house.only_services_write, "apps/directory/services.py", "domain.save()"),
    (house.only_services_write, DOOR, '"""Never call .save( here."""\nseen.update(other)'),
    (house.only_services_write_sql, DOOR, 'x = "SELECT uid FROM entry FOR UPDATE"'),
    (house.hot_models_are_never_saved, "apps/mailstore/services/mailboxes.py", "mailbox.save()"),
    (
        house.only_env_reads_the_environment,
        "mailhost/celery.py",
        "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mailhost.settings')",
    ),
    (house.only_address_splits_at_signs, DOOR, "words = text.split(',')"),
    (house.nothing_unsafe, DOOR, "subprocess.run(words, shell=False)\ncursor.execute(sql)"),
    (house.modules_say_what_they_promise, "apps/imap/__init__.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT)
def test_it_leaves_good_code_alone(rule: house.Rule, path: str, text: str) -> None:
    assert list(rule(house.Source(path, text))) == []


@pytest.mark.parametrize(
    "text",
    [
        '<p class="x"\n style="color: red">',
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        '<script type="module">',
        '<a href="/" onclick="go()">',
        '<a hx-on:click="go()">',
        '<a href="javascript:go()">',
        "<a hx-vals='js:{x: y}'>",
        "{{ subject|safe }}",
        "{{ subject | safe }}",
        "{% autoescape off %}",
    ],
)
def test_it_finds_a_planted_breach_in_a_template(text: str) -> None:
    assert list(house.template_findings("templates/x.html", text))


def test_it_leaves_a_good_template_alone() -> None:
    text = (
        '{# never style="" #}<link rel="stylesheet" href="/x.css">'
        '<script src="/x.js" defer></script>'
        '<p class="style" data-on="x">{{ subject|default:"safe" }}</p>'
    )
    assert list(house.template_findings("templates/x.html", text)) == []


def _error_classes(base: type[errors.MailError] = errors.MailError) -> list[type[errors.MailError]]:
    found = [base]
    for child in base.__subclasses__():
        found += _error_classes(child)
    return found


def test_it_gives_every_error_an_answer_at_every_door() -> None:
    # Rooms that derive some are loaded here: what happens to be, differs between test processes.
    for source in CODE:
        if re.search(r"^class \w+\(\w+\)", source.text, re.MULTILINE) and "Error" in source.text:
            import_module(source.path.removesuffix(".py").replace("/", "."))
    for error in _error_classes():
        assert isinstance(error.reply, Reply), error
        assert 400 <= error.reply.code <= 599, error
        # RFC 3463 s2: the class of the enhanced code agrees with the reply's first digit.
        assert error.reply.enhanced.startswith(f"{error.reply.code // 100}."), error
        assert error.reply.text, error
        assert re.fullmatch(r"[A-Z-]+", error.imap_code), error
        assert 400 <= error.http_status <= 599, error


def _is_leaf(error: type[errors.MailError]) -> bool:
    """Of the tree as it is drawn: what other rooms derive depends on which of them are loaded."""
    return all(child.__module__ != errors.__name__ for child in error.__subclasses__())


def test_it_draws_the_error_tree_as_it_is() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(?:.*?)(\d{3}) (\d\.\d\.\d)", errors.__doc__ or "")
    actual = {
        (error.__name__, str(error.reply.code), error.reply.enhanced)
        for error in _error_classes()
        if error.__module__ == errors.__name__ and _is_leaf(error)
    }
    assert set(drawn) == actual


def test_it_lists_every_setting_in_the_documentation() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == env.markdown()


def _pins(name: str) -> dict[str, str]:
    """Distribution to version, as a requirements file of ours pins them."""
    lines = (ROOT / name).read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r ", "-c "))]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([\w.]+)", line) for line in wanted]
    assert all(found), f"{name} has a line that is no exact pin"
    return {_normal(pin[1]): pin[2] for pin in found if pin}


# Shipped inside another distribution's promise: boto3 documents botocore's classes as its own.
INSIDE = {"botocore": "boto3", "jsonschema-rs": "schemathesis"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _libraries(sources: list[house.Source]) -> set[str]:
    """The distributions that `sources` import from, standard library and our own code left out."""
    modules = {
        module.partition(".")[0] for source in sources for module in house.imports(source)
    } - {"apps", "mailhost", "tests", "bench", "scripts", *sys.stdlib_module_names}
    providers = metadata.packages_distributions()
    names = {_normal(providers[module][0]) for module in modules}
    return {INSIDE.get(name, name) for name in names}


def test_it_pins_every_library_that_the_service_imports() -> None:
    assert _libraries(CODE) <= _pins("requirements.txt").keys()


def test_it_pins_every_library_that_the_tests_import() -> None:
    pins = _pins("requirements.txt") | _pins("requirements-dev.txt")
    assert _libraries(TESTS) <= pins.keys()


def test_it_has_no_exception_that_nobody_needs() -> None:
    """An exception whose file is gone, or whose breach is mended, goes too."""
    paths = {source.path for source in (*CODE, *TESTS)} | {path for path, _ in TEMPLATES}
    excepted = {path for path, _ in house.MAY_CALL_UNSAFE} | {path for path, _ in TEST_EXCEPTIONS}
    excepted |= {path for path, _ in house.MAY_IMPORT}
    assert excepted | house.MAY_HOLD_STYLE.keys() <= paths
    assert house.MAY_READ_ENVIRONMENT.keys() | house.MAY_SPLIT_ADDRESSES.keys() <= paths
