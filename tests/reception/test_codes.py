"""Codes that somebody waits for are recognised in many languages; what only looks alike is not."""

# ruff: noqa: RUF001  (other languages have other letters)

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.headers import HeaderBlock, scan
from apps.reception.arrival import LOOK
from apps.reception.codes import carries_code, is_code_mail
from tests.support.cost import cost

CODES = [
    ("Your verification code", "Your verification code is 482913. It expires in 10 minutes."),
    ("482913 is your Example code", "Enter this verification code to continue: 482913"),
    ("Your Example account: access from new computer", "Your Steam Guard code: 7KX2Q"),
    ("[GitHub] Please verify your device", "Verification code: 019 283 Do not share it."),
    ("Example security", "Your security code is: 4821"),
    ("G-482913 is your Google verification code", ""),
    ("Sign in to Example", "Your sign-in code BX4T-92LM is valid for 15 minutes."),
    ("One-time passcode", "Dear customer, use 93841207 to complete your login."),
    ("Example OTP", "Your OTP is 773201"),
    ("Confirm it is you", "Hello Ann, your code is 482913. It will expire in ten minutes."),
    ("Your code: 482 913", "Use it to log in to Example within an hour."),
    ("Dein Bestätigungscode", "Hallo, dein Bestätigungscode lautet 482913."),
    ("Ihr Einmalcode lautet 48 29", "Einmalcode 482913, gültig für 5 Minuten"),
    ("Anmeldung", "Dein Code lautet 482913 und läuft in 10 Minuten ab. Dein Code gilt einmal."),
    ("Sicherheitscode", "Geben Sie den Sicherheitscode ein: 482913"),
    ("Votre code de vérification", "Voici le code : 482913"),
    ("Connexion", "Votre code est 482913. Il est valable 10 minutes."),
    ("Tu código de verificación es 482913", ""),
    ("Inicio", "Tu código es 482913. Caduca en 10 minutos, no lo compartas."),
    ("Código de verificação", "Use o código 482913 para entrar"),
    ("Codice di verifica", "Il codice di verifica è 482913"),
    ("Je verificatiecode", "Je verificatiecode is 482913."),
    ("Kod weryfikacyjny", "Twój kod weryfikacyjny: 482913"),
    ("Ověřovací kód", "Váš ověřovací kód je 482 913"),
    ("Verifieringskod", "Din verifieringskod: 482913"),
    ("Bekræftelseskode", "482913 er din bekræftelseskode"),
    ("Påloggingskode", "Din påloggingskode er 482913"),
    ("Vahvistuskoodi", "Vahvistuskoodisi on 482913"),
    ("Код подтверждения", "Ваш код подтверждения: 482913. Никому его не сообщайте."),
    ("Вход", "Одноразовый пароль 482913"),
    ("Код підтвердження", "Ваш код підтвердження 482913"),
    ("Doğrulama kodu", "DOĞRULAMA KODU: 482913"),
    ("İşlem", "Doğrulama kodunuz 482913, onay kodu gizlidir"),
    ("Cod de verificare", "Codul de verificare este 482913"),
    ("Megerősítő kód", "Megerősítő kód: 482913"),
    ("Κωδικός επαλήθευσης", "Ο κωδικός επαλήθευσης είναι 482913"),
    ("Mã xác minh", "482913 là mã xác minh của bạn"),
    ("Kode verifikasi", "Kode verifikasi Anda 482913"),
    ("रोज़", "आपका सत्यापन कोड 482913 है"),
    ("رمز التحقق", "رمز التحقق الخاص بك هو 482913"),
    ("確認コード", "確認コード：482913"),
    ("ログイン", "認証コードは482913です。"),
    ("認証コード", "認証コード：４８２９１３"),
    ("验证码", "您的验证码为482913，10分钟内有效。"),
    ("驗證碼", "您的驗證碼是 482913"),
    ("인증번호", "인증번호 [482913]를 입력하세요"),
]

