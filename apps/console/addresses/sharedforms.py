"""What administrators fill in about shared mailboxes. Whether it is allowed, the doors say."""

from typing import Any, Final

from django import forms

from apps.console.addresses.members import LEVEL_WORDS
from apps.console.forms import GIGABYTE, SpaceField, shown_space
from apps.console.seen import SeenForm
from apps.directory.models import User
from apps.directory.services.users import MAX_NAME
from apps.provisioning.administration.sharing import LEVELS

SENDING: Final = (
    ("", "Does not send"),
    ("behalf", "On behalf: their own name stands in it too"),
    ("as", "As the mailbox: nothing tells who wrote"),
)


class BoxForm(SeenForm):
    """Name and space of a shared mailbox. Space only for who may set it."""

    name = forms.CharField(label="Name", max_length=MAX_NAME, required=False)
    space = SpaceField(label="Space in GB")

    def __init__(self, *args: Any, sets_quotas: bool, box: User | None = None) -> None:
        super().__init__(*args)
        if box is not None:
            self.initial = {"name": box.name, "space": shown_space(box.quota)}
        if not sets_quotas:
            del self.fields["space"]

    @property
    def quota(self) -> int | None:
        """Bytes; None for what it is, or for the domain's default: the page shows it rounded."""
        space = self.cleaned_data.get("space")
        return None if space is None or "space" not in self.touched else int(space * GIGABYTE)

    @property
    def new_name(self) -> str | None:
        """None if nobody touched it."""
        return self.cleaned_data["name"] if "name" in self.touched else None


class AddBoxForm(BoxForm):
    """A new shared mailbox."""

    address = forms.CharField(label="Address", max_length=320)


class MemberForm(forms.Form):
    """Somebody, and what they may do."""

    member = forms.CharField(label="Address", max_length=320)
    level = forms.ChoiceField(
        label="Mail", choices=[(level, LEVEL_WORDS[level]) for level in LEVELS], initial="write"
    )
    sending = forms.ChoiceField(label="Sending", choices=SENDING, required=False)

    @property
    def wanted(self) -> dict[str, Any]:
        """What the door takes."""
        sending = self.cleaned_data["sending"]
        return {
            "member": self.cleaned_data["member"],
            "level": self.cleaned_data["level"],
            "send_as": sending == "as",
            "send_on_behalf": sending == "behalf",
        }
