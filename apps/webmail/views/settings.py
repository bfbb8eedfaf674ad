"""Where the settings begin."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the page that people need most: how their account is secured."""
    return redirect("settings-security")
