"""Users, and what is done to one."""

from django.urls import path

from apps.console.views import acts, userbulk, userpage, userrecover, userreplies, users, usertabs

urlpatterns = [
    path("", users.listing, name="console-users"),
    path("add/", users.add, name="console-user-add"),
    path("bulk/", userbulk.bulk, name="console-users-bulk"),
    path("removed/", users.gone, name="console-users-removed"),
    path("removed/<row:number>/restore/", users.restore, name="console-user-restore"),
    path("<row:number>/", userpage.page, name="console-user"),
    path("<row:number>/addresses/", usertabs.addresses, name="console-user-addresses"),
    path("<row:number>/devices/", usertabs.devices, name="console-user-devices"),
    path("<row:number>/sharing/", usertabs.sharing, name="console-user-sharing"),
    path("<row:number>/replies/", userreplies.replies, name="console-user-replies"),
    path("<row:number>/limits/", usertabs.sending, name="console-user-limits"),
    path("<row:number>/activity/", usertabs.activity, name="console-user-activity"),
    path("<row:number>/recover/", userrecover.recover, name="console-user-recover"),
    path("<row:number>/rename/", acts.rename, name="console-user-rename"),
    path("<row:number>/remove/", acts.remove, name="console-user-remove"),
    path("<row:number>/state/", acts.state, name="console-user-state"),
    path("<row:number>/sessions/", acts.sessions, name="console-user-sessions"),
    path("<row:number>/password/", acts.password, name="console-user-password"),
    path("<row:number>/factors/", acts.factors, name="console-user-factors"),
    path("<row:number>/act/", acts.act_as, name="console-user-act"),
]
