"""Where the settings begin."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the page that people need most: how their account is secured."""
    try:
        return redirect(reverse("settings-security"))
    except NoReverseMatch:
        return redirect(reverse("settings-password"))
