"""`manage.py role grant|revoke|list`."""

from typing import Any

from apps.directory.models import Domain, Organization, Role
from apps.directory.services import domains, organizations, roles, users
from apps.provisioning import tenants
from apps.provisioning.management.noun import Error, NounCommand


class Command(NounCommand):
    help = "Roles: who runs this installation, an organisation, or a domain."

    def add_verbs(self) -> None:
        for verb, summary in (
            ("grant", "Give a user a role, in an organisation or in a domain."),
            ("revoke", "Take a role from a user."),
        ):
            parser = self.verb(verb, summary)
            parser.add_argument("address", metavar="ADDRESS")
            parser.add_argument("role", metavar="ROLE", choices=Role.values)
            parser.add_argument("--organization", metavar="NAME", help="in all its domains")
            parser.add_argument("--domain", metavar="NAME", help="in this domain")
            if verb == "grant":
                parser.add_argument(
                    "--may-reset",
                    action="store_true",
                    help="of a helpdesk: resets passwords and second factors of users without role",
                )
        listing = self.verb("list", "List roles: user, role, organisation, domain, may reset.")
        listing.add_argument("--user", metavar="ADDRESS", help="only those of this user")
        listing.add_argument("--role", metavar="ROLE", choices=Role.values)

    def do_grant(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        organization, domain = self._where(options)
        found = roles.grant(
            user=user,
            role=Role(options["role"]),
            organization=organization,
            domain=domain,
            may_reset=options["may_reset"],
        )
        self._report(options, f"{user.address} is {_words(options)}.", found.may_reset)

    def do_revoke(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        organization, domain = self._where(options)
        roles.revoke(
            user=user, role=Role(options["role"]), organization=organization, domain=domain
        )
        self._report(options, f"{user.address} is no longer {_words(options)}.", False)

    def do_list(self, options: dict[str, Any]) -> None:
        user = users.find(options["user"]) if options["user"] else None
        role = Role(options["role"]) if options["role"] else None
        rows = tenants.roles(user=user, role=role)
        self.write_rows(options, rows, "user role organization domain may_reset")

    def _where(self, options: dict[str, Any]) -> tuple[Organization | None, Domain | None]:
        organization, domain = options["organization"], options["domain"]
        if organization and domain:
            raise Error("Give --organization or --domain, not both.", returncode=2)
        return (
            organizations.find(organization) if organization else None,
            domains.find(domain) if domain else None,
        )

    def _report(self, options: dict[str, Any], sentence: str, may_reset: bool) -> None:
        self.report(
            options,
            sentence,
            address=options["address"],
            role=options["role"],
            organization=options["organization"],
            domain=options["domain"],
            may_reset=may_reset,
        )


def _words(options: dict[str, Any]) -> str:
    where = options["organization"] or options["domain"]
    role = options["role"].replace("_", " ")
    return f"{role} of {where}" if where else role
