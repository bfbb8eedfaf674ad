"""Addresses of aliases and groups."""

from django.urls import path

from apps.api.aliases.bulk import BulkAliases
from apps.api.aliases.views import Aliases, OneAlias, OneTarget, Targets

_ONE = "aliases/<int:alias_id>"

urlpatterns = [
    path("aliases", Aliases.as_view(), name="api-aliases"),
    path("aliases/bulk", BulkAliases.as_view(), name="api-aliases-bulk"),
    path(_ONE, OneAlias.as_view(), name="api-alias"),
    path(f"{_ONE}/targets", Targets.as_view(), name="api-alias-targets"),
    path(f"{_ONE}/targets/<path:address>", OneTarget.as_view(), name="api-alias-target"),
]
