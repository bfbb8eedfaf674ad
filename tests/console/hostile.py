"""What people might write to drive a terminal, a template, a statement or a format, and the forms
of a page into which they write it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

WILD: Final = (
    "%s %(x)s {0.__class__} {{7*7}} {%x%} ${7*7} ' ; -- <script>wild()</script>"
    ' \x1b[31m\x1b]0;t\x07 \u202egnp "&amp;'
)
HOSTILE: Final = (
    "",
    WILD,
    "\0",
    "\ufffe\u202e\u2028\x1b[2J",
    "x" * 20_000,
    "9" * 4_500,
    "-1",
    "1e999",
    "nan",
    "9223372036854775808",
    "' OR 1=1; --",
    "a@b",
    f"{'a' * 300}@{'b' * 300}.test",
    "ü@[1.2.3.4]",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "\r\nBcc: x@y.test\r\n\r\nhello",
    "0001-01-01",
    "9999-12-31T23:59:59",
)


@dataclass
class Form:
    """A form of a page: where it is sent, and what its fields have."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and tag in {"input", "textarea", "select", "button"} and name:
            if given.get("type") == "file":
                self._form.files.add(name)
            else:
                self._form.fields.setdefault(name, given.get("value", ""))
            self._select = name if tag == "select" else ""
        elif (
            tag == "option"
            and self._form is not None
            and self._select
            and ("selected" in given or not self._form.fields.get(self._select))
        ):
            self._form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def forms_of(page: str) -> list[Form]:
    """The forms of a page, in their order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms
