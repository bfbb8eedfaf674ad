"""Addresses of the address book."""

from django.urls import URLPattern, path

from apps.webmail.views import addressees, contactfiles, contactgroups, contacts

# Cards stand below `card/`: a number after the first word would look like a message's to scripts.
urlpatterns: list[URLPattern] = [
    path("mail/compose/people/", addressees.people, name="compose-people"),
    path("mail/contacts/", contacts.home, name="contacts"),
    path("mail/contacts/new/", contacts.new, name="contact-new"),
    path("mail/contacts/card/<uid:number>/", contacts.contact, name="contact"),
    path("mail/contacts/acts/", contacts.acts, name="contacts-acts"),
    path("mail/contacts/collected/", contacts.collected, name="contacts-collected"),
    path("mail/contacts/import/", contactfiles.bring, name="contacts-import"),
    path("mail/contacts/contacts.vcf", contactfiles.take_along, name="contacts-export"),
    path("mail/contacts/groups/new/", contactgroups.new, name="contact-group-new"),
    path("mail/contacts/groups/<uid:number>/", contactgroups.group, name="contact-group"),
    path(
        "mail/contacts/groups/<uid:number>/delete/",
        contactgroups.delete,
        name="contact-group-delete",
    ),
]
