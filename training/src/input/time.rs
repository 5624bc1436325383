//! Parses times as written by databases, spreadsheets and programming languages.
//!
//! Only unambiguous times are parsed. A text that could mean two different days (`12/1/2010`) is refused, unless the
//! config has its format (`timestamp_format`).

use crate::setting::SettingError;
use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime};

/// The time in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Unix seconds.
    At(i64),
    /// A day without a time: Unix seconds of its midnight.
    Day(i64),
    /// Null or empty.
    Missing,
    /// It could mean two different days.
    Ambiguous,
    /// Not a time.
    Bad,
}

impl Time {
    /// The Unix seconds, if there are any; for a day those of its midnight.
    pub(super) fn seconds(self) -> Option<i64> {
        if let Self::At(seconds) | Self::Day(seconds) = self { Some(seconds) } else { None }
    }
}

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// The `timestamp_format` for days since 1899-12-30, with fractions.
const EXCEL: &str = "excel";

/// The time format of a market.
#[derive(Clone, Debug, Default)]
pub(super) struct TimeFormat(Option<String>);

impl TimeFormat {
    /// The format from the config: a strftime pattern, or `excel`.
    ///
    /// # Errors
    /// If it is not a valid time format.
    pub(super) fn new(format: Option<&str>) -> Result<Self, SettingError> {
        let Some(format) = format else { return Ok(Self(None)) };
        let fields: Vec<Item<'_>> = StrftimeItems::new(format).collect();
        let is_literal = |item: &Item<'_>| matches!(item, Item::Literal(_) | Item::Space(_));
        if format != EXCEL && (fields.contains(&Item::Error) || fields.iter().all(is_literal)) {
            return Err(SettingError::new(format!(
                "timestamp_format = \"{format}\" is no form of a time: write it with strftime's letters, such as \
                 \"%d.%m.%Y %H:%M\", or \"{EXCEL}\" for days since 1899-12-30"
            )));
        }
        Ok(Self(Some(format.to_owned())))
    }

    /// Parses a time in the format of the config, or otherwise in any format that is unambiguous.
    pub(super) fn parse(&self, text: &str) -> Time {
        let text = text.trim();
        if text.is_empty() {
            return Time::Missing;
        }
        let given = self.0.as_deref().and_then(|format| given(text, format));
        given
            .or_else(|| digits(text))
            .or_else(|| year_first(text))
            .or_else(|| in_words(text))
            .unwrap_or_else(|| if may_be_two_days(text) { Time::Ambiguous } else { Time::Bad })
    }
}

fn given(text: &str, format: &str) -> Option<Time> {
    if format == EXCEL {
        let days: f64 = text.replace(',', ".").parse().ok().filter(|days| (1.0..200_000.0).contains(days))?;
        let midnight = midnight(NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(days as u64))?);
        let seconds = (days.fract() * DAY as f64).round() as i64;
        return Some(if seconds == 0 { Time::Day(midnight) } else { Time::At(midnight + seconds) });
    }
    if let Ok(time) = DateTime::parse_from_str(text, format) {
        return Some(Time::At(time.timestamp()));
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
        return Some(Time::At(time.and_utc().timestamp()));
    }
    NaiveDate::parse_from_str(text, format).ok().map(|date| Time::Day(midnight(date)))
}

