"""Addresses of writing: the composer, its files, sending, what leaves later."""

from django.urls import URLPattern, path

from apps.webmail.views import compose, files, sending

urlpatterns: list[URLPattern] = [
    path("mail/compose/", compose.compose, name="compose"),
    path("mail/compose/<uuid:draft>/", compose.draft, name="compose-draft"),
    path("mail/compose/<uuid:draft>/discard/", compose.discard, name="compose-discard"),
    path("mail/compose/<uuid:draft>/restore/", compose.restore, name="compose-restore"),
    path("mail/compose/from/<slug:slug>/<uid:uid>/", compose.from_message, name="compose-message"),
    path("mail/compose/<uuid:draft>/send/", sending.send, name="compose-send"),
    path("mail/compose/<uuid:draft>/undo/", sending.undo, name="compose-undo"),
    path("mail/compose/<uuid:draft>/schedule/", sending.schedule, name="compose-schedule"),
    path("mail/compose/<uuid:draft>/now/", sending.now, name="compose-now"),
    path("mail/<slug:slug>/<uid:uid>/hasten/", sending.hasten, name="hasten"),
    path("mail/compose/<uuid:draft>/files/", files.begin, name="draft-files"),
    path("mail/compose/<uuid:draft>/files/<uuid:file>/", files.file, name="draft-file"),
    path(
        "mail/compose/<uuid:draft>/files/<uuid:file>/remove/",
        files.remove,
        name="draft-file-remove",
    ),
    path(
        "mail/compose/<uuid:draft>/files/<uuid:file>/content/",
        files.content,
        name="draft-file-content",
    ),
]
