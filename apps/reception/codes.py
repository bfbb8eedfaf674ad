"""Whether a message carries a code that somebody waits for: to sign in, to prove an address. Pure.

Looks for a phrase that such mail uses, in many languages, and for a code close to it. A phrase that
other mail uses too ("your code", "confirmation code") counts only beside a number and a word of
haste or of signing in, and not in an advertisement or about an order. Only a bounded piece of text
is looked at, in linear time: phrases are plain text, and the patterns cannot backtrack.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from apps.mime import decode
from apps.mime.headers import HeaderBlock
from apps.mime.preview import strip_tags
from apps.mime.tree import Part, scan_tree

SUBJECT_LOOK: Final = 300  # characters
TEXT_LOOK: Final = 2_000  # characters of the body's words
_ENCODED_LOOK: Final = 32 << 10  # octets of a part: style sheets stand first
BEFORE: Final = 60  # characters from a code to a phrase behind it
BEHIND: Final = 160  # characters from a phrase to a code behind it
NEAR: Final = 40  # the same for a phrase that other mail uses too

# What only mail with such a code says. Lower case, white space single.
_SURE: Final = tuple(
    phrase
    for line in """
verification code / authentication code / one-time code / one time code / one-time password
one time password / one-time passcode / one-time pin / single-use code / login code / log-in code
log in code / sign-in code / sign in code / signin code / two-factor code
2fa code / mfa code / otp code / your otp / otp is / otp: / authorization code is
code to sign in / code to log in / code to verify / security code is / security code:
steam guard code
bestätigungscode / verifizierungscode / einmalcode / einmal-code / einmalpasswort / einmalkennwort
sicherheitscode / anmeldecode / login-code
freischaltcode / authentifizierungscode / zugangscode lautet
code de vérification / code de verification / code à usage unique / code d'authentification
code de connexion / code de sécurité / mot de passe à usage unique
código de verificación / codigo de verificacion / código de un solo uso / código de seguridad
código de inicio de sesión / contraseña de un solo uso / código de autenticación
código de verificação / codigo de verificacao / código de uso único / código de segurança
código de autenticação / código de login / senha de uso único
codice di verifica / codice monouso / codice di sicurezza / codice di accesso / codice otp
codice di autenticazione / password monouso
verificatiecode / eenmalige code / inlogcode / beveiligingscode / toegangscode is
kod weryfikacyjny / kod jednorazowy / jednorazowy kod / hasło jednorazowe / kod logowania
kod bezpieczeństwa / kod uwierzytelniający
ověřovací kód / jednorázový kód / jednorázové heslo / bezpečnostní kód / přihlašovací kód
overovací kód / overovací kod / jednorazový kód
verifieringskod / engångskod / engångslösenord / säkerhetskod / inloggningskod
verifikasjonskode / bekræftelseskode / bekreftelseskode / engangskode / engangsadgangskode
sikkerhedskode / sikkerhetskode / påloggingskode / loginkode
vahvistuskoodi / todennuskoodi / kertakäyttökoodi / kertakäyttöinen koodi / turvakoodi
код подтверждения / код проверки / одноразовый код / одноразовый пароль / код для входа
проверочный код / код безопасности / код авторизации
код підтвердження / одноразовий код / одноразовий пароль / код перевірки / код для входу
код за потвърждение / еднократен код / verifikacioni kod / kod za potvrdu / verifikacijski kod
doğrulama kodu / onay kodu / tek kullanımlık / güvenlik kodu / giriş kodu
cod de verificare / codul de verificare / cod de securitate / parolă unică
ellenőrző kód / megerősítő kód / egyszer használatos / biztonsági kód / belépési kód
κωδικός επαλήθευσης / κωδικός μίας χρήσης / κωδικός ασφαλείας / κωδικό επαλήθευσης
mã xác minh / mã xác thực / mã otp / kode verifikasi / kode otp / kod pengesahan
รหัสยืนยัน / รหัส otp / सत्यापन कोड / ओटीपी / যাচাইকরণ কোড
رمز التحقق / رمز التأكيد / كود التحقق / رمز الدخول / کد تأیید / کد تایید / קוד אימות / קוד האימות
確認コード / 認証コード / 認証番号 / 検証コード / ワンタイムパスワード
ログインコード / セキュリティコード / セキュリティ コード
验证码 / 校验码 / 动态密码 / 動態密碼 / 驗證碼 / 確認碼 / 認證碼 / 一次性密码 / 一次性密碼
인증번호 / 인증 번호 / 인증코드 / 인증 코드 / 확인 코드 / 보안 코드 / 일회용 비밀번호
""".splitlines()  # noqa: RUF001 - Turkish has two letters i
    for phrase in (piece.strip() for piece in line.split(" / "))
    if phrase
)
# What other mail says too.
_PERHAPS: Final = tuple(
    phrase
    for line in """
