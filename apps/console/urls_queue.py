"""Queue."""

from django.urls import URLPattern, path

from apps.console.views import queuelist, queuemessage

urlpatterns: list[URLPattern] = [
    path("", queuelist.listing, name="console-queue"),
    path("bulk/", queuelist.bulk, name="console-queue-bulk"),
    path("destination/", queuelist.destination, name="console-queue-destination"),
    path("<ulid:message_id>/", queuemessage.page, name="console-queue-message"),
    path("<ulid:message_id>/act/", queuemessage.act, name="console-queue-act"),
]
