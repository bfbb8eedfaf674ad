"""What each action is called in a sentence: `alice@example.org suspended the user bob@…`.

A new action of `record` gets its row here (tests/audit/test_coverage.py asks for it). The subject
stands where {} is; it is a name that somebody chose, and is never read as anything else.
"""

from collections.abc import Mapping
from typing import Final

from apps.audit.details import line

_SHOWN: Final = 500

SENTENCES: Final[Mapping[str, str]] = {
    "alias.add": "added the alias {}",
    "alias.change": "changed the targets of the alias {}",
    "alias.remove": "removed the alias {}",
    "alias.resume": "let the alias {} work again",
    "alias.suspend": "suspended the alias {}",
    "apitoken.issue": "made an API token of {}",
    "apitoken.revoke": "revoked API tokens of {}",
    "apppassword.add": "made an app password for {}",
    "apppassword.remove": "removed app passwords of {}",
    "attachments.set": "said what is done with attached files of {}",
    "attachments.unset": "took back what was said of attached files of {}",
    "audit.export": "exported the audit log",
    "backup.make": "made a backup to {}",
    "backup.restore": "put a backup in place of everything: {}",
    "delegation.grant": "let another send in the name of {}",
    "delegation.revoke": "let another no longer send in the name of {}",
    "directory.export": "exported a list: {}",
    "dkim.activate": "let new keys sign the mail of {}",
    "dkim.add": "made keys that sign the mail of {}",
    "dkim.discard": "dropped new keys of {}",
    "dkim.erase": "took a key of {} out of service",
    "dkim.retire": "retired a key of {}",
    "dkim.rotate": "made the next keys of {}",
    "dns.leave": "said which DNS records of {} are as they are on purpose",
    "domain.add": "added the domain {}",
    "domain.change": "changed the domain {}",
    "domain.lock": "let nobody of the domain {} sign in; it goes on receiving mail",
    "domain.mta_sts": "changed the MTA-STS policy of the domain {}",
    "domain.remove": "removed the domain {}",
    "domain.rename": "gave the domain {} another name",
    "domain.resume": "let the domain {} work again",
    "domain.sign_in": "changed what sign-in of the domain {} demands",
    "domain.suspend": "suspended the domain {}",
    "domain.test": "had a test letter written as postmaster of {}",
    "factor.add": "set up a second factor of {}",
    "factor.codes": "made new recovery codes of {}",
    "factor.forget": "had browsers that {} trusted forgotten",
    "factor.remove": "removed a second factor of {}",
    "factor.rename": "named a passkey of {} anew",
    "factor.reset": "removed all second factors of {}",
    "forward.add": "had mail of {} sent on",
    "forward.agree": "agreed to mail that is sent on from {}",
    "forward.ask": "asked whether mail of {} may be sent on",
    "forward.copy": "set whether mail of {} that is sent on is kept too",
    "forward.refuse": "refused mail that is sent on from {}",
    "forward.remove": "had mail of {} no longer sent on",
    "fsck.repair": "had stored mail checked and mended: {}",
    "greylist.forget": "had the sender {} forgotten",
    "identity.remove": "forgot a name and signature of {}",
    "identity.save": "set with which name and signature {} writes",
    "import.cancel": "cancelled the import of {}",
    "import.passwords": "took the temporary passwords of the import of {}",
    "import.start": "began to import {}",
    "import.undo": "took back the import of {}",
    "limit.set": "set how much {} may send",
    "oauth.let_in": "let a program use the mail of {}",
    "oauth.register": "registered the program {}, which people may let in",
    "oauth.remove": "removed the program {}, and signed out who had let it in",
    "organization.add": "added the organisation {}",
    "organization.change": "changed what the organisation {} may hold",
    "organization.lock": "let nobody of the organisation {} sign in; mail is received",
    "organization.remove": "removed the organisation {}",
    "organization.rename": "gave an organisation the name {}",
    "organization.resume": "let the organisation {} work again",
    "organization.suspend": "suspended the organisation {}",
    "password.link": "made a link for a new password of {}",
    "quarantine.block": "blocked the sender of held mail for {}",
    "quarantine.delete": "deleted held mail for {}",
    "quarantine.digest": "set how often {} gets digests",
    "quarantine.read": "looked into held mail for {}",
    "quarantine.release": "released held mail for {}",
    "quarantine.restore": "put deleted mail for {} back into quarantine",
    "quarantine.tell": "sent {} the digest of held mail",
    "queue.bounce": "gave up {} in the queue",
    "queue.cancel": "cancelled {} in the queue",
    "queue.delete": "deleted {} in the queue",
    "queue.hasten": "had what waits for {} tried again",
    "queue.hold": "held {} in the queue",
    "queue.pause": "paused sending to {}",
    "queue.release": "released {} in the queue",
    "queue.reroute": "chose the way of {} in the queue anew",
    "queue.resume": "let mail to {} be sent again",
    "queue.retry": "had {} in the queue tried again",
    "queue.undo": "took back what was to become of {} in the queue",
    "recovery.ask": "asked an address whether it is to be the recovery address of {}",
    "recovery.remove": "removed the recovery address of {}",
    "recovery.set": "agreed to be the recovery address of {}",
    "relay.add": "added recipients of the relay domain {}",
    "relay.off": "made {} a domain that has all its mailboxes here",
    "relay.remove": "removed recipients of the relay domain {}",
    "relay.replace": "replaced the recipients of the relay domain {}",
    "relay.set": "made {} a relay domain",
    "reports.send": "sent reports of {}",
    "restore.mailbox": "brought back a deleted mailbox of {}",
    "restore.messages": "brought back deleted messages of {}",
    "restore.removed": "brought back what was removed from the mail of {}",
    "role.grant": "gave a role to {}",
    "role.revoke": "took a role from {}",
    "secrets.reseal": "sealed all secrets anew",
    "session.end": "ended sessions of {}",
    "setup.link": "made a link that makes the first operator",
    "setup.message": "sent the first message to {}",
    "share.grant": "shared mailboxes of {}",
    "share.revoke": "took shared mailboxes of {} back",
    "spam.forget": "had all forgotten that {} taught the filter",
    "spam.list": "changed the senders that are allowed or blocked for {}",
    "spam.points": "changed what the rule {} counts",
    "spam.threshold": "changed the filter's thresholds of {}",
    "spam.train": "taught the filter for {}",
    "tlspolicy.remove": "let {} say itself again what TLS it has",
    "tlspolicy.set": "set what TLS mail to {} must have",
    "token.issue": "issued an access token to {}",
    "token.revoke": "revoked access tokens of {}",
    "trace.read": "looked at what became of the message {}",
    "transport.remove": "removed the transport of the rule {}",
    "transport.set": "set the transport of the rule {}",
    "user.act_as": "began to look as the user {}",
    "user.act_as_end": "stopped to look as the user {}",
    "user.act_as_mail": "opened or changed mail as the user {}",
    "user.add": "added the user {}",
    "user.ask_password": "had {} choose another password before anything else",
    "user.change": "changed the user {}",
    "user.invite": "sent {} an invitation",
    "user.lock": "let the user {} no longer sign in; it goes on receiving mail",
    "user.password": "set the password of {}",
    "user.purge": "let go of the removed user {} for good",
    "user.remove": "removed the user {}",
    "user.rename": "gave the user {} another address",
    "user.restore": "brought back the user {}",
    "user.resume": "let the user {} work again",
    "user.suspend": "suspended the user {}",
    "vacation.change": "changed what is answered while {} is away",
    "vacation.off": "ended the answers while {} is away",
    "vacation.on": "had mail answered while {} is away",
    "webhook.add": "set up the webhook {}",
    "webhook.change": "changed the webhook {}",
    "webhook.redeliver": "had an event sent to the webhook {} again",
    "webhook.remove": "removed the webhook {}",
    "webhook.secret": "gave the webhook {} another secret",
    "webhook.stop": "switched off the webhook {}, at which nobody answers",
    "webhook.test": "sent a test to the webhook {}",
}


def sentence(action: str, subject: str) -> str:
    """What was done, as one says it after the name of who did it; on one line."""
    before, sign, after = SENTENCES.get(action, f"did {line(action, 60)}: {{}}").partition("{}")
    return f"{before}{line(subject, _SHOWN)}{after}" if sign else before


def details(detail: Mapping[str, object]) -> str:
    """The rest of a record on one line, in order of the names, which no database keeps:
    `name Alice, quota 5`."""
    return ", ".join(
        f"{line(key, _SHOWN)} {_shown(value)}" for key, value in sorted(detail.items())
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return f"({details(value)})"
    if isinstance(value, list):
        return " ".join(map(_shown, value)) or "-"
    return line(str(value), _SHOWN) or "-"
