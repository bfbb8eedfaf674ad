"""What is sent, and what is shown: DRF's serializers, which take nothing that they do not know.

A field that is not there cannot be set: whoever sends `is_operator` with a user is told so.
"""

from typing import Any, ClassVar, Final

from django.core.validators import MaxValueValidator
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

LARGEST: Final = 2**63 - 1  # what a statement can carry


class Text(serializers.CharField):
    """A text that any statement can carry: no NUL, which DRF refuses, and no half of a pair, which
    JSON can write and UTF-8 cannot. Blanks at its ends are kept where `trim_whitespace` is off."""

    default_error_messages = {  # noqa: RUF012  (DRF's own idiom)
        "surrogate": "This text has half of a character in it: send it as UTF-8"
    }

    def to_internal_value(self, data: Any) -> str:
        """DRF's, and this rule."""
        text = super().to_internal_value(data)
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            self.fail("surrogate")
        return text


class Form(serializers.Serializer[Any]):
    """Something that is sent: a body, or the parameters of an address."""

    def get_fields(self) -> dict[str, Any]:
        """DRF's; no whole number is larger than one that any database holds."""
        fields = super().get_fields()
        for field in fields.values():
            one = getattr(field, "child", field)
            if isinstance(one, serializers.IntegerField) and one.max_value is None:
                one.max_value = LARGEST
                words = one.error_messages["max_value"].format(max_value=LARGEST)
                one.validators.append(MaxValueValidator(LARGEST, message=words))
        return fields

    def to_internal_value(self, data: Any) -> Any:
        """DRF's; refuses names that it does not know, and those that are only shown."""
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(set(data).difference(writable))
            if unknown:
                words = "There is no such field here, or it cannot be set"
                raise serializers.ValidationError(
                    {name: [serializers.ErrorDetail(words, "unknown_field")] for name in unknown}
                )
        return super().to_internal_value(data)


class Shown(serializers.Serializer[Any]):
    """Something that is shown. DRF copies the fields for each thing; a list has a thousand, and
    whoever only shows something changes no field, so all of a class have the same ones."""

    _bound: ClassVar[dict[type, BindingDict]] = {}

    @cached_property
    def fields(self) -> BindingDict:
        """By their names."""
        kind = type(self)
        if kind not in self._bound:
            made = BindingDict(kind())
            for name, field in self.get_fields().items():
                made[name] = field
            self._bound[kind] = made
        return self._bound[kind]


class Sought(Form):
    """Parameters that every list has."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="How many there are on a page."
    )
    cursor = Text(
        max_length=1000,
        required=False,
        help_text="Where the page begins: `next` of the page before it.",
    )