OTHERS = [
    ("Lunch?", "Shall we meet at 12:30? My number is 030 123456."),
    ("Invoice 482913", "Please find attached invoice 482913 over 1,250.00 EUR, due in 14 days."),
    ("Your order 48291377", "Your order has shipped. Tracking code: 48291377. Delivery in 2 days."),
    ("20 % off this week", "Your code is 202020. It expires on Sunday. Discount on all shoes!"),
    ("Your promo code", "Use the code SAVE20 within 30 minutes and sign in to save."),
    ("Gutschein für dich", "Dein Code lautet 482913, gültig bis Sonntag. Rabatt auf alles."),
    ("Booking confirmed", "Your confirmation code is 482913. Check-in from 14:00; valid for two."),
    ("Flight to Rome", "Confirmation code: ABC123. Boarding closes 30 minutes before."),
    ("Zip code", "The zip code is 90210, please verify it in your account."),
    ("Source code", "The code is 482913 lines long, please log in to review it."),
    ("Minutes of the meeting", "The code of conduct was adopted in 2026 with 120345 votes."),
    ("Password policy", "We now ask for two-factor authentication. 15000 users took part in 2026."),
    ("How to use verification codes", "A verification code protects you since 2024. Read on."),
    ("Verification", "Please verify your address by the link: https://example.test/v/482913"),
    ("Call me", "It is urgent, call +49 30 482913 or 482913-12 now to sign in."),
    ("Prices", "The verification code module costs 1500 EUR or $ 2500, €3000 at most."),
    ("Win 1000000", "You won! Claim 1000000 dollars now, answer within 10 minutes."),
    ("Newsletter", "Read our 2025 report: 12,000 readers, 4500% growth, 10.000 trees."),
    ("Rechnung 482913", "anbei die Rechnung Nr. 482913 vom 1.2.2026 über 1.250,00 €."),
    ("Commande 482913", "Votre code est 482913. Votre commande est valable 10 minutes."),
    ("Ваш заказ 482913", "Ваш код: 482913. Заказ действителен 3 дня."),
    ("快递", "您的订单 482913 已发货，10分钟内送达"),
    ("Bug #482913", "Login fails after 15 minutes. See #482913, code: 0x482913ff"),
    ("Passcode of the meeting", "Join the meeting, everybody is invited. Agenda follows."),
    ("", ""),
    ("Verification code", ""),
    ("", "482913"),
]


@pytest.mark.parametrize(("subject", "body"), CODES)
def test_it_sees_a_code(subject: str, body: str) -> None:
    assert carries_code(*message(subject, body))


@pytest.mark.parametrize(("subject", "body"), OTHERS)
def test_it_sees_none_elsewhere(subject: str, body: str) -> None:
    assert not carries_code(*message(subject, body))


def message(subject: str, body: str) -> tuple[bytes, HeaderBlock]:
    raw = (
        f"From: a@b.test\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()
    return raw, scan(raw)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_it_reads_the_page_if_there_is_no_text(encoding: str) -> None:
    page = "<html><style>.x{width:123456px}</style><p>Ihr <b>Einmalcode</b>: 482913</p></html>"
    letter = EmailMessage()
    letter["Subject"] = "Anmeldung bei Beispiel"
    letter.set_content(page, subtype="html", cte=encoding)
    raw = letter.as_bytes(policy=SMTP)
    assert carries_code(raw, scan(raw))


def test_it_reads_the_text_and_no_attachment() -> None:
    letter = EmailMessage()
    letter["Subject"] = "The minutes"
    letter.set_content("See below.")
    letter.add_attachment("Your verification code is 482913", filename="a.txt")
    raw = letter.as_bytes(policy=SMTP)
    assert not carries_code(raw, scan(raw))


def test_it_reads_encoded_subjects() -> None:
    raw = b"Subject: =?utf-8?B?0JrQvtC0INC/0L7QtNGC0LLQtdGA0LbQtNC10L3QuNGP?= 482913\r\n\r\nx\r\n"
    assert carries_code(raw, scan(raw))


def test_it_looks_at_the_beginning_only() -> None:
    raw, block = message("News", "word " * 1_000 + "verification code 482913")
    assert not carries_code(raw, block)


HOSTILE = [
    b"Subject: " + b"A" * 60_000 + b"\r\n\r\n",
    b"Subject: x\r\n\r\n" + b"your code " * 6_000,
    b"Subject: x\r\n\r\n" + b"verification code " * 4_000 + b"x",
    b"Subject: x\r\n\r\n" + b"1" * 64_000,
    b"Subject: x\r\n\r\n" + b"123-456 " * 8_000,
    b"Subject: x\r\n\r\n" + b"A1" * 32_000,
    b"Subject: x\r\n\r\n" + b"A-" * 32_000,
    b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"<style" * 10_000,
    b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"<" * 64_000,
    b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"&#1" * 20_000,
    b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 8_000,
    b"Subject: " + b"=?utf-8?q?=C4=B0?= " * 3_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_it_takes_bounded_time(raw: bytes) -> None:
    spent = cost(lambda: carries_code(raw[:LOOK], scan(raw[:LOOK])))
    assert spent < 0.25  # measured: below 0.02 s


@given(st.binary(max_size=2_000))
def test_it_takes_any_octets(raw: bytes) -> None:
    assert carries_code(raw, scan(raw)) in (True, False)


@given(st.text(max_size=300), st.text(max_size=500))
def test_it_takes_any_words(subject: str, body: str) -> None:
    assert is_code_mail(subject, body) in (True, False)
