"""Addresses of mailboxes."""

from django.urls import path

from apps.api.mailboxes.views import DeletedMailboxes, Mailboxes, OneMailbox, Restoring

urlpatterns = [
    path("mailboxes", Mailboxes.as_view(), name="api-mailboxes"),
    path("mailboxes/deleted", DeletedMailboxes.as_view(), name="api-mailboxes-deleted"),
    path(
        "mailboxes/deleted/<int:mailbox_id>/restore",
        Restoring.as_view(),
        name="api-mailbox-restore",
    ),
    path("mailboxes/<int:mailbox_id>", OneMailbox.as_view(), name="api-mailbox"),
]