/// A time written as an integer. Formats are distinguished by size: no number is a time between 1990 and 2149 in two of
/// them. Smaller numbers are not times: they come from columns of another kind.
pub(super) fn whole_number(number: i64) -> Option<Time> {
    let date = |days: i64| -> Option<i64> {
        let (year, month, day) = (days / 10_000, days / 100 % 100, days % 100);
        Some(midnight(NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?))
    };
    let clock = |hour: i64, minute: i64, second: i64| {
        ((0..24).contains(&hour) && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
    };
    match number {
        // YYYYMMDD, with hours and minutes, with seconds, with milliseconds
        19_000_101..=21_491_231 => date(number).map(Time::Day),
        190_001_010_000..=214_912_312_359 => {
            Some(Time::At(date(number / 10_000)? + clock(number / 100 % 100, number % 100, 0)?))
        }
        19_000_101_000_000..=21_491_231_235_959 => {
            let clock = clock(number / 10_000 % 100, number / 100 % 100, number % 100)?;
            Some(Time::At(date(number / 1_000_000)? + clock))
        }
        19_000_101_000_000_000..=21_491_231_235_959_999 => whole_number(number / 1000),
        // Unix seconds, milliseconds, microseconds, nanoseconds
        100_000_000..=99_999_999_999 => Some(Time::At(number)),
        100_000_000_000..=99_999_999_999_999 => Some(Time::At(number / 1_000)),
        100_000_000_000_000..=9_999_999_999_999_999 => Some(Time::At(number / 1_000_000)),
        100_000_000_000_000_000.. => Some(Time::At(number / 1_000_000_000)),
        _ => None,
    }
}

/// Digits only, or Unix seconds with a fraction.
fn digits(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    if whole.len() != text.len() && !(100_000_000..=99_999_999_999).contains(&number) {
        return None;
    }
    Some(whole_number(number).unwrap_or(Time::Bad))
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp()
}

/// An integer of at most `most` digits, and the rest behind it.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// ISO 8601 and similar formats: `2024-01-05T10:00:00Z`, `2024-01-05 10:00:00.123456 +00:00`, `2024/1/5 10:00 UTC`,
/// `20240105T100000Z`, `2024-01-05T10:00+01:00[Europe/Berlin]`.
fn year_first(text: &str) -> Option<Time> {
    let (date, rest) =
        if let Some(basic) = text.get(..8).filter(|_| text.as_bytes().get(8).is_some_and(|b| b"Tt ".contains(b))) {
            let whole: i64 = basic.parse().ok()?;
            (
                NaiveDate::from_ymd_opt((whole / 10_000) as i32, (whole / 100 % 100) as u32, (whole % 100) as u32)?,
                &text[8..],
            )
        } else {
            let (year, rest) = number(text, 4).filter(|(year, _)| *year >= 1000)?;
            let between = rest.chars().next().filter(|c| ['-', '/', '.'].contains(c))?;
            let (month, rest) = number(&rest[1..], 2)?;
            let (day, rest) = number(rest.strip_prefix(between)?, 2)?;
            (NaiveDate::from_ymd_opt(year as i32, month, day)?, rest)
        };
    let midnight = midnight(date);
    if rest.is_empty() {
        return Some(Time::Day(midnight));
    }
    // A zone behind a date, as in XML Schema, does not make it a time of day.
    if ["Z", "z"].contains(&rest) {
        return Some(Time::Day(midnight));
    }
    let rest = rest.strip_prefix(['T', 't', ' ', ',', '_'])?.trim_start();
    let (seconds, rest) = clock(rest)?;
    Some(Time::At(midnight + seconds - zone(rest)?))
}

/// Seconds since midnight, and the rest: `10:00`, `10:00:00.1234567`, `10:00:00,123`, `9:05 PM`, `100000`.
fn clock(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = number(text, 2)?;
    let colon = rest.starts_with(':');
    let (minute, mut rest) = number(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    let mut second = 0;
    let of_second =
        if colon { rest.strip_prefix(':') } else { rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest) };
    if let Some(of_second) = of_second {
        (second, rest) = number(of_second, 2)?;
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            rest = (digits > 0).then_some(&fraction[digits..])?;
        }
    }
    let trimmed = rest.trim_start();
    let half = trimmed.get(..2).map(str::to_ascii_uppercase);
    let hour = match half.as_deref() {
        Some("AM" | "PM") if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some("PM") => hour % 12 + 12,
        _ => hour,
    };
    if matches!(half.as_deref(), Some("AM" | "PM")) {
        rest = &trimmed[2..];
    }
    // 24:00:00 is the beginning of the next day. A leap second counts as the second before it.
    let is_end = (hour, minute, second) == (24, 0, 0);
    if !(is_end || (hour < 24 && minute < 60 && second <= 60)) {
        return None;
    }
    Some((i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second.min(59)), rest))
}

/// Offset from UTC in seconds: 0 for an empty text, `Z`, `UTC` and `GMT`; `+01`, `+01:00`, `+0100`, `UTC+1`. A region
/// in brackets, as Java writes it, only repeats the offset before it.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = match text.split_once('[') {
        Some((offset, region)) if region.ends_with(']') && !offset.is_empty() => offset.trim(),
        _ => text,
    };
    let upper = text.to_ascii_uppercase();
    let rest = ["UTC", "GMT", "Z"].iter().find_map(|name| upper.strip_prefix(name)).unwrap_or(&upper);
    if rest.is_empty() {
        return Some(0);
    }
    let sign = match rest.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(&rest[1..], 2)?;
    let mut seconds = i64::from(hours) * 3600;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let mut left = rest;
    if !rest.is_empty() {
        let (minutes, after) = number(rest, 2)?;
        seconds += i64::from(minutes) * 60;
        left = after.strip_prefix(":00").unwrap_or(after);
    }
    (left.is_empty() && hours <= 18).then_some(sign * seconds)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Formats with the month in words, in any order: `Fri Jan 05 10:00:00 UTC 2024`, `Fri, 05 Jan 2024 10:00:00 GMT`,
