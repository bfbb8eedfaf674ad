"""The first page, finding things, taking acts back, health, the audit log."""

from django.urls import path

from apps.console.views import audit, finding, health, home, roles, undo

urlpatterns = [
    path("", home.dashboard, name="console-dashboard"),
    path("", home.dashboard, name="console"),
    path("health/", health.health, name="console-health"),
    path("find/", finding.find, name="console-find"),
    path("undo/", undo.undo, name="console-undo"),
    path("roles/", roles.listing, name="console-roles"),
    path("roles/give/", roles.give, name="console-role-give"),
    path("roles/<row:number>/take/", roles.take, name="console-role-take"),
    path("audit/", audit.log, name="console-audit"),
]
