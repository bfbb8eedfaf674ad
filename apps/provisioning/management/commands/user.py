"""`manage.py user add|list|set|rename|passwd|signins|suspend|resume|remove|restore`."""

from typing import Any

from apps.directory.models import Kind
from apps.directory.services import users
from apps.provisioning import newpasswords, queries, recovery, renaming, services, signins
from apps.provisioning.management.noun import NounCommand, percent, size

_FROM_STDIN = "read the password from standard input, one line; else one is made and printed"


class Command(NounCommand):
    help = "Users and their mailboxes."

    def add_verbs(self) -> None:
        self._add_verb_add()
        listing = self.verb("list", "List users: address, kind, state, used bytes, quota, name.")
        listing.add_argument("--domain", metavar="NAME", help="only the users of this domain")
        listing.add_argument(
            "--over",
            metavar="PERCENT",
            type=percent,
            help="only users whose mailbox has reached so much of its quota, such as 80",
        )
        listing.add_argument(
            "--removed", action="store_true", help="removed users whose mail is still kept"
        )
        change = self.verb("set", "Change a user's name or quota.")
        change.add_argument("address", metavar="ADDRESS")
        change.add_argument("--name", metavar="NAME", help="the person's name")
        change.add_argument("--quota", metavar="SIZE", type=size, help="such as 10G; 0 is no limit")
        self._add_verb_rename()
        passwd = self.verb("passwd", "Set a user's password; all other sessions end.")
        passwd.add_argument("address", metavar="ADDRESS")
        how = passwd.add_mutually_exclusive_group()
        how.add_argument("--password-stdin", action="store_true", help=_FROM_STDIN)
        how.add_argument(
            "--link",
            action="store_true",
            help="print a link that sets a new password, once within an hour; the old one works on",
        )
        passwd.add_argument(
            "--must-change",
            action="store_true",
            help="the web asks for another password at the next sign-in",
        )
        shown = self.verb("signins", "Show a user's sign-ins, alike ones together, newest first.")
        shown.add_argument("address", metavar="ADDRESS")
        shown.add_argument("--limit", metavar="NUMBER", type=int, default=50, help="how many lines")
        for verb, summary in (
            ("suspend", "Refuse a user's mail and sign-in."),
            ("resume", "Let a suspended user work again."),
            ("remove", "Remove a user. The mail is kept and can be restored."),
            ("restore", "Bring back a removed user, with the mail and the password."),
        ):
            parser = self.verb(verb, summary)
            parser.add_argument("address", metavar="ADDRESS")
            if verb == "suspend":
                parser.add_argument(
                    "--receive", action="store_true", help="refuse sign-in only; mail is received"
                )

    def _add_verb_rename(self) -> None:
        rename = self.verb("rename", "Give a user another address; the old one leads to it.")
        rename.add_argument("address", metavar="OLD")
        rename.add_argument("new", metavar="NEW", help="in a hosted domain")
        rename.add_argument("--no-alias", action="store_true", help="let go of the old address")
        rename.add_argument(
            "--other-organization",
            action="store_true",
            help="the new domain may belong to another organisation; roles in the old one end",
        )

    def _add_verb_add(self) -> None:
        add = self.verb("add", "Add a user to a hosted domain.")
        add.add_argument("address", metavar="ADDRESS")
        add.add_argument("--password-stdin", action="store_true", help=_FROM_STDIN)
        add.add_argument("--name", metavar="NAME", default="", help="the person's name")
        add.add_argument(
            "--quota",
            metavar="SIZE",
            type=size,
            help="such as 10G; 0 is no limit (default: the domain's)",
        )
        add.add_argument(
            "--kind",
            choices=[kind.value for kind in Kind],
            default=Kind.PERSON.value,
            help="shared mailboxes and resources receive mail; nobody signs in as them",
        )
        add.add_argument("--admin", action="store_true", help="administers the own domain")
        add.add_argument(
            "--operator",
            action="store_true",
            help="runs this installation; the address may be outside the hosted domains",
        )

    def do_add(self, options: dict[str, Any]) -> None:
        password = self._password(options)
        if options["operator"]:
            user, invented = services.create_operator(options["address"], password, options["name"])
        else:
            user, invented = services.add_user(
                options["address"],
                password,
                options["name"],
                options["quota"],
                Kind(options["kind"]),
                is_admin=options["admin"],
                unlimited=True,
            )
        self._report_password(options, f"{user.address} is added.", user.address, invented)

    def do_list(self, options: dict[str, Any]) -> None:
        rows = (
            queries.removed_users()
            if options["removed"]
            else queries.users(domain=options["domain"], over=options["over"])
        )
        self.write_rows(options, rows, "address kind state used quota name")

    def do_set(self, options: dict[str, Any]) -> None:
        user = services.change_user(
            options["address"], name=options["name"], quota=options["quota"], unlimited=True
        )
        self.report(
            options,
            f"{user.address} is changed.",
            address=user.address,
            name=user.name,
            quota=user.quota,
        )

    def do_rename(self, options: dict[str, Any]) -> None:
        done = renaming.rename_user(
            options["address"],
            options["new"],
            keeps_alias=not options["no_alias"],
            other_organization=options["other_organization"],
        )
        alias = " The old address leads to it." if done.alias else ""
        self.report(
            options,
            f"{done.before} is {done.user.address} now.{alias}",
            before=done.before,
            address=done.user.address,
            alias=done.alias,
            followed=done.followed,
        )

    def do_passwd(self, options: dict[str, Any]) -> None:
        user = users.find(options["address"])
        if options["link"]:
            link = recovery.make_reset_link(user)
            self.report(options, link, address=user.address, link=link)
            return
        invented = newpasswords.give(
            user, self._password(options), must_change=options["must_change"]
        )
        self._report_password(
            options, f"{user.address} has a new password.", user.address, invented
        )

    def do_suspend(self, options: dict[str, Any]) -> None:
        user = services.suspend_user(options["address"], receives=options["receive"])
        done = "locked; it receives mail" if options["receive"] else "suspended"
        self.report(options, f"{user.address} is {done}.", address=user.address)

    def do_signins(self, options: dict[str, Any]) -> None:
        rows = signins.of_user(options["address"], options["limit"])
        columns = "last_at times outcome door means via address client is_new_place"
        self.write_rows(options, rows, columns)

    def do_resume(self, options: dict[str, Any]) -> None:
        user = services.resume_user(options["address"])
        self.report(options, f"{user.address} works again.", address=user.address)

    def do_remove(self, options: dict[str, Any]) -> None:
        user = services.remove_user(options["address"])
        self.report(
            options,
            f"{user.address} is removed; `user restore` brings it back with its mail.",
            address=user.address,
        )

    def do_restore(self, options: dict[str, Any]) -> None:
        user = services.restore_user(options["address"], unlimited=True)
        self.report(options, f"{user.address} is back.", address=user.address)

    def _password(self, options: dict[str, Any]) -> str | None:
        if not options["password_stdin"]:
            return None
        password = self.read_password()
        self.warn_if_weak(password, options["address"])
        return password

    def _report_password(
        self, options: dict[str, Any], sentence: str, address: str, invented: str | None
    ) -> None:
        if invented is None:
            self.report(options, sentence, address=address)
        else:
            self.report(
                options,
                f"{sentence}\nPassword: {invented}",
                address=address,
                password=invented,
            )
