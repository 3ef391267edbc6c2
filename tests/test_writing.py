"""How thirteen locales write days, ranges, times and figures, as CLDR 48 has it, worked out by hand; and two calendars."""

import datetime as dt
import subprocess
import sys
from datetime import UTC, date, time
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from doorstep.calendars import persian
from doorstep.models import Basis, Moment, Precision, Status, Window
from doorstep.views import Reader, hero
from doorstep.writing import Writing
from doorstep.written_times import hours

from . import catalogs
from .acme import parcel
from .test_i18n import plain

TODAY = date(2026, 11, 22)
TUESDAY, THURSDAY = date(2026, 11, 24), date(2026, 11, 26)
THIN, NBSP, ZWNJ = "\u2009", "\u00a0", "\u200c"

# Weekday, day and month; from Tuesday to Thursday; over the end of a month.
DAYS = {
    "en": ("Tuesday, November 24", f"Tue, Nov 24{THIN}–{THIN}Thu, Nov 26", f"Mon, Nov 30{THIN}–{THIN}Wed, Dec 2"),
    "de": ("Dienstag, 24. November", f"Di., 24.{THIN}–{THIN}Do., 26. Nov.", f"Mo., 30. Nov.{THIN}–{THIN}Mi., 2. Dez."),
    "ar": ("الثلاثاء، 24 نوفمبر", "الثلاثاء، 24 – الخميس، 26 نوفمبر", "الاثنين، 30 نوفمبر – الأربعاء، 2 ديسمبر"),
    "fa": (f"سه{ZWNJ}شنبه ۳ آذر", f"سه{ZWNJ}شنبه ۳ آذر تا پنجشنبه ۵ آذر", "دوشنبه ۹ آذر تا چهارشنبه ۱۱ آذر"),
    "th": ("วันอังคารที่ 24 พฤศจิกายน", "อ. 24 – พฤ. 26 พ.ย.", "จ. 30 พ.ย. – พ. 2 ธ.ค."),
    "hi": ("मंगलवार, 24 नवंबर", "मंगल, 24 नव॰ – गुरु, 26 नव॰", "सोम, 30 नव॰ – बुध, 2 दिस॰"),
    "bn": ("মঙ্গলবার ২৪ নভেম্বর", "মঙ্গল, ২৪ নভে – বৃহস্পতি, ২৬ নভে", "সোম, ৩০ নভে – বুধ, ২ ডিসে"),
    "ja": ("11月24日(火曜日)", "11月24日(火)～26日(木)", "11月30日(月)～12月2日(水)"),
    "zh_Hans": ("11月24日星期二", "11月24日周二至26日周四", "11月30日周一至12月2日周三"),
    "hu": ("november 24., kedd", f"nov. 24., K{THIN}–{THIN}26., Cs", f"nov. 30., H{THIN}–{THIN}dec. 2., Sze"),
    "he": (
        "יום שלישי, 24 בנובמבר",
        "יום שלישי, 24 בנוב׳ – יום חמישי, 26 בנוב׳",
        "יום שני, 30 בנוב׳ – יום רביעי, 2 בדצמ׳",
    ),
    "sr": ("уторак, 24. новембар", "уто, 24. – чет, 26. нов", "пон, 30. нов – сре, 02. дец"),
    "lt": (
        "lapkričio 24 d., antradienis",
        f"lapkr. 24, an{THIN}–{THIN}lapkr. 26, kt",
        f"lapkr. 30, pr{THIN}–{THIN}gruod. 2, tr",
    ),
}
# Two o'clock, from ten to two, from two to four; 1234567.5, 1234.50 euros, 12 per cent, 1.4 kg; one of three.
FIGURES = {
    "en": (
        f"2:00{NBSP}PM",
        f"10:00{NBSP}AM{THIN}–{THIN}2:00{NBSP}PM",
        f"2:00{THIN}–{THIN}4:00{NBSP}PM",
        "1,234,567.5",
        "€1,234.50",
        "12%",
        "1.4 kg",
        "A, B, or C",
    ),
    "de": (
        "14:00",
        "10:00–14:00 Uhr",
        "14:00–16:00 Uhr",
        "1.234.567,5",
        f"1.234,50{NBSP}€",
        f"12{NBSP}%",
        "1,4 kg",
        "A, B oder C",
    ),
    "fa": (
        "۱۴:۰۰",
        "۱۰:۰۰ تا ۱۴:۰۰",
        "۱۴:۰۰ تا ۱۶:۰۰",
        "۱٬۲۳۴٬۵۶۷٫۵",
        f"\u200e€{NBSP}۱٬۲۳۴٫۵۰",
        "۱۲٪",
        "۱٫۴ کیلوگرم",
        "A،\u200f B، یا C",
    ),
    "th": (
        "14:00",
        "10:00 น. – 14:00 น.",
        "14:00 น. – 16:00 น.",
        "1,234,567.5",
        "€1,234.50",
        "12%",
        "1.4 กก.",
        "A, B หรือ C",
    ),
    "hi": (
        "2:00 pm",
        f"10:00 am{THIN}–{THIN}2:00 pm",
        "2:00–4:00 pm",
        "12,34,567.5",
        "€1,234.50",
        "12%",
        "1.4 कि॰ग्रा॰",
        "A, B या C",
    ),
    "bn": (
        "২:০০ PM",
        f"১০:০০ AM{THIN}–{THIN}২:০০ PM",
        "২:০০–৪:০০ PM",
        "১২,৩৪,৫৬৭.৫",
        "১,২৩৪.৫০€",
        "১২%",
        "১.৪ কেজি",
        "A, B, বা C",
    ),
    "ja": (
        "14:00",
        "10時00分～14時00分",
        "14時00分～16時00分",
        "1,234,567.5",
        "€1,234.50",
        "12%",
        "1.4 kg",
        "A、B、またはC",
    ),
    "zh_Hans": ("14:00", "10:00–14:00", "14:00–16:00", "1,234,567.5", "€1,234.50", "12%", "1.4 kg", "A、B或C"),
    "hu": (
        "14:00",
        "10:00–14:00",
        "14:00–16:00",
        f"1{NBSP}234{NBSP}567,5",
        f"1{NBSP}234,50{NBSP}EUR",
        "12%",
        "1,4 kg",
        "A, B vagy C",
    ),
    "sr": ("14:00", "10:00–14:00", "14:00–16:00", "1.234.567,5", f"1.234,50{NBSP}€", "12%", "1,4 kg", "A, B или C"),
    "lt": (
        "14:00",
        "10:00–14:00",
        "14:00–16:00",
        f"1{NBSP}234{NBSP}567,5",
        f"1{NBSP}234,50{NBSP}€",
        f"12{NBSP}%",
        "1,4 kg",
        "A, B ar C",
    ),
}


