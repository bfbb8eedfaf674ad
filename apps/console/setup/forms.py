"""What the first run asks for."""

from django import forms


class FirstDomainForm(forms.Form):
    """A name; whether it is one of a domain, the service says."""

    name = forms.CharField(label="Domain", max_length=255)
