"""Addresses of sign-in, mail and settings. Every one works without script."""

from django.urls import path

from apps.webmail.views import content, mail, signin

urlpatterns = [
    path("", mail.home, name="home"),
    path("login/", signin.sign_in, name="login"),
    path("logout/", signin.sign_out, name="logout"),
    path("setup/<str:token>/", signin.setup, name="setup"),
    path("settings/password/", signin.password, name="settings-password"),
    path("mail/", mail.home),
    path("mail/<slug:slug>/", mail.mailbox, name="mailbox"),
    path("mail/<slug:slug>/<int:uid>/", mail.message, name="message"),
    path("mail/<slug:slug>/<int:uid>/body/", content.body, name="body"),
    path("mail/<slug:slug>/<int:uid>/source/", content.source, name="source"),
    path("mail/<slug:slug>/<int:uid>/part/<int:number>/", content.part, name="part"),
    path("mail/<slug:slug>/<int:uid>/<slug:verb>/", mail.act, name="act"),
]
