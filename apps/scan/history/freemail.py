"""Domains where anybody can have an address: that such a one is known says nothing of a stranger
who writes from there. Our own list of the large ones; it is a matter of degree, not of safety."""

from typing import Final

from apps.mailauth.suffixes import organisational

_DOMAINS: Final = frozenset(
    "163.com 126.com abv.bg aol.com arcor.de bigpond.com bk.ru bluewin.ch btinternet.com"
    " comcast.net cox.net daum.net disroot.org duck.com email.cz fastmail.com fastmail.fm"
    " foxmail.com free.fr"
    " freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net"
    " hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hushmail.com"
    " icloud.com inbox.lv inbox.ru interia.pl keemail.me laposte.net libero.it list.ru live.com"
    " live.fr live.nl mac.com mail.com mail.de mail.ee mail.ru mailbox.org mailfence.com me.com"
    " msn.com naver.com o2.pl onet.pl orange.fr outlook.com outlook.de outlook.es outlook.fr"
    " posteo.de posteo.net pm.me proton.me protonmail.ch protonmail.com qq.com rambler.ru"
    " rediffmail.com riseup.net rocketmail.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca"
    " sina.com sky.com sohu.com startmail.com t-online.de terra.com.br tutanota.com tutanota.de"
    " tuta.io tuta.com ukr.net uol.com.br verizon.net virgilio.it wanadoo.fr web.de wp.pl"
    " yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es"
    " yahoo.fr yahoo.it yandex.com yandex.ru yeah.net ymail.com zoho.com".split()
)


def is_freemail(domain: str) -> bool:
    """Whether anybody can have an address in a domain."""
    return organisational(domain) in _DOMAINS
