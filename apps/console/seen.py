"""Forms of what others change too. What a page showed comes back with what was typed: a field that
nobody touched stays as it is now, and what somebody else has changed meanwhile is said before it is
written over."""

from typing import Any, Final

from django import forms
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

_UNREAD: Final = object()  # what the field itself would refuse
_SHOWN: Final = 100  # characters of a value within a sentence


class SeenForm(forms.Form):
    """A form whose `initial` is what is so now. Its page has `seen` within the form."""

    @property
    def seen(self) -> SafeString:
        """What the page shows, as hidden fields."""
        return format_html_join(
            "",
            '<input type="hidden" name="was-{}" value="{}">',
            ((name, self._text(name)) for name in self.fields),
        )

    @property
    def touched(self) -> set[str]:
        """The fields that say something else than their page did."""
        return {name for name in self.fields if self._sent(name) != self._was(name)}

    def clean(self) -> dict[str, Any]:
        """Nobody writes over what they have not seen."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.touched & found.keys():
            now = self._read(name, self._text(name))
            if now not in (self._was(name), self._sent(name)):
                said = f"Somebody has set this to {self._words(name)} meanwhile"
                self.add_error(name, f"{said}: save again to have yours.")
        return self.cleaned_data

    def _sent(self, name: str) -> object:
        widget = self.fields[name].widget
        return self._read(name, widget.value_from_datadict(self.data, self.files, name))

    def _was(self, name: str) -> object:
        """As the page showed it; as it is now, where nothing is told of that."""
        return self._read(name, self.data.get(f"was-{name}", self._text(name)))

    def _read(self, name: str, text: Any) -> object:
        try:
            return self.fields[name].clean(text)
        except forms.ValidationError:
            return _UNREAD

    def _text(self, name: str) -> str:
        """What is so now, as a browser sends it."""
        value = self.get_initial_for_field(self.fields[name], name)
        if isinstance(value, bool):
            return "on" if value else ""
        return "" if value is None else str(value)

    def _words(self, name: str) -> str:
        field, text = self.fields[name], self._text(name)
        if isinstance(field, forms.BooleanField):
            return "yes" if text else "no"
        if isinstance(field, forms.ChoiceField):
            labels = dict(field.widget.choices)
            text = str(labels.get(text, text))
        return f"“{text[:_SHOWN]}”" if text else "nothing"
