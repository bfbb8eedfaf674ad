"""Addresses of the address book."""

from django.urls import URLPattern, path

from apps.webmail.views import addressees

urlpatterns: list[URLPattern] = [
    path("mail/compose/people/", addressees.people, name="compose-people"),
]
