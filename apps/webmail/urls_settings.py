"""Addresses of what people set about their mail."""

from django.urls import URLPattern, path

from apps.webmail.views import forwards, held, identities, senders, sharing, storage, vacation

urlpatterns: list[URLPattern] = [
    path("settings/identities/", identities.home, name="settings-identities"),
    path("settings/forwarding/", forwards.home, name="settings-forwarding"),
    path("settings/senders/", senders.home, name="settings-senders"),
    path("settings/held/", held.home, name="settings-held"),
    path("settings/sharing/", sharing.home, name="settings-sharing"),
    path("settings/storage/", storage.home, name="settings-storage"),
    path("settings/vacation/", vacation.home, name="settings-vacation"),
]
