"""Two tenants full of things, for tests that look for anything of one in the other's pages.

Every text that B has contains QUOKKA, every text that A has WOMBAT. What belongs to a tenant is
found by the models themselves: whatever points at its users, mailboxes, domains or organisation, so
that a table which is added later is looked at without a word here.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model, Q
from django.test import Client

from apps.accounts.models import Authenticator, Passkey
from apps.audit.models import AuditRecord
from apps.contacts.cards.card import Card, Way
from apps.contacts.services import contacts
from apps.contacts.services import groups as contactgroups
from apps.delivery.accept import accept
from apps.directory.models import DkimKey, Domain, Kind, Means, Organization, Outcome, Role, User
from apps.directory.services import (
    apitokens,
    apppasswords,
    forwards,
    history,
    oauthclients,
    tokens,
)
from apps.mailqueue import services as mailqueue
from apps.mailstore.models import Mailbox
from apps.provisioning import services as provisioning
from apps.scan.base import Action, Finding
from apps.scan.verdict import Verdict
from apps.webhooks.services import endpoints
from apps.webmail.models import Draft, DraftFile
from apps.webmail.services import draftfiles
from tests.console.conftest import browser, holder
from tests.mailqueue.leaving import away, route, settle
from tests.scan.services.test_quarantine import claim, keep
from tests.support.mail import drain, local, submission

NOTHING = UUID(int=3)
MAILS = {"A": 1, "B": 3}  # so that B has messages whose numbers A has not


@dataclass
class Tenant:
    """A customer: its organisation, domain and people, and ids of things that they have."""

    name: str
    word: str
    domain: Domain
    people: dict[str, User] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    draft: tuple[UUID, UUID] = (UUID(int=1), UUID(int=2))  # a letter that is written, a file of it
    queued: UUID = NOTHING  # mail of theirs that waits for another server

    @property
    def organization(self) -> Organization:
        return self.domain.organization

    def address(self, local_part: str) -> str:
        return f"{local_part}-{self.word}@{self.domain.name}"


def tenant(name: str, word: str) -> Tenant:
    """Make one."""
    made = Tenant(
        name, word, provisioning.add_domain(f"{word}.test", organization=f"{word} Limited")
    )
    where = made.domain
    for part in ("user", "other"):
        made.people[part], _ = provisioning.add_user(
            made.address(part), "correct horse battery", f"{part} {word}"
        )
    made.people["admin"] = holder(made.address("admin"), Role.DOMAIN_ADMIN, where)
    if name == "A":
        _administrators(made)
    made.ids["grant"] = made.people["helpdesk" if name == "A" else "admin"].grants.get().pk
    _furnish(made)
    return made


def _api_token(user: User, word: str) -> int:
    return apitokens.issue(user=user, name=f"{word} program", scopes=["mail:read"])[0].pk


def _program(word: str) -> int:
    return oauthclients.register(name=word, redirects_to=["https://app.test/"])[0].pk


def _administrators(made: Tenant) -> None:
    where = made.domain
    made.people["helpdesk"] = holder(made.address("helpdesk"), Role.HELPDESK, where, may_reset=True)
    made.people["reseller"] = holder(made.address("reseller"), Role.RESELLER, made.organization)
    made.people["suspended"] = holder(made.address("suspended"), Role.DOMAIN_ADMIN, where)


def _furnish(made: Tenant) -> None:
    user, word = made.people["other"], made.word
    alias = provisioning.add_alias(
        made.address("alias"), [user.address, f"x@{word}-elsewhere.test"]
    )
    shared, _ = provisioning.add_user(made.address("team"), None, kind=Kind.SHARED)
    gone, _ = provisioning.add_user(made.address("gone"), "correct horse battery")
    provisioning.remove_user(gone.key)
    made.ids |= {"domain": made.domain.pk, "organization": made.organization.pk}
    made.ids |= {"alias": alias.pk, "shared": shared.pk, "tombstone": gone.pk}
    made.ids["app-password"] = apppasswords.create(user=user, name=f"{word} telephone")[0].pk
    made.ids["access-token"] = tokens.issue(user=user, name=f"{word} robot")[0].pk
    made.ids["api-token"] = _api_token(user, word)
    made.ids["program"] = _program(word)
    forwards.ask(user=user, target=f"me@{word}-home.test", keeps_copy=True)
    Authenticator.objects.create(user=user, name=f"{word} app", confirmed=True)
    passkey = Passkey.objects.create(
        user=user,
        name=f"{word} key",
        credential_id=word.encode(),
        digest=hashlib.sha256(word.encode()).digest(),
        handle=word.encode(),
        public_key=b"\xa0",
    )
    made.ids["security-passkey"] = passkey.pk
    User.objects.filter(pk=user.pk).update(has_factor=True)
    made.draft = _letter(user, word)
    crew = contactgroups.create(user_id=user.pk, name=f"{word} crew")
    card = Card(name=f"{word} friend", emails=(Way(f"friend@{word}-home.test"),))
    kept = contacts.create(user_id=user.pk, card=card, group_ids=[crew.pk])
    made.ids |= {"contact": kept.pk, "contact-group": crew.pk}
    for key in DkimKey.objects.filter(domain=made.domain):
        DkimKey.objects.filter(pk=key.pk).update(selector=f"{word}-{key.pk}")
    for person in (made.people["other"], made.people["admin"]):
        history.note(
            user_id=person.pk,
            outcome=Outcome.OK,
            door="imap",
            means=Means.APP_PASSWORD,
            via=f"{word} telephone",
            address="192.0.2.7",
            client=f"{word} mail",
        )
        mails = [_mail(person, word, number) for number in range(MAILS[made.name])]
        accept([submission(local(person), mail) for mail in mails])
    drain()
    made.queued = _waiting(user, word)
    made.ids["held"] = held(user, word)
    hook, _ = endpoints.add(
        place=made.domain, url=f"https://hooks.{word}-elsewhere.test/", description=f"{word} bills"
    )
    made.ids["webhook"] = hook.pk


def _waiting(user: User, word: str) -> UUID:
    """Mail to elsewhere that another server put off."""
    to = f"friend@{word}-away.test"
    item = submission(away(to), _mail(user, word, 9), sender=user.address, door="submission")
    accept([replace(item, user_id=user.pk)])
    route(f"mx/{word}-away.test")
    (leased,) = mailqueue.claim_destination(f"mx/{word}-away.test", 1)
    settle(leased, "deferred", f"451 4.7.1 {word} is greylisted", 3600)
    return item.id


def held(user: User, word: str) -> int:
    """A message to a user that is kept in quarantine; its number."""
    raw = _mail(user, word, 9)
    found = Verdict((Finding("ATTACHMENT_FORBIDDEN", 0, word, action=Action.QUARANTINE),))
    (row,) = keep(claim(local(user), raw), found, raw=raw)
    return row.pk


def _letter(user: User, word: str) -> tuple[UUID, UUID]:
    draft = Draft.objects.create(user=user, created_at=1, saved_at=1)
    file = DraftFile.objects.create(
        draft=draft, name=f"{word}.txt", media_type="text/plain", size=len(word), created_at=1
    )
    draftfiles.receive(file=file, at=0, octets=word.encode())
    return draft.id, file.id


def _mail(to: User, word: str, number: int) -> bytes:
    return (
        f"From: Sender <sender@{word}-elsewhere.test>\r\nTo: {to.address}\r\n"
        f"Subject: {word} secret {number}\r\nMessage-ID: <{number}-{to.pk}@{word}.test>\r\n"
        f"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\nThe {word} must not be told.\r\n"
    ).encode()


def rows_of(owner: Tenant, tables: Collection[str] | None = None) -> dict[str, str]:
    """A digest of everything that belongs to a tenant, by table; of some tables, or of all."""
    users = set(
        User.objects.filter(Q(domain=owner.domain) | Q(key__contains=owner.word)).values_list(
            "pk", flat=True
        )
    )
    owned: dict[type[Model], Any] = {
        User: users,
        Domain: Domain.objects.filter(organization=owner.organization).values_list("pk"),
        Organization: [owner.organization.pk],
        Mailbox: Mailbox.objects.filter(user__in=users).values_list("pk"),
    }
    digests = {}
    for model in apps.get_models():
        if tables is not None and model._meta.db_table not in tables:
            continue
        wanted = Q()
        for column in model._meta.concrete_fields:
            target = column.related_model
            if isinstance(target, type) and target in owned:
                wanted |= Q(**{f"{column.name}__in": owned[target]})
        if model in owned:
            wanted |= Q(pk__in=owned[model])
        if model is AuditRecord:
            wanted |= Q(organization_id=owner.organization.pk)
        if wanted:
            rows = model._default_manager.filter(wanted).order_by("pk")
            digest = hashlib.sha256(repr(list(rows.values_list())).encode())
            digests[model._meta.db_table] = digest.hexdigest()
    return digests


def signed_in(user: User) -> Client:
    """A browser that answers whatever happens with a page, as the service does."""
    client = browser(user)
    client.raise_request_exception = False
    return client