/// `05-JAN-2024`, `Jan  5 2024 10:00AM`, `Fri Jan 05 2024 10:00:00 GMT+0100 (CET)`.
fn in_words(text: &str) -> Option<Time> {
    let text = text.split_once('(').map_or(text, |(before, _)| before);
    let (mut year, mut month, mut day, mut time, mut offset) = (None, None, None, None, None);
    let mut words: Vec<&str> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        // A date with dashes is split into three words; an offset has its only sign at its beginning.
        if word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains(':') {
            words.extend(word.split(['-', '/']).filter(|part| !part.is_empty()));
        } else {
            words.push(word);
        }
    }
    for word in words {
        let lower = word.to_ascii_lowercase();
        let short = |names: &[&str]| {
            let named = |name: &&str| lower.starts_with(*name) && lower.bytes().all(|byte| byte.is_ascii_alphabetic());
            names.iter().position(named)
        };
        if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) && time.is_none() {
            let (seconds, rest) = clock(word)?;
            time = Some(seconds);
            if !rest.is_empty() {
                offset = Some(zone(rest)?);
            }
        } else if let (Some(at), None) = (short(&MONTHS), month) {
            month = Some(at as u32 + 1);
        } else if short(&WEEKDAYS).is_some() {
        } else if ["am", "pm"].contains(&lower.as_str()) {
            let seconds = time?;
            (3600..13 * 3600).contains(&seconds).then_some(())?;
            time = Some(seconds % (12 * 3600) + if lower == "pm" { 12 * 3600 } else { 0 });
        } else if let Some((whole, "")) = number(word, 4) {
            let place = if word.len() == 4 { &mut year } else { &mut day };
            if word.len() == 3 || place.replace(whole).is_some() {
                return None;
            }
        } else if offset.is_none() {
            offset = Some(zone(word)?);
        } else {
            return None;
        }
    }
    let midnight = midnight(NaiveDate::from_ymd_opt(year? as i32, month?, day?)?);
    Some(time.map_or(Time::Day(midnight), |seconds| Time::At(midnight + seconds - offset.unwrap_or(0))))
}

