"""What adding and removing a line is, for each kind of file; by the doors of administrators."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from apps.console.imports import context_of, opened
from apps.console.models import Import, ImportKind, ImportLine
from apps.directory import passwords, permissions
from apps.directory.models import Domain, Outcome, SignIn, User
from apps.directory.passwords import Secrets
from apps.directory.permissions import Ability, Powers
from apps.directory.services import dkim
from apps.directory.services.dkim import NewKeys
from apps.mailstore.models import Usage
from apps.mime.address import Address, AddressError
from apps.provisioning.administration import aliases, domains, users
from apps.provisioning.bulk.aliases import targets_of
from apps.provisioning.bulk.locks import lock_homes
from apps.provisioning.bulk.users import quota_of
from apps.provisioning.bulk.verdicts import WrongCell
from apps.runtime import sealing
from apps.wire.errors import InvalidName, MailError, NotFound

# Lines of a transaction. Nobody else writes to SQLite meanwhile, so it is to last some tens of
# milliseconds; a domain's comes with keys, and locks its organisation.
AT_ONCE: Final[Mapping[str, int]] = {
    ImportKind.USERS: 20,
    ImportKind.ALIASES: 50,
    ImportKind.DOMAINS: 1,
}
_HASHES: Final = 2  # at the same time


@dataclass(frozen=True, slots=True)
class Prepared:
    """What takes time and no transaction.

    Args:
        invented: the temporary password, "" if the file has one.
        trouble: why it could not be made.
    """

    secrets: Secrets | None = field(default=None, repr=False)
    invented: str = field(default="", repr=False)
    keys: NewKeys | None = field(default=None, repr=False)
    trouble: str = ""


def prepare(job: Import, lines: Sequence[ImportLine]) -> dict[int, Prepared]:
    """Hash passwords and make keys, by the lines' numbers."""
    if job.kind == ImportKind.DOMAINS:
        return {line.number: Prepared(keys=dkim.prepare()) for line in lines}
    if job.kind == ImportKind.ALIASES:
        return {line.number: Prepared() for line in lines}
    given = [(line.number, _password(job, line)) for line in lines]
    # Hashing lets go of the interpreter: threads are as good as processes.
    with ThreadPoolExecutor(_HASHES) as pool:
        return dict(pool.map(_hashed, given))


def _password(job: Import, line: ImportLine) -> str | MailError:
    try:
        return opened(job, line)
    except MailError as error:  # its key is gone
        return error


def _hashed(given: tuple[int, str | MailError]) -> tuple[int, Prepared]:
    number, password = given
    if isinstance(password, MailError):
        return number, Prepared(trouble="Its password could not be read any more")
    invented = "" if password else passwords.generate()
    try:
        return number, Prepared(passwords.seal(password or invented), invented)
    except MailError as error:
        return number, Prepared(trouble=error.reply.text)


def lock(powers: Powers, lines: Sequence[ImportLine], kind: str) -> None:
    """Lock what the lines are added to."""
    if kind != ImportKind.DOMAINS:  # of which there is one at a time
        lock_homes(powers, {name for line in lines if (name := _domain_of(line))})


def _domain_of(line: ImportLine) -> str:
    try:
        return Address.parse(str(line.cells.get("address", ""))).domain
    except AddressError:  # a catch-all, an expression
        return ""


def add(job: Import, powers: Powers, line: ImportLine, ready: Prepared) -> int:
    """Add what a line says; return its id.

    Raises:
        What the doors do.
    """
    if ready.trouble:
        raise InvalidName("prepared", text=ready.trouble)
    cells: dict[str, str] = line.cells
    if job.kind == ImportKind.ALIASES:
        return aliases.add(powers=powers, pattern=cells["address"], targets=targets_of(cells)).pk
    if job.kind == ImportKind.DOMAINS:
        return domains.add(
            powers=powers,
            name=cells["name"],
            organization_id=_owner(powers, cells),
            alias_of=cells.get("alias_of") or None,
            keys=ready.keys,
        ).pk
    assert ready.secrets is not None
    try:
        quota = quota_of(cells)
    except WrongCell as error:
        raise InvalidName("quota", text=error.reason) from None
    return users.create_hashed(
        powers=powers,
        address=cells["address"],
        secrets=ready.secrets,
        name=cells.get("name", ""),
        quota=quota,
        must_change=bool(ready.invented) or job.must_change,
    ).pk


def _owner(powers: Powers, cells: Mapping[str, str]) -> int | None:
    name = cells.get("organization", "")
    if not name or cells.get("alias_of"):
        return None
    found = permissions.organizations(powers, Ability.ADD_DOMAINS).filter(name=name).first()
    if found is None:
        raise NotFound("organisation", text=f"There is no organisation {name}")
    return found.pk


def sealed(job: Import, line: ImportLine, ready: Prepared) -> bytes | None:
    """The temporary password as it is kept; None if there is none."""
    if not ready.invented:
        return None
    return sealing.seal(ready.invented.encode(), context=context_of(job.pk, line.number))


def used(kind: str, lines: Sequence[ImportLine]) -> dict[int, str]:
    """Of users that somebody uses: why they stay, by id."""
    if kind != ImportKind.USERS:
        return {}
    ids = [line.made_id for line in lines]
    mail = Usage.objects.filter(user__in=ids).exclude(messages=0, reserved=0, expunged=0)
    found = dict.fromkeys(mail.values_list("user_id", flat=True), "There is mail in it")
    seen = SignIn.objects.filter(user__in=ids, outcome=Outcome.OK)
    return found | dict.fromkeys(seen.values_list("user_id", flat=True), "Somebody has signed in")


def remove(kind: str, powers: Powers, line: ImportLine) -> None:
    """Take away what a line has added; nothing, if it is gone.

    Raises:
        What the doors do.
    """
    number = line.made_id or 0
    try:
        if kind == ImportKind.ALIASES:
            aliases.remove(powers=powers, alias_id=number)
        elif kind == ImportKind.DOMAINS:
            domains.remove(powers=powers, domain_id=number)
        else:
            users.remove(powers=powers, user_id=number)
    except NotFound:
        if _is_there(kind, number):
            raise
        # Somebody was faster.


def _is_there(kind: str, number: int) -> bool:
    if kind == ImportKind.USERS:
        return User.objects.living().filter(pk=number).exists()
    return kind == ImportKind.DOMAINS and Domain.objects.filter(pk=number).exists()
