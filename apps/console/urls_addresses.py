"""Aliases, groups and shared mailboxes, and where mail for an address would go."""

from django.urls import path

from apps.console.views import alias, aliases, route, sharedbox, sharedboxes

urlpatterns = [
    path("aliases/", aliases.listing, name="console-aliases"),
    path("aliases/add/", aliases.add, name="console-alias-add"),
    path("aliases/bulk/", aliases.bulk, name="console-aliases-bulk"),
    path("aliases/<row:number>/", alias.page, name="console-alias"),
    path("aliases/<row:number>/targets/", alias.targets, name="console-alias-targets"),
    path("aliases/<row:number>/state/", alias.state, name="console-alias-state"),
    path("aliases/<row:number>/remove/", alias.remove, name="console-alias-remove"),
    path("route/", route.route, name="console-route"),
    path("shared/", sharedboxes.listing, name="console-shared"),
    path("shared/add/", sharedboxes.add, name="console-shared-add"),
    path("shared/<row:number>/", sharedbox.page, name="console-shared-box"),
    path("shared/<row:number>/member/", sharedbox.member, name="console-shared-member"),
    path("shared/<row:number>/leave/", sharedbox.leave, name="console-shared-leave"),
    path("shared/<row:number>/remove/", sharedbox.remove, name="console-shared-remove"),
]