@pytest.mark.parametrize("language", DAYS)
def test_days_and_ranges_are_written_as_the_culture_writes_them(language: str) -> None:
    writing = Writing(language)
    over_the_end = writing.days(date(2026, 11, 30), date(2026, 12, 2), TODAY)
    written = (writing.long_date(TUESDAY, TODAY), writing.days(TUESDAY, THURSDAY, TODAY), over_the_end)
    assert written == DAYS[language]


@pytest.mark.parametrize("language", FIGURES)
def test_times_and_figures_are_written_as_the_culture_writes_them(language: str) -> None:
    writing = Writing(language)
    assert (
        writing.clock(time(14)),
        writing.hours(time(10), time(14)),
        writing.hours(time(14), time(16)),
        writing.number(1234567.5),
        writing.money("1234.5", "EUR"),
        writing.percent(12.4),
        writing.weight(1.4, "kg"),
        writing.alternatives(["A", "B", "C"]),
    ) == FIGURES[language]


def test_a_range_into_another_year_has_both() -> None:
    assert (
        Writing("en").days(date(2026, 12, 31), date(2027, 1, 2), TODAY)
        == f"Thu, Dec 31, 2026{THIN}–{THIN}Sat, Jan 2, 2027"
    )
    assert Writing("en").days(date(2027, 1, 2), date(2027, 1, 4), TODAY) == f"Sat, Jan 2{THIN}–{THIN}Mon, Jan 4, 2027"


# Calendars.


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(2024, 3, 20), (1403, 1, 1)),  # Nowruz
        (date(2025, 3, 20), (1403, 12, 30)),  # the last day of a leap year
        (date(2025, 3, 21), (1404, 1, 1)),
        (date(2026, 3, 21), (1405, 1, 1)),
        (date(2026, 9, 22), (1405, 6, 31)),
        (date(2026, 9, 23), (1405, 7, 1)),
        (date(1979, 2, 11), (1357, 11, 22)),  # a day that every Iranian calendar names
        (date(2000, 1, 1), (1378, 10, 11)),
    ],
)
def test_days_of_the_persian_calendar(day: date, written: tuple[int, int, int]) -> None:
    assert persian(day) == written


