"""Addresses of the administrators' console. Every one works without script."""

from django.urls import path, register_converter

from apps.console.views import acts, audit, users


class RowConverter:
    """The id of a row: 63 bits, what the databases hold."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """Raises ValueError, which Django takes as: not this address."""
        if (number := int(value)) >= 2**63:
            raise ValueError("more than 63 bits")
        return number

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(RowConverter, "row")

urlpatterns = [
    path("admin/", users.home, name="console"),
    path("admin/users/", users.listing, name="console-users"),
    path("admin/users/add/", users.add, name="console-user-add"),
    path("admin/users/<row:number>/", users.page, name="console-user"),
    path("admin/users/<row:number>/state/", acts.state, name="console-user-state"),
    path("admin/users/<row:number>/sessions/", acts.sessions, name="console-user-sessions"),
    path("admin/users/<row:number>/password/", acts.password, name="console-user-password"),
    path("admin/users/<row:number>/factors/", acts.factors, name="console-user-factors"),
    path("admin/users/<row:number>/act/", acts.act_as, name="console-user-act"),
    path("admin/audit/", audit.log, name="console-audit"),
]
