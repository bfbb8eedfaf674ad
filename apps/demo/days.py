"""Moments of the demo: when people write, and what a day is called in their language. Pure.

Nothing asks the machine for its time or its zone files: a bare system may have none.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from random import Random

YEARS = 2  # how far back the mail reaches
_DAYS = YEARS * 365
_BASE = {
    "uk": 0,
    "cet": 60,
    "eet": 120,
    "msk": 180,
    "ist": 330,
    "cst": 480,
    "jst": 540,
    "est": -300,
}
_EUROPE = frozenset({"uk", "cet", "eet"})
_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_FORMS = {"en": "{day} {month}", "de": "{day}. {month}", "fr": "{day} {month}"}


def noon(day: date) -> datetime:
    """The reference: nothing in the demo is younger."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def beginning(end: datetime) -> datetime:
    """Before all mail: since then everybody is here."""
    return end - timedelta(days=_DAYS + 30)


def last_noon(now: datetime) -> date:
    """The day whose noon has passed last: in the morning, mail of that day is yet to come."""
    return (now.astimezone(UTC) - timedelta(hours=12)).date()


def spread(number: int, end: datetime, rng: Random) -> datetime:
    """The moment of the item with that number: spread over two years, denser towards the end.

    Multiples of the golden ratio fill the span evenly, however many there are.
    """
    share = (number * 0.6180339887498949) % 1.0
    back = _DAYS * share**1.9
    day = end - timedelta(days=int(back))
    if day.weekday() > 4 and rng.random() < 0.7:
        day -= timedelta(days=day.weekday() - 4)
    return min(_hour_of(day, rng), end - timedelta(minutes=rng.randrange(4, 240)))


def _hour_of(day: datetime, rng: Random) -> datetime:
    hours = rng.choice((8, 8, 9, 9, 9, 10, 10, 11, 11, 13, 14, 14, 15, 16, 17, 19, 21))
    start = day.replace(hour=hours, minute=0)
    return start + timedelta(minutes=rng.randrange(60), seconds=rng.randrange(60))


def answer_after(at: datetime, rng: Random) -> datetime:
    """When an answer comes: mostly within hours, sometimes days later, hardly ever at night."""
    wait = rng.choice((4, 9, 17, 25, 40, 70, 120, 200, 1_300, 1_600, 2_900, 4_400))
    later = at + timedelta(minutes=wait + rng.randrange(wait), seconds=rng.randrange(60))
    if later.hour in range(7):
        later += timedelta(hours=7)
    return later


def local(at: datetime, zone: str) -> datetime:
    """The same moment on the sender's clock."""
    minutes = _BASE[zone]
    if zone in _EUROPE and _last_sunday(at.year, 3) <= at < _last_sunday(at.year, 10):
        minutes += 60
    return at.astimezone(timezone(timedelta(minutes=minutes)))


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def weekday(day: datetime, language: str) -> str:
    """Its name; English where we do not know the language's."""
    return _WEEKDAYS.get(language, _WEEKDAYS["en"])[day.weekday()]


def month(day: datetime, language: str) -> str:
    """Its name."""
    return _MONTHS.get(language, _MONTHS["en"]).split()[day.month - 1]


def day_and_month(day: datetime, language: str) -> str:
    """Such as `26 November`."""
    return _FORMS.get(language, _FORMS["en"]).format(day=day.day, month=month(day, language))
