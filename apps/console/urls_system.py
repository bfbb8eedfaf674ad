"""The first page, finding things, taking acts back, health, the audit log."""

from django.urls import path

from apps.console.views import audit, finding, home, undo

urlpatterns = [
    path("", home.home, name="console"),
    path("find/", finding.find, name="console-find"),
    path("undo/", undo.undo, name="console-undo"),
    path("audit/", audit.log, name="console-audit"),
]