your code / code is / code: / following code / confirmation code / access code
security code / passcode / pin is / pin: / activation code / dein code / ihr code
code lautet / aktivierungscode / zugangscode / votre code / ton code / code de confirmation
code d'accès
tu código / su código / código de confirmación / seu código / código de confirmação / código é
código es / tuo codice / suo codice / codice di conferma / codice è / je code / uw code
bevestigingscode / twój kod / kod potwierdzający / tvůj kód / váš kód / din kod / din kode / koodisi
ваш код / код: / kodunuz / codul tău / codul dvs / コード / 코드 / 代码
""".splitlines()
    for phrase in (piece.strip() for piece in line.split(" / "))
    if phrase
)
# Haste and signing in: what such a code is for, and how long it holds.
_CONTEXT: Final = tuple(
    """
expire|minute|valid for|sign in|sign-in|signin|log in|login|verify|verification|do not share
don't share|never share|didn't request|did not request|authenticat|two-step|your identity
läuft ab|gültig|anmeld|einlogg|nicht weiter|nicht angefordert|expir|valable|valide|connexion
connecter|identité|partage|válido|caduca|sesión|compart|minuto|sessão|verificar|identidade|scade
minuti|accedere|accesso|condivid|minuten|geldig|inlog|minut|ważny|zalog|platí|přihlás|giltig
logga in|gyldig|logge|logg inn|voimassa|kirjau|действ|минут|войти|вход|никому|хвилин|увійти
dakika|geçerli|giriş|分|有効|ログイン|분|로그인|分钟|有效|登录|登入
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
# Advertising, orders, tickets, places, programs.
_OTHERWISE: Final = tuple(
    """
discount|coupon|promo|voucher|% off|sale|gift card|referral|invite|order|invoice|booking|reservation
tracking|parcel|shipment|delivery|zip code|postal code|postcode|source code|area code|dress code
check-in|boarding|flight|ticket|qr code|rabatt|gutschein|bestell|rechnung|buchung|sendung|paket
postleitzahl|remise|réduction|commande|facture|réservation|colis|descuento|cupón|pedido|factura
reserva|envío|desconto|cupom|fatura|encomenda|sconto|buono|ordine|fattura|prenotazione|korting
bestelling|factuur|boeking|zniżk|kupon|zamówieni|faktur|rezerwacj|slev|objednáv|rezervac|erbjudande
beställning|bokning|tilbud|bestilling|alennus|tilaus|скид|промокод|купон|заказ|счет|брон|знижк
indirim|sipariş|クーポン|割引|注文|予約|할인|쿠폰|주문|예약|优惠|折扣|订单|優惠|訂單
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

# A code stands alone: no part of a word, a larger number, a price, a date, a link or `#12345`.
_ALONE = r"(?<![A-Za-z0-9_.,:/#+$€£¥%&=?@-])(?<![$€£¥+#][ ])"
_ENDS = r"(?![A-Za-z0-9_%€/=@]|[.,:-][0-9]|-[A-Za-z]| ?(?:[€$£¥%]|(?i:eur|usd|gbp|chf|dollar)))"
_NUMBER: Final = re.compile(
    # 123456, 123-456; not 2026.
    rf"(?:(?<=:)|{_ALONE})"
    rf"(?:[0-9]{{3}}[- ][0-9]{{3}}|(?!(?:19|20)[0-9]{{2}}(?![0-9]))[0-9]{{4,8}}){_ENDS}"
)
_MIXED: Final = re.compile(
    # G-123456; 7KX2QF; BX4T-92LM: letters and digits, none of them small.
    rf"(?:(?<=:)|{_ALONE})(?:[A-Z]{{1,3}}-[0-9]{{4,8}}"
    rf"|(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{{5,8}}"
    rf"|(?=[A-Z-]*[0-9])[A-Z0-9]{{3,5}}-[A-Z0-9]{{3,5}}){_ENDS}"
)


_SAME: Final = {0x130: "I", 0x200B: None, 0x2019: "'"}


def carries_code(raw: bytes, block: HeaderBlock) -> bool:
    """Whether a message carries such a code.

    Args:
        raw: the message or its beginning.
        block: its header.
    """
    subject = _plain(block.text(b"subject"), SUBJECT_LOOK)
    return is_code_mail(subject, _plain(_body(raw, block), TEXT_LOOK))


def is_code_mail(subject: str, body: str) -> bool:
    """The same for words: a subject and the beginning of a text, white space single."""
    texts = [(one, one.lower()) for one in (subject, body)]
    if any(_is_sure(text, lowered) for text, lowered in texts):
        return True
    (head, lowered_head), (text, lowered_text) = texts
    if _has(_SURE, lowered_head) and _NUMBER.search(text):
        return True
    if _has(_SURE, lowered_text) and _NUMBER.search(head):
        return True
    return _is_likely(f"{subject} \n {body}")


def _is_sure(text: str, lowered: str) -> bool:
    """Whether a code is close to a phrase that leaves no doubt."""
    codes = _codes(text, (_NUMBER, _MIXED))
    return bool(codes) and _are_close(_places(_SURE, lowered), codes, BEFORE, BEHIND)


def _is_likely(text: str) -> bool:
    """Whether a number is close to a phrase that leaves some doubt, and all else fits."""
    lowered = text.lower()
    if not _has(_CONTEXT, lowered) or _has(_OTHERWISE, lowered):
        return False
    codes = _codes(text, (_NUMBER,))
    return bool(codes) and _are_close(_places(_PERHAPS, lowered), codes, NEAR, NEAR)


_Span = tuple[int, int]
_CODES: Final = 20  # numbers of a text that are compared: more have tables


def _codes(text: str, patterns: Iterable[re.Pattern[str]]) -> list[_Span]:
    return [found.span() for pattern in patterns for found in pattern.finditer(text)]


def _places(phrases: Iterable[str], lowered: str) -> Iterator[_Span]:
    for phrase in phrases:
        at = lowered.find(phrase)
        while at >= 0:
            yield at, at + len(phrase)
            at = lowered.find(phrase, at + len(phrase))


def _are_close(places: Iterator[_Span], codes: list[_Span], before: int, behind: int) -> bool:
    starts = sorted(start for start, _ in codes)[:_CODES]
    return any(begin - before <= start <= end + behind for begin, end in places for start in starts)


def _has(phrases: Iterable[str], lowered: str) -> bool:
    return any(phrase in lowered for phrase in phrases)


def _plain(text: str, limit: int) -> str:
    """Text in the form that is looked at: digits are digits, white space is single."""
    text = " ".join(text[: 4 * limit].split())[:limit]
    # An ideographic comma ends a number; NFKC would make it one that may stand inside of it.
    text = unicodedata.normalize("NFKC", text.replace("\uff0c", "\uff0c "))
    # U+0130: the one character whose lower case is longer; places in both texts must be the same.
    return text.translate(_SAME)


def _body(raw: bytes, block: HeaderBlock) -> str:
    root = scan_tree(raw, block)
    html: Part | None = None
    for part in root.walk() if root.children else (root,):
        if part.type != b"text" or part.disposition == b"attachment":
            continue
        if part.subtype == b"plain":
            found = decode.text_of(part, raw, limit=_ENCODED_LOOK)
            if found.strip():
                return found
        elif part.subtype == b"html":
            html = html or part
    return "" if html is None else strip_tags(decode.text_of(html, raw, limit=_ENCODED_LOOK))
