"""`manage.py domain add|list|set|rename|suspend|resume|remove`."""

from typing import Any

from django.core.management.base import CommandParser

from apps.directory.models import Demand, Sternness, StsMode
from apps.directory.services.domains import Reception
from apps.directory.services.organizations import KEEP
from apps.directory.services.signinrules import SignInRules
from apps.provisioning import queries, renaming, services
from apps.provisioning.management.noun import Error, NounCommand, first_day, size


class Command(NounCommand):
    help = "Hosted mail domains."

    def add_verbs(self) -> None:
        add = self.verb("add", "Host a domain.")
        add.add_argument("name", metavar="NAME", help="such as example.org; may be international")
        add.add_argument(
            "--alias-of", metavar="NAME", help="a hosted domain that has all its addresses"
        )
        add.add_argument("--organization", metavar="NAME", help="the tenant; made if it is new")
        self.verb(
            "list",
            "List the domains: name, state, users, aliases, alias of, kind, DMARC policy, list"
            " policy, greylisting.",
        )
        change = self.verb("set", "Change how a domain works.")
        change.add_argument("name", metavar="NAME")
        change.add_argument(
            "--separator",
            metavar="CHARACTER",
            help="what divides alice from lists in alice+lists@; empty switches details off",
        )
        change.add_argument(
            "--default-quota", metavar="SIZE", type=size, help="of new users; 0 is no limit"
        )
        change.add_argument(
            "--foreign-from",
            choices=["refuse", "sender"],
            help="what to do with mail whose From is not its sender's: refuse it, or add Sender",
        )
        self._add_reception(change)
        self._add_sign_in(change)
        self._add_verb_rename()
        for verb, summary in (
            ("suspend", "Refuse mail for a domain and sign-in of its users."),
            ("resume", "Let a suspended domain work again."),
            ("remove", "Stop hosting a domain."),
        ):
            parser = self.verb(verb, summary)
            parser.add_argument("name", metavar="NAME")
            if verb == "suspend":
                parser.add_argument(
                    "--receive", action="store_true", help="refuse sign-in only; mail is received"
                )
        parser.add_argument(
            "--force",
            action="store_true",
            help="remove its users and aliases too; users can be restored when the domain is back",
        )

    def _add_verb_rename(self) -> None:
        rename = self.verb(
            "rename", "Give a domain another name; its users have that from then on."
        )
        rename.add_argument("name", metavar="OLD")
        rename.add_argument("new", metavar="NEW", help="not hosted here, or an alias domain of OLD")
        rename.add_argument(
            "--no-alias", action="store_true", help="stop hosting the old name: its mail is refused"
        )

    def _add_reception(self, change: CommandParser) -> None:
        """What becomes of incoming mail whose sender is in doubt; docs/reception.md. And how it is
        to come."""
        change.add_argument(
            "--dmarc-policy",
            choices=Sternness.values,
            help="for mail that fails DMARC: report it in its header only, put it into Junk, or"
            " reject it where its author's domain asks for that (the usual)",
        )
        change.add_argument(
            "--list-policy",
            choices=Sternness.values,
            help="for mail from hosts that DNS block lists name: the same (reject is the usual)",
        )
        change.add_argument(
            "--greylisting",
            choices=["on", "off"],
            help="ask mail that looks doubtful to come back later (off is the usual)",
        )
        change.add_argument(
            "--digest",
            choices=["daily", "weekly", "never", "usual"],
            help="how often its users get a letter about mail that is held back, unless they have"
            " chosen; usual is QUARANTINE_DIGEST",
        )
        change.add_argument(
            "--mta-sts",
            choices=StsMode.values,
            help="the MTA-STS policy that other servers read: none (the usual), testing, or"
            " enforce: send over TLS that proves this host, or not at all",
        )

    def _add_sign_in(self, change: CommandParser) -> None:
        """What sign-in of its users demands; docs/accounts.md."""
        change.add_argument(
            "--second-factor",
            choices=Demand.values,
            help="who has to have a second factor; who has to, uses app passwords in mail programs",
        )
        change.add_argument(
            "--second-factor-from",
            metavar="DAY",
            type=first_day,
            help="from when on (UTC), such as 2030-01-31; until then people are reminded",
        )
        change.add_argument(
            "--password-length",
            metavar="NUMBER",
            type=int,
            help="fewest characters of a new password, 8 to 64; 0 is the installation's",
        )

    def do_add(self, options: dict[str, Any]) -> None:
        domain = services.add_domain(
            options["name"], options["organization"], options["alias_of"], unlimited=True
        )
        self.report(options, f"{domain.name} is hosted here now.", name=domain.name)

    def do_list(self, options: dict[str, Any]) -> None:
        columns = "name state users aliases alias_of kind dmarc_policy list_policy greylisting"
        self.write_rows(options, queries.domains(), columns)

    def do_set(self, options: dict[str, Any]) -> None:
        domain = services.change_domain(
            options["name"],
            separator=options["separator"],
            default_quota=KEEP if (quota := options["default_quota"]) is None else quota,
            adds_sender={"refuse": False, "sender": True}.get(options["foreign_from"]),
            reception=_reception(options),
            sign_in=_sign_in(options),
            sts_mode=options["mta_sts"] and StsMode(options["mta_sts"]),
            digest={None: None, "usual": ""}.get(options["digest"], options["digest"]),
        )
        self.report(
            options,
            f"{domain.name} is changed.",
            name=domain.name,
            separator=domain.detail_separator,
            default_quota=domain.default_quota,
            foreign_from="sender" if domain.adds_sender else "refuse",
            dmarc_policy=domain.dmarc_policy,
            list_policy=domain.list_policy,
            greylisting="on" if domain.greylists else "off",
            second_factor=domain.factor_demand,
            second_factor_from=domain.factor_due_at,
            password_length=domain.password_length,
            digest=domain.digest or "usual",
            mta_sts=domain.sts_mode,
            mta_sts_id=domain.sts_id,
        )

    def do_suspend(self, options: dict[str, Any]) -> None:
        domain = services.suspend_domain(options["name"], receives=options["receive"])
        done = "locked; it receives mail" if options["receive"] else "suspended"
        self.report(options, f"{domain.name} is {done}.", name=domain.name)

    def do_resume(self, options: dict[str, Any]) -> None:
        domain = services.resume_domain(options["name"])
        self.report(options, f"{domain.name} works again.", name=domain.name)

    def do_rename(self, options: dict[str, Any]) -> None:
        done = renaming.rename_domain(
            options["name"],
            options["new"],
            keeps_alias=not options["no_alias"],
            unlimited=True,
        )
        lines = [f"{done.before} is {done.domain.name} now, with {done.users} users."]
        if done.alias:
            lines.append(f"{done.before} is an alias domain: mail to it goes on to arrive.")
        lines.append(f"To be in the DNS of {done.domain.name}, beside its MX and SPF records:")
        for key in done.keys:
            strings = " ".join(f'"{string}"' for string in key.strings)
            lines.append(f"  {key.record}. IN TXT ( {strings} )")
        self.report(
            options,
            "\n".join(lines),
            before=done.before,
            name=done.domain.name,
            alias=done.alias,
            users=done.users,
            followed=done.followed,
            records=[{"name": key.record, "text": key.text} for key in done.keys],
        )

    def do_remove(self, options: dict[str, Any]) -> None:
        services.remove_domain(options["name"], force=options["force"])
        self.report(options, f"{options['name']} is removed.", name=options["name"])


def _reception(options: dict[str, Any]) -> Reception | None:
    wanted = Reception(
        dmarc_policy=options["dmarc_policy"] and Sternness(options["dmarc_policy"]),
        list_policy=options["list_policy"] and Sternness(options["list_policy"]),
        greylists={"on": True, "off": False}.get(options["greylisting"]),
    )
    return None if wanted == Reception() else wanted


def _sign_in(options: dict[str, Any]) -> SignInRules | None:
    demand, day = options["second_factor"], options["second_factor_from"]
    if day is not None and demand in (None, Demand.NOBODY.value):
        raise Error("--second-factor-from needs --second-factor administrators or everybody.")
    wanted = SignInRules(
        factor_demand=demand and Demand(demand),
        factor_due_at=day,
        password_length=options["password_length"],
    )
    return None if wanted == SignInRules() else wanted
