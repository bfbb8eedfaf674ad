"""Hosts that say nothing of who stands behind a link: shorteners, free hosts, open redirectors.

Our own short tables, of what phishing likes; a matter of degree, each is worth a fraction of a
point and used by honest people too. Pure.
"""

from typing import Final

from apps.scan.urls import Url

_SHORTENERS: Final = frozenset(
    "0rz.tw 2no.co adf.ly bit.do bit.ly bitly.com bl.ink buff.ly clck.ru clicky.me cutt.ly"
    " cutt.us db.tt dlvr.it fb.me goo.gl grabify.link hyperurl.co ift.tt iplogger.org is.gd"
    " kutt.it l.ead.me linktr.ee lnkd.in n9.cl ouo.io ow.ly qr.ae qrco.de rb.gy rebrand.ly"
    " relink.us s.id s.yam.com short.gy shorte.st shorturl.at shrtco.de snip.ly soo.gd surl.li"
    " t.co t.ly t2m.io t2mio.com tiny.cc tinyurl.com tny.im tr.im u.to urlz.fr v.gd v.ht vk.cc"
    " wa.link x.co y2u.be yourls.org zpr.io".split()
)
# Whoever has an account there has a site, within a minute; without the large ones where blogs,
# shops and projects of everybody are.
_FREE: Final = frozenset(
    "000webhostapp.com backblazeb2.com blob.core.windows.net codesandbox.io cprapid.com"
    " duckdns.org firebaseapp.com fleek.co fly.dev framer.app gitbook.io glitch.me"
    " godaddysites.com herokuapp.com hostingerapp.com ipfs.dweb.link ipfs.io jimdosite.com"
    " linodeobjects.com mybluehost.me netlify.app ngrok-free.app ngrok.app ngrok.io onrender.com"
    " pages.dev plesk.page r2.dev repl.co replit.app replit.dev serveo.net square.site"
    " strikingly.com surge.sh trycloudflare.com vercel.app web.app web.core.windows.net"
    " webador.com webflow.io website.one weebly.com weeblysite.com wixsite.com wixstudio.io"
    " workers.dev yolasite.com".split()
)
# Forms and pages of large services that phishing is served from: the path says whose it is.
_SERVED: Final = (
    ("docs.google.com", "/forms/"),
    ("docs.google.com", "/presentation/"),
    ("docs.google.com", "/drawings/"),
    ("forms.gle", "/"),
    ("forms.office.com", "/"),
    ("sites.google.com", "/"),
    ("script.google.com", "/"),
    ("storage.googleapis.com", "/"),
    ("forms.zohopublic.com", "/"),
    ("telegra.ph", "/"),
    ("ipfs.io", "/ipfs/"),
)
# Large services that send people wherever a link says.
_REDIRECTORS: Final = (
    ("google.", "/url"),
    ("google.", "/amp"),
    ("google.", "/travel/clk"),
    ("bing.com", "/ck/a"),
    ("youtube.com", "/redirect"),
    ("youtube.com", "/attribution_link"),
    ("facebook.com", "/l.php"),
    ("instagram.com", "/linkshim"),
    ("linkedin.com", "/redir"),
    ("linkedin.com", "/slink"),
    ("doubleclick.net", "/"),
    ("googleadservices.com", "/"),
    ("baidu.com", "/link"),
    ("yandex.", "/clck"),
    ("t.me", "/iv"),
    ("slack-redir.net", "/"),
    ("href.li", "/"),
    ("web.archive.org", "/web"),
    ("translate.goog", "/"),
    ("medium.com", "/r/"),
)
# What these open is where the sender pointed to: their customers' mail has all links through them.
_GATEWAYS: Final = frozenset(
    "safelinks.protection.outlook.com urldefense.com urldefense.proofpoint.com"
    " protect-us.mimecast.com protect-eu.mimecast.com protect-de.mimecast.com"
    " linkprotect.cudasvc.com clicktime.symantec.com secure-web.cisco.com urlsand.esvalabs.com"
    " url.emailprotection.link eu-central-1.protection.sophos.com protection.sophos.com"
    " ddec1-0-en-ctp.trendmicro.com deref-gmx.net deref-web.de deref-mail.com".split()
)
# Programs and images of disks: what follows a click on them is an installation.
_PROGRAMS: Final = frozenset(
    "apk appx appxbundle bat cmd cpl exe hta img iso jar js jse lnk msi msix msixbundle one pif"
    " ps1 reg scr vbe vbs vhd vhdx wsf xll".split()
)


def is_shortener(host: str) -> bool:
    """Whether only the host knows where its links lead."""
    return _within(host, _SHORTENERS)


def is_free_host(url: Url) -> bool:
    """Whether anybody can have a page there, for nothing and at once."""
    return _within(url.host, _FREE) or any(
        url.host == host and url.rest.startswith(path) for host, path in _SERVED
    )


def is_redirector(url: Url) -> bool:
    """Whether a large service sends people on from there, wherever a link says."""
    host = f".{url.host}."
    return any(
        url.rest.startswith(path) and f".{name.rstrip('.')}." in host for name, path in _REDIRECTORS
    )


def is_gateway(host: str) -> bool:
    """Whether it stands before the links of others' mail, to look at them when they are opened."""
    return _within(host, _GATEWAYS)


def is_program(url: Url) -> bool:
    """Whether a link leads to a program or an image of a disk."""
    name = url.path.rpartition("/")[2].casefold()
    stem, dot, ending = name.rpartition(".")
    return bool(stem and dot) and ending in _PROGRAMS


def _within(host: str, names: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[-count:]) in names for count in range(2, min(len(labels), 5) + 1))
