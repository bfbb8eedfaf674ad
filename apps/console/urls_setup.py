"""The steps of the first run, after the first account."""

from django.urls import path

from apps.console.views import setup

urlpatterns = [
    path("", setup.start, name="console-setup"),
    path("domain/", setup.domain, name="console-setup-domain"),
    path("dns/", setup.dns, name="console-setup-dns"),
    path("message/", setup.message, name="console-setup-message"),
    path("done/", setup.done, name="console-setup-done"),
]
