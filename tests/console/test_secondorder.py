"""What people write comes out again literally, wherever it is shown; and nothing that is written
into a form of the console makes it fall over.

The pages are those of the URL map: a new one is looked at without a word here.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.http import HttpResponseBase

from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Organization
from apps.scan import runner
from apps.scan.models import Verb
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists
from tests.console.hostile import HOSTILE, WILD, Form, forms_of
from tests.console.test_matrix import A, World, addresses, body_of, watched

# Texts that nobody's words go into: what the service wrote itself, or what the doors check.
_CHECKED: Final = frozenset({"key", "address", "value", "state", "kind", "scope", "selector"})
_SAYING: Final = frozenset(
    "name note reason client via label title text words why email_name signature subject filename"
    " file_name display_name user_agent browser detail outcome comment description".split()
)
HTML: Final = {"accept": "text/html"}


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())


def poison() -> int:
    """Write hostile text into whatever holds somebody's words; return into how many columns."""
    count = 0
    for model in apps.get_models():
        if model is AuditRecord or not model.__module__.startswith("apps.") or _is_apart(model):
            continue
        for column in model._meta.concrete_fields:
            if (
                isinstance(column, models.CharField | models.TextField)
                and column.name in _SAYING - _CHECKED
                and not (column.unique or column.choices or column.primary_key)
                and model._default_manager.exists()
                and model._meta.label != "directory.Domain"
            ):
                text = WILD[: column.max_length or len(WILD)]
                try_update(model, column.name, text)
                count += 1
    for row in Organization.objects.all():
        Organization.objects.filter(pk=row.pk).update(name=f"{WILD[:90]}{row.pk}")
    return count


def _is_apart(model: type[models.Model]) -> bool:
    """Whether its rows are in files of their own (`apps.search`)."""
    return model._meta.app_label == "search"


def try_update(model: type[models.Model], name: str, text: str) -> None:
    """Each row its own text, where no two may have the same."""
    for row in model._default_manager.all()[:20]:
        number = str(row.pk)[-4:]
        own = f"{text[: max(len(text) - len(number), 0)]}{number}"
        model._default_manager.filter(pk=row.pk).update(**{name: own})


def poisoned(world: World) -> None:
    domain = world.a.domain
    poison()
    for scope in (SERVER, Scope(domain_id=domain.pk)):
        lists.add(Verb.BLOCK, "spammer.test", scope, note=WILD)
    record("user.suspend", **subjects.of_user(world.a.people["other"]), detail={"why": WILD})
    record("user.act_as", subject=WILD, domain_id=domain.pk, detail={"reason": WILD})


def pages(world: World) -> Iterator[tuple[str, str]]:
    """The addresses of the console, for the things of A."""
    for name, _, owner, path in addresses(world):
        if owner == A and urlsplit(path).path.startswith("/admin/"):
            yield name, path


def is_html(answer: HttpResponseBase) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html")


@pytest.mark.timeout(300)
def test_what_was_written_is_shown_literally(db: None) -> None:
    world = World.of("operator")
    world.client.raise_request_exception = True
    poisoned(world)
    shown = set()
    for name, path in pages(world):
        with watched():
            answer: Any = world.client.get(path, headers=HTML)
            body = body_of(answer).decode("utf-8", "replace")
        assert answer.status_code < 500, name
        if not is_html(answer):
            continue
        assert "<script>wild" not in body, name
        assert "<class '" not in body, name
        assert "49} {%x" not in body, name
        if "{{7*7}}" in body:
            shown.add(name)
    assert {"console-users", "console-user", "console-audit", "console-policies-lists"} <= shown
    assert len(shown) > 8, shown


@pytest.mark.timeout(600)
def test_no_form_breaks_a_page(db: None) -> None:
    assert fuzz(_all_at_once) > 200


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_no_field_of_a_form_breaks_a_page(db: None) -> None:
    assert fuzz(_each) > 1_000


def fuzz(attacks: Callable[[Form], Iterator[dict[str, str]]]) -> int:
    """Send hostile text by all forms of the console; return how often."""
    world = World.of("operator")
    world.client.raise_request_exception = True
    cookies = {key: morsel.value for key, morsel in world.client.cookies.items()}
    sent = 0
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    for name, path in list(pages(world)):
        _again(world, cookies)
        with watched():
            page: Any = world.client.get(path, headers=HTML)
        forms = forms_of(body_of(page).decode("utf-8", "replace")) if is_html(page) else []
        forms.append(Form("", "post", dict(_row_of(world, name))))
        for form in forms:
            target = form.action or path
            key = (target, form.method, tuple(sorted(form.fields)))
            if not target.startswith("/admin/") or key in seen:
                continue
            seen.add(key)
            for fields in attacks(form):
                _again(world, cookies)
                _send(world, name, target, form, fields)
                sent += 1
    return sent


def _row_of(world: World, name: str) -> tuple[tuple[str, str], ...]:
    return next(row.data for one, row, _, _ in addresses(world) if one == name)


def _all_at_once(form: Form) -> Iterator[dict[str, str]]:
    """Two ways: all fields wild, and by turns all of them long or one that ends a C string."""
    yield dict.fromkeys(form.fields, WILD)
    if len(form.fields) % 2:
        yield dict.fromkeys(form.fields, "9" * 4_500)
    elif form.fields:
        hidden = [name for name in form.fields if name != "csrfmiddlewaretoken"]
        yield {**form.fields, **dict.fromkeys(hidden[-1:], "\x00")}


def _each(form: Form) -> Iterator[dict[str, str]]:
    """All fields at once, then each by itself with the others as the page has them."""
    for text in HOSTILE:
        yield dict.fromkeys(form.fields, text)
    if len(form.fields) > 1:
        for name in form.fields:
            for text in (WILD, "\0", "x" * 20_000, "9" * 4_500):
                yield {**form.fields, name: text}


def _again(world: World, cookies: dict[str, str]) -> None:
    """The browser as it was, whatever a form made of its session."""
    world.client.cookies.clear()
    for key, value in cookies.items():
        world.client.cookies[key] = value


def _send(world: World, name: str, target: str, form: Form, fields: dict[str, str]) -> None:
    what = (name, target, form.method, {key: text[:60] for key, text in fields.items()})
    data: dict[str, Any] = dict(fields)
    for one in form.files:
        text = next(iter(fields.values()), WILD)
        data[one] = SimpleUploadedFile(WILD[:80].replace("/", ""), text.encode() + b"\0\xff\r\n")
    with watched():
        try:
            if form.method == "post":
                answer: Any = world.client.post(target, data, headers=HTML)
            else:
                answer = world.client.get(target, data, headers=HTML)
            body = body_of(answer)
        except Exception as error:
            raise AssertionError(what) from error
    assert answer.status_code < 500, what
    if is_html(answer):
        assert b"<script>wild" not in body, what
    assert settings.DEBUG is False
