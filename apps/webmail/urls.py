"""Addresses of sign-in, mail and settings. Every one works without script."""

from django.urls import include, path, register_converter

from apps.webmail import words
from apps.webmail.views import (
    acting,
    activity,
    acts,
    apppasswords,
    attachments,
    blocking,
    confirm,
    content,
    folders,
    forwarding,
    history,
    labels,
    letin,
    listing,
    live,
    passkeys,
    password,
    pictures,
    preferences,
    quarantine,
    recovery,
    removed,
    search,
    security,
    sessions,
    settings,
    signin,
    thread,
    tokens,
    unsubscribe,
    verify,
    why,
)


class UidConverter:
    """A UID (RFC 3501 section 2.3.1.1: 32 bits). A larger number is no address of ours, and more
    than a database's integer holds."""

    regex = "[0-9]{1,10}"

    def to_python(self, value: str) -> int:
        """Raises ValueError, which Django takes as: not this address."""
        if (uid := int(value)) >= 2**32:
            raise ValueError("more than 32 bits")
        return uid

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(UidConverter, "uid")

urlpatterns = [
    path("", listing.home, name="home"),
    path("login/", signin.sign_in, name="login"),
    path("login/verify/", verify.verify, name="login-verify"),
    path("login/confirm/", confirm.confirm, name="login-confirm"),
    path("login/passkey/begin/", passkeys.begin, name="passkey-begin"),
    path("login/passkey/complete/", passkeys.complete, name="passkey-complete"),
    path("acting/stop/", acting.stop, name="acting-stop"),
    path("logout/", signin.sign_out, name="logout"),
    path("setup/<str:token>/", signin.setup, name="setup"),
    path("forward/<str:token>/", forwarding.forward, name="forward"),
    path("held/<str:token>/", quarantine.copy, name="held"),
    path("digests/<str:token>/", quarantine.digests, name="digests"),
    path("login/forgot/", recovery.forgot, name="login-forgot"),
    path("login/reset/<str:token>/", recovery.reset, name="login-reset"),
    path("recovery/<str:token>/", recovery.proof, name="recovery"),
    path("settings/", settings.home, name="settings"),
    path("settings/general/", preferences.general, name="settings-general"),
    path("words/<str:language>.js", words.script, name="words"),
    path("settings/apps/", apppasswords.listing, name="settings-apps"),
    path("settings/apps/new/", apppasswords.new, name="app-password-new"),
    path("settings/apps/<uid:number>/", apppasswords.revoke, name="app-password"),
    path("settings/tokens/", tokens.listing, name="settings-tokens"),
    path("settings/tokens/new/", tokens.new, name="token-new"),
    path("settings/tokens/<uid:number>/", tokens.revoke, name="token"),
    path("settings/apps/programs/<uid:number>/", letin.revoke, name="access-token"),
    path("oauth/authorize", letin.authorize, name="oauth-authorize"),
    path("settings/recovery/", recovery.address, name="settings-recovery"),
    path("settings/activity/", activity.activity, name="settings-activity"),
    path("settings/security/", security.overview, name="settings-security"),
    path("settings/security/authenticator/", security.authenticator, name="security-authenticator"),
    path("settings/security/codes/", security.codes, name="security-codes"),
    path("settings/security/trusted/", security.forget_trusted, name="security-trusted"),
    path("settings/security/passkeys/new/", security.new_passkey, name="security-passkey-add"),
    path("settings/security/passkeys/begin/", passkeys.begin_new, name="passkey-new-begin"),
    path(
        "settings/security/passkeys/complete/", passkeys.complete_new, name="passkey-new-complete"
    ),
    path("settings/security/passkeys/<uid:number>/", security.passkey, name="security-passkey"),
    path("settings/security/sessions/end/", sessions.end, name="sessions-end"),
    path("settings/password/", password.password, name="settings-password"),
    path("", include("apps.webmail.urls_settings")),
    path("", include("apps.webmail.urls_writing")),
    path("", include("apps.webmail.urls_contacts")),
    path("mail/", listing.home),
    path("mail/events/", live.events, name="live"),
    path("mail/poll/", live.poll, name="poll"),
    path("mail/block/", blocking.block, name="block"),
    path("mail/allow/", blocking.allow, name="allow"),
    path("mail/acts/", acts.acts, name="acts"),
    path("mail/undo/", acts.undo, name="undo"),
    path("mail/search/", search.results, name="search"),
    path("mail/search/filters/", search.filters, name="search-filters"),
    path("mail/search/suggest/", search.suggest, name="search-suggest"),
    path("mail/pictures/", pictures.senders, name="pictures"),
    path("img/<str:signed>/", pictures.outside, name="picture"),
    path("mail/starred/", listing.starred, name="starred"),
    path("mail/label/<path:keyword>/", listing.label, name="label"),
    path("mail/side/", folders.side, name="side"),
    path("mail/folders/", folders.home, name="folders"),
    path("mail/folders/new/", folders.new, name="folder-new"),
    path("mail/folders/<int:number>/", folders.folder, name="folder"),
    path("mail/folders/<int:number>/delete/", folders.delete, name="folder-delete"),
    path("mail/folders/<int:number>/sight/", folders.sight, name="folder-sight"),
    path("mail/labels/", labels.home, name="labels"),
    path("mail/labels/new/", labels.new, name="label-new"),
    path("mail/labels/edit/", labels.label, name="label-edit"),
    path("mail/labels/delete/", labels.delete, name="label-delete"),
    path("mail/removed/", removed.home, name="removed"),
    path("mail/removed/restore/", removed.restore, name="removed-restore"),
    path("mail/removed/since/", removed.since, name="removed-since"),
    path("mail/<slug:slug>/", listing.mailbox, name="mailbox"),
    path("mail/<slug:slug>/<uid:uid>/", thread.message, name="message"),
    path("mail/<slug:slug>/<uid:uid>/one/", thread.one, name="message-one"),
    path("mail/<slug:slug>/<uid:uid>/print/", thread.printed, name="print"),
    path("mail/<slug:slug>/<uid:uid>/headers/", thread.headers, name="headers"),
    path("mail/<slug:slug>/<uid:uid>/body/", content.body, name="body"),
    path("mail/<slug:slug>/<uid:uid>/body/<int:number>/", content.body, name="body-part"),
    path("mail/<slug:slug>/<uid:uid>/inline/<int:number>/", pictures.inline, name="inline"),
    path("mail/<slug:slug>/<uid:uid>/preview/<int:number>/", attachments.look, name="preview"),
    path("mail/<slug:slug>/<uid:uid>/files.zip", attachments.together, name="files-zip"),
    path("mail/<slug:slug>/<uid:uid>/pictures/", pictures.trust, name="pictures-trust"),
    path("mail/<slug:slug>/<uid:uid>/why/", why.why, name="why"),
    path("mail/<slug:slug>/<uid:uid>/history/", history.history, name="history"),
    path("mail/<slug:slug>/<uid:uid>/unsubscribe/", unsubscribe.unsubscribe, name="unsubscribe"),
    path("mail/<slug:slug>/<uid:uid>/source/", content.source, name="source"),
    path("mail/<slug:slug>/<uid:uid>/part/<int:number>/", content.part, name="part"),
    path("mail/<slug:slug>/<uid:uid>/<slug:verb>/", acts.act, name="act"),
]