def test_every_day_of_a_century_follows_the_one_before_it() -> None:
    before = persian(date(1979, 12, 31))
    for ordinal in range(date(1980, 1, 1).toordinal(), date(2080, 1, 1).toordinal()):
        year, month, day = now = persian(date.fromordinal(ordinal))
        follows = (before[0], before[1], before[2] + 1)
        if now != follows:
            assert day == 1
            assert before[2] == (31 if before[1] <= 6 else 30 if before[1] < 12 else before[2])
            assert before[2] >= 29
            assert (year, month) == ((before[0], before[1] + 1) if before[1] < 12 else (before[0] + 1, 1))
        before = now


def test_persian_is_written_in_its_calendar_with_the_year_where_it_is_another() -> None:
    writing = Writing("fa")
    assert writing.long_date(date(2025, 3, 21), TODAY) == "جمعه ۱ فروردین ۱۴۰۴"
    assert writing.day_and_month(TUESDAY) == "۳ آذر"
    # New Year of the Gregorian calendar is an ordinary day of 1405.
    assert writing.days(date(2026, 12, 31), date(2027, 1, 2), TODAY) == "پنجشنبه ۱۰ دی تا شنبه ۱۲ دی"


def test_thai_years_are_those_of_the_buddhist_era() -> None:
    writing = Writing("th")
    assert writing.long_date(date(2025, 3, 21), TODAY) == "วันศุกร์ที่ 21 มีนาคม พ.ศ. 2568"
    assert writing.days(date(2026, 12, 31), date(2027, 1, 2), TODAY) == "พฤ. 31 ธ.ค. 2569 – ส. 2 ม.ค. 2570"
    assert writing.day_and_month(date(2024, 2, 29)) == "29 กุมภาพันธ์"


# Windows.


def moment(day: int, hour: int | None) -> Moment:
    local = dt.datetime(2026, 11, day, hour or 0)
    precision = Precision.DAY if hour is None else Precision.MINUTE
    return Moment("", precision, Basis.OFFSET, local.replace(tzinfo=UTC), local, "+00:00")


def test_a_window_has_hours_where_both_are_known_and_of_one_day() -> None:
    english = plain("en")
    assert hours(moment(24, 10), moment(24, 14), english) == f"10:00{NBSP}AM{THIN}–{THIN}2:00{NBSP}PM"
    assert hours(moment(24, 14), moment(24, 14), english) == f"2:00{NBSP}PM"
    assert hours(moment(24, None), moment(24, 14), english) == ""
    assert hours(moment(24, 10), moment(26, 14), english) == ""


def test_a_page_says_all_days_of_a_window_to_who_may_see_them_until_the_first_has_come() -> None:
    shipment = structs.replace(parcel("1"), status=Status.IN_TRANSIT, window=Window(moment(24, None), moment(26, None)))

    def when(day: int, level: int) -> str:
        return hero(
            shipment, Reader(plain("en"), dt.datetime(2026, 11, day, 12, tzinfo=UTC), ZoneInfo("UTC"), level)
        ).when

    assert when(22, 1) == f"Tue, Nov 24{THIN}–{THIN}Thu, Nov 26"
    assert when(22, 0) == when(25, 1) == "Thursday, November 26"


def test_sentences_follow_each_other_as_the_letters_have_it() -> None:
    assert Writing("zh_Hant").sentences("包裹已到。", "", "共3個包裹。") == "包裹已到。共3個包裹。"
    assert Writing("de").sentences("Es ist da.", "", "Es sind drei.") == "Es ist da. Es sind drei."


def test_portuguese_is_written_as_in_portugal_where_brazil_is_not_named() -> None:
    portugal, brazil = Writing("pt"), Writing("pt_BR")
    assert (portugal.money("24.90", "EUR"), brazil.money("24.90", "EUR")) == ("24,90\u00a0€", "€\u00a024,90")
    assert (portugal.number(12345), brazil.number(12345)) == ("12\u00a0345", "12.345")


_EACH = """
import sys
from datetime import date
from doorstep.writing import Writing
day, later, written = date(2026, 11, 22), date(2026, 12, 2), {}
for code in sys.argv[1:]:
    one = Writing(code)
    written[code] = (one.weekday(day), one.long_date(day, day), one.days(day, later, day), one.money("9", "EUR"))
print(sorted(written.items()))
"""


def test_a_language_is_written_the_same_whichever_was_read_before() -> None:
    """Urdu once gave its Sunday to German, which was read after it."""

    def after(*codes: str) -> str:
        done = subprocess.run([sys.executable, "-c", _EACH, *codes], capture_output=True, check=True, text=True)
        return done.stdout

    codes = catalogs.languages()
    assert after(*codes) == after(*reversed(codes))
    assert "'Sonntag'" in after("ur", "de")
