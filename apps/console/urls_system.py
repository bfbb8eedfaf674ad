"""The first page, finding things, taking acts back, health, the audit log, API tokens, programs
that people let in."""

from django.urls import path

from apps.console.views import audit, finding, health, home, programs, roles, tokens, undo

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
    path("programs/", programs.listing, name="console-programs"),
    path("programs/add/", programs.add, name="console-program-add"),
    path("programs/<row:number>/remove/", programs.remove, name="console-program-remove"),
    path("tokens/", tokens.listing, name="console-tokens"),
    path("tokens/new/", tokens.add, name="console-token-add"),
    path("tokens/<row:number>/", tokens.revoke, name="console-token"),
]
