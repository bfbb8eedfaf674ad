"""What administrators fill in about shared mailboxes. Whether it is allowed, the doors say."""

from decimal import Decimal
from typing import Any, Final

from django import forms

from apps.console.addresses.members import LEVEL_WORDS
from apps.console.forms import GIGABYTE, shown_space
from apps.directory.models import User
from apps.directory.services.users import MAX_NAME
from apps.provisioning.administration.sharing import LEVELS

SENDING: Final = (
    ("", "Does not send"),
    ("behalf", "On behalf: their own name stands in it too"),
    ("as", "As the mailbox: nothing tells who wrote"),
)


class BoxForm(forms.Form):
    """Name and space of a shared mailbox. Space only for who may set it."""

    name = forms.CharField(label="Name", max_length=MAX_NAME, required=False)
    space = forms.DecimalField(
        label="Space in GB", required=False, min_value=0, max_value=10**6, decimal_places=3
    )

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
        if space is None or ("space" in self.initial and space == Decimal(self.initial["space"])):
            return None
        return int(space * GIGABYTE)


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
