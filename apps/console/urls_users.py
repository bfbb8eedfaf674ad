"""Users, and what is done to one."""

from django.urls import path

from apps.console.views import acts, users

urlpatterns = [
    path("", users.listing, name="console-users"),
    path("add/", users.add, name="console-user-add"),
    path("<row:number>/", users.page, name="console-user"),
    path("<row:number>/state/", acts.state, name="console-user-state"),
    path("<row:number>/sessions/", acts.sessions, name="console-user-sessions"),
    path("<row:number>/password/", acts.password, name="console-user-password"),
    path("<row:number>/factors/", acts.factors, name="console-user-factors"),
    path("<row:number>/act/", acts.act_as, name="console-user-act"),
]
