"""What administrators fill in about webhooks. What is allowed, the doors say."""

from typing import Any, Final

from django import forms

from apps.webhooks import kinds
from apps.webhooks.models import MAX_URL

EVERYWHERE: Final = "everywhere"
HEADS: Final = {
    "message": "Mail",
    "sign_in": "Sign-ins",
    "quota": "Space",
    "user": "Users",
    "alias": "Aliases and groups",
    "domain": "Domains",
}


class WebhookForm(forms.Form):
    """Where events are posted, and which."""

    url = forms.CharField(label="URL", max_length=MAX_URL)
    description = forms.CharField(label="What it is for", max_length=200, required=False)
    types = forms.MultipleChoiceField(
        required=False,
        choices=[(one, one) for one in (*kinds.GROUPS, *kinds.KINDS)],
        error_messages={"invalid_choice": "There is no such type of event."},
    )


class NewWebhookForm(WebhookForm):
    """The same for one that is set up: also whose events it gets."""

    scope = forms.ChoiceField(label="Events of")
    name = forms.CharField(label="Domain or organisation", max_length=253, required=False)

    def __init__(self, *args: Any, is_operator: bool, has_organizations: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)
        scope.choices = [
            ("domain", "A domain"),
            *([("organization", "An organisation with its domains")] if has_organizations else []),
            *([(EVERYWHERE, "The whole installation")] if is_operator else []),
        ]


def groups(chosen: list[str]) -> list[tuple[str, str, bool, list[tuple[str, str, bool]]]]:
    """Groups of types for the form: name, heading, whether all of it is chosen, and its types with
    their words."""
    return [
        (
            group,
            HEADS[group],
            group in chosen,
            [
                (name, words, name in chosen)
                for name, words in kinds.KINDS.items()
                if name.partition(".")[0] == group
            ],
        )
        for group in kinds.GROUPS
    ]
