"""Names that forgers of the whole world put on: whoever is not them and looks like them lies. Pure.

Our own short list, of those in whose names most phishing goes out: mail and identity providers,
parcel services, payment, shops, banks of many countries, chains of signatures and files. A brand
has the domains that it really uses, so that none of them is taken for an imitation of another.
"""

import re
from functools import lru_cache
from typing import Final

from apps.mailauth.suffixes import organisational
from apps.scan.lookalikes.glyphs import latin
from apps.scan.lookalikes.names import Kind, Likeness, Names, label_of, likeness

_BRANDS: Final = """
adobe.com adobesign.com
airbnb.com
aliexpress.com alibaba.com
allegro.pl
amazon.com amazon.de amazon.co.uk amazon.fr amazon.it amazon.es amazon.co.jp amazon.in amazon.ca
  amazonaws.com amazonses.com
americanexpress.com aexp.com
apple.com icloud.com
bankofamerica.com
barclays.co.uk barclays.com
binance.com
bitpanda.com
blockchain.com
bnpparibas.com bnpparibas.fr
booking.com
caixabank.es
chase.com jpmorganchase.com
citibank.com citi.com
coinbase.com
commerzbank.de commerzbank.com
correos.es
credit-agricole.fr
deutsche-bank.de deutschebank.com
deutschepost.de
dhl.com dhl.de
discord.com discordapp.com
docusign.com docusign.net
dropbox.com dropboxmail.com
ebay.com ebay.de ebay.co.uk
elster.de
evri.com
facebook.com facebookmail.com
fedex.com
github.com githubusercontent.com
gmail.com googlemail.com google.com googleusercontent.com
hermesworld.com myhermes.de
hotmail.com outlook.com live.com office.com office365.com microsoft.com microsoftonline.com
  sharepoint.com onedrive.com
hsbc.com hsbc.co.uk
instagram.com
intesasanpaolo.com
klarna.com klarna.de
kraken.com
laposte.fr laposte.net
ledger.com
linkedin.com
lloydsbank.co.uk lloydsbank.com
mastercard.com
mercadolibre.com mercadopago.com
metamask.io
natwest.com
netflix.com
norton.com
paypal.com paypal.de paypal.co.uk
postbank.de
posteitaliane.it poste.it
postnl.nl
revolut.com
robinhood.com
royalmail.com royalmail.co.uk
salesforce.com
santander.com santander.co.uk santander.es
shopify.com
sparkasse.de
spotify.com
stripe.com
swisspost.ch post.ch
telegram.org
trustwallet.com
uber.com
unicredit.it unicreditgroup.eu
usps.com
vinted.com vinted.fr vinted.de
visa.com
volksbank.de
wellsfargo.com
westernunion.com
wetransfer.com
whatsapp.com
yahoo.com yahoo.co.jp
zoom.us
"""

DOMAINS: Final = tuple(_BRANDS.split())
_NAMES: Final = Names(DOMAINS)
# Of each name the domain that stands first: the others differ in their endings alone.
_FIRST: Final = Names({label_of(one): one for one in reversed(DOMAINS)}.values())

# As they stand in display names, and nobody else's: no first names (Chase), fruit, or words of
# every day; no associations of many firms with domains of their own (Sparkasse).
_DISPLAYED: Final = {
    "american express": "americanexpress.com",
    "amazon": "amazon.com",
    "bank of america": "bankofamerica.com",
    "barclays": "barclays.co.uk",
    "binance": "binance.com",
    "bnp paribas": "bnpparibas.com",
    "caixabank": "caixabank.es",
    "coinbase": "coinbase.com",
    "commerzbank": "commerzbank.de",
    "credit agricole": "credit-agricole.fr",
    "deutsche bank": "deutsche-bank.de",
    "deutsche post": "deutschepost.de",
    "dhl": "dhl.com",
    "docusign": "docusign.com",
    "dropbox": "dropbox.com",
    "facebook": "facebook.com",
    "fedex": "fedex.com",
    "hsbc": "hsbc.com",
    "icloud": "icloud.com",
    "instagram": "instagram.com",
    "intesa sanpaolo": "intesasanpaolo.com",
    "linkedin": "linkedin.com",
    "lloyds bank": "lloydsbank.com",
    "mastercard": "mastercard.com",
    "metamask": "metamask.io",
    "microsoft": "microsoft.com",
    "natwest": "natwest.com",
    "netflix": "netflix.com",
    "paypal": "paypal.com",
    "postbank": "postbank.de",
    "poste italiane": "poste.it",
    "revolut": "revolut.com",
    "royal mail": "royalmail.com",
    "trust wallet": "trustwallet.com",
    "usps": "usps.com",
    "wells fargo": "wellsfargo.com",
    "western union": "westernunion.com",
    "wetransfer": "wetransfer.com",
    "whatsapp": "whatsapp.com",
}
_WORD = re.compile(r"[^\W_]+")
LONGEST_NAME: Final = 500  # characters of a display name that are looked at


def is_brand(domain: str) -> bool:
    """Whether a domain really is of one of them."""
    return domain in _NAMES


@lru_cache(maxsize=4_096)
def imitated(host: str) -> Likeness | None:
    """The brand that a host imitates, if any: rather one that it looks like. Other endings of a
    brand's name may well be the brand's own."""
    if is_brand(host):
        return None
    found = (likeness(host, target) for target in _FIRST.near(host))
    return next((one for one in found if one and one.kind is not Kind.ENDING), None)


def displayed(name: str) -> str:
    """The domain of the brand that a display name begins with, "" if it names none.

    Args:
        name: as a mail program shows it.
    """
    words = _WORD.findall(latin(name[:LONGEST_NAME]))
    for count in (3, 2, 1):
        if (domain := _DISPLAYED.get(" ".join(words[:count]))) is not None:
            return domain
    return ""


def is_of(domain: str, brand: str) -> bool:
    """Whether a domain is, or well may be, of a brand: one of its own, or its name with another
    ending or a word added, which imitation is another question."""
    if is_brand(domain):
        return True
    name = label_of(brand).replace("-", "")
    return name in organisational(domain).replace("-", "")