/// Whether the text begins with two small numbers either of which could be the month: `12/1/2010 8:26`, `01.02.2017`.
fn may_be_two_days(text: &str) -> bool {
    let begins = || {
        let (first, rest) = number(text, 2)?;
        let between = rest.chars().next().filter(|c| ['-', '/', '.'].contains(c))?;
        let (second, rest) = number(&rest[1..], 2)?;
        let (_, rest) = number(rest.strip_prefix(between)?, 4)?;
        let ends = rest.is_empty() || rest.starts_with([' ', ',', 'T']);
        Some(ends && (1..=31).contains(&first) && (1..=31).contains(&second))
    };
    begins().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Time {
        TimeFormat::default().parse(text)
    }

    #[test]
    fn times_of_all_usual_tools() {
        let noon = 1_511_179_200;
        for (tool, text) in [
            ("ISO 8601", "2017-11-20T12:00:00Z"),
            ("ISO 8601, basic", "20171120T120000Z"),
            ("ISO 8601, basic offset", "2017-11-20T13:00:00+0100"),
            ("ISO 8601, to the minute", "2017-11-20T12:00"),
            ("JavaScript, to the minute", "2017-11-20T12:00Z"),
            ("JavaScript toString", "Mon Nov 20 2017 13:00:00 GMT+0100 (Central European Standard Time)"),
            ("JavaScript toUTCString", "Mon, 20 Nov 2017 12:00:00 GMT"),
            ("PostgreSQL timestamptz", "2017-11-20 12:00:00+00"),
            ("PostgreSQL with fractions", "2017-11-20 17:30:00.745232+05:30"),
            ("PostgreSQL, style Postgres", "Mon Nov 20 12:00:00 2017 UTC"),
            ("BigQuery", "2017-11-20 12:00:00 UTC"),
            ("BigQuery with fractions", "2017-11-20 12:00:00.123456 UTC"),
            ("SQL Server datetime2", "2017-11-20 12:00:00.0000000"),
            ("SQL Server datetimeoffset", "2017-11-20 10:00:00.0000000 -02:00"),
            ("SQL Server default", "Nov 20 2017 12:00PM"),
            ("Java Date", "Mon Nov 20 12:00:00 UTC 2017"),
            ("Java ZonedDateTime", "2017-11-20T13:00+01:00[Europe/Berlin]"),
            ("Python logging", "2017-11-20 12:00:00,123"),
            ("pandas", "2017-11-20 12:00:00.123456789+00:00"),
            ("slashes", "2017/11/20 12:00"),
            ("with AM and PM", "2017-11-20 12:00:00 PM"),
            ("till", "201711201200"),
            ("till with seconds", "20171120120000"),
            ("Unix seconds", "1511179200"),
            ("Unix seconds with a fraction", "1511179200.25"),
            ("Unix milliseconds", "1511179200000"),
            ("Unix microseconds", "1511179200000000"),
            ("Unix nanoseconds", "1511179200000000000"),
        ] {
            assert_eq!(parse(text), Time::At(noon), "{tool}: {text}");
        }
        for text in ["2017-11-20", "20171120", "2017/11/20", "20-NOV-2017", "November 20, 2017", "2017.11.20"] {
            assert_eq!(parse(text), Time::Day(noon - DAY / 2), "{text}");
        }
        assert_eq!(parse("2017-11-19T24:00:00"), Time::At(noon - DAY / 2));
        assert_eq!(parse("Nov 20 2017 12:00 AM"), Time::At(noon - DAY / 2));
        assert_eq!(parse(" "), Time::Missing);
    }

    #[test]
    fn what_is_no_time_or_has_two_meanings_is_refused() {
        for text in [
            "yesterday",
            "2017-13-01",
            "20171399",
            "55",
            "45260",
            "-9223372036854775808",
            "201713201200",
            "2017-11-20 25:00",
            "2017-11-20 12:00 CET",
            "2017-11-20 13:00 PM",
            "2017-02-30",
            "1.5e9",
            "20-NOV-17",
            "12:00",
            "171120",
            "2017-11-20 12:00:00+25",
            "2017-11",
            "Nov 2017",
        ] {
            assert_eq!(parse(text), Time::Bad, "{text}");
        }
        for text in ["12/1/2010 8:26", "01.02.2017", "1-2-2017", "13/01/2024", "1/5/24 10:00 AM"] {
            assert_eq!(parse(text), Time::Ambiguous, "{text}");
        }
    }

    #[test]
    fn the_form_of_the_config_comes_first() {
        let with = |format: &str, text: &str| TimeFormat::new(Some(format)).unwrap().parse(text);
        assert_eq!(with("%m/%d/%Y %H:%M", "12/1/2010 8:26"), Time::At(1_291_191_960));
        assert_eq!(with("%d.%m.%Y", "01.02.2017"), Time::Day(1_485_907_200));
        assert_eq!(with("%d.%m.%Y", "2017-02-01"), Time::Day(1_485_907_200), "what has one meaning needs no form");
        assert_eq!(with("%d/%m/%Y %H:%M:%S %z", "20/11/2017 13:00:00 +0100"), Time::At(1_511_179_200));
        assert_eq!(with("excel", "43059.5"), Time::At(1_511_179_200));
        assert_eq!(with("excel", "43059"), Time::Day(1_511_136_000));
        for wrong in ["%Q", "soon", ""] {
            assert!(TimeFormat::new(Some(wrong)).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_the_same_in_every_form(seconds in 631_152_000i64..4_102_444_800) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            for format in [
                "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%s", "%s000", "%s000000", "%s000000000",
                "%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S UTC %Y", "%b %e %Y %I:%M:%S%p", "%Y/%m/%d %T+00",
            ] {
                prop_assert_eq!(parse(&time.format(format).to_string()), Time::At(seconds), "{}", format);
            }
            let minute = seconds - seconds.rem_euclid(60);
            let minute = DateTime::from_timestamp(minute, 0).unwrap();
            prop_assert_eq!(parse(&minute.format("%Y%m%d%H%M").to_string()), Time::At(minute.timestamp()));
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,24}") {
            parse(&text);
        }

        #[test]
        fn no_text_of_the_letters_of_times_is_too_odd(text in "[0-9TZ:./+ A-e\\[\\]-]{0,24}") {
            parse(&text);
        }
    }
}
