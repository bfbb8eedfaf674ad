"""Forms by which people care for their own accounts: they parse and say what is wrong under the
field; services decide."""

from typing import Final

from django import forms

from apps.directory.apitokens import SCOPES
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.services.credentials import MAX_NAME, MAX_NETWORKS
from apps.ui.limitedforms import LimitedForm

OWN_RESOURCES: Final = ("account", "mail", "send", "tokens")  # what everybody has


class ForgotForm(forms.Form):
    """Whose password is forgotten. Anything may stand in it: the answer is the same."""

    address = forms.CharField(label="Email address", max_length=320)


class RecoveryForm(forms.Form):
    """The recovery address that is wanted."""

    address = forms.CharField(label="Recovery address", max_length=320)


class AppPasswordForm(LimitedForm):
    """A new app password."""

    called = "An app password"
    most_networks = MAX_NETWORKS

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    protocols = forms.MultipleChoiceField(
        label="Can use",
        choices=[(one, one.upper()) for one in PROTOCOLS],
        error_messages={"required": "Choose at least one."},
    )


class ApiTokenForm(LimitedForm):
    """A new API token for one's own account and mail."""

    called = "An API token"
    most_networks = MAX_NETWORKS

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    scopes = forms.MultipleChoiceField(
        label="May do",
        choices=[(one, one) for one in SCOPES if one.partition(":")[0] in OWN_RESOURCES],
        error_messages={"required": "Choose at least one."},
    )
