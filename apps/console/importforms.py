"""What an administrator sends to be imported."""

from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apps.console.models import ImportKind
from apps.directory.permissions import Ability, Powers
from apps.provisioning.bulk.text import LARGEST

_NEEDS: Final = {
    ImportKind.USERS: Ability.CREATE_USERS,
    ImportKind.ALIASES: Ability.CHANGE_ALIASES,
    ImportKind.DOMAINS: Ability.ADD_DOMAINS,
}


def kinds(powers: Powers) -> list[ImportKind]:
    """What somebody may import somewhere."""
    return [kind for kind, ability in _NEEDS.items() if powers.may(ability)]


class ImportForm(forms.Form):
    """A file, or what was pasted in its place."""

    kind = forms.ChoiceField(label="What is in it")
    file = forms.FileField(label="CSV file", required=False, max_length=255)
    pasted = forms.CharField(label="Or paste its lines", required=False, strip=False)
    must_change = forms.BooleanField(required=False)

    def __init__(self, *args: Any, powers: Powers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(kind.value, kind.label) for kind in kinds(powers)]
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_file(self) -> "UploadedFile[bytes] | None":
        """Say that it is too large before it is read."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST:
            raise forms.ValidationError(f"A file has up to {LARGEST >> 20} MB.")
        return file

    def clean(self) -> dict[str, Any]:
        """There has to be one of the two."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "file" in cleaned and not cleaned["file"] and not cleaned.get("pasted", "").strip():
            self.add_error("file", "Choose a file, or paste its lines below.")
        return cleaned

    @property
    def octets(self) -> bytes:
        """What came; at most an octet more than may be."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is None:
            return str(self.cleaned_data["pasted"]).encode("utf-8", "replace")
        found = bytearray()
        for piece in file.chunks():
            found += piece
            if len(found) > LARGEST:
                break
        return bytes(found[: LARGEST + 1])

    @property
    def source(self) -> str:
        """The field in which it came."""
        return "file" if self.cleaned_data["file"] else "pasted"

    @property
    def file_name(self) -> str:
        """Of the file; "" of what was pasted."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        return "" if file is None else str(file.name or "")
