//! `outcry report candles --chart`: candles as a picture, alone as PNG or on a page.

use super::html::Page;
use super::money::Steps;
use crate::ui::{Failure, Result};
use chart::{Candle, CandleChart, Picture, Theme};
use reporting::{CellValue, Session};
use std::path::Path;

/// The most instruments in one picture.
pub const PICTURES_MAX: usize = 24;
/// Pixels of a picture.
const WIDTH: u32 = 1040;
const HEIGHT: u32 = 360;
/// A PNG has so many pixels for each of them: screens are fine today.
const PNG_SCALE: u32 = 2;

/// What kind of file a picture goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Html,
    Png,
}

impl Kind {
    /// By the end of its name.
    pub fn of(file: &Path) -> Result<Self> {
        let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::usage(format_args!("{} is neither a page nor a picture", file.display()))
                .hint("end the name with .html or .png")),
        }
    }
}

/// The candles of one instrument.
pub struct Charted {
    pub symbol: String,
    pub currency: String,
    pub candles: Vec<Candle>,
    pub tick: Steps,
}

/// The candles that `query` asks for, which is one of the report: by symbol, oldest first.
pub fn charted(session: &Session, query: &str) -> Result<Vec<Charted>> {
    let rows = session
        .query(&format!(
            "SELECT c.symbol, i.currency, i.tick_size, epoch_ns(c.start), c.open_ticks, c.high_ticks, c.low_ticks, c.close_ticks, c.volume_lots
             FROM ({query}) c JOIN instruments i ON i.symbol = c.symbol ORDER BY c.symbol, c.start"
        ))?
        .rows()?;
    let mut charted: Vec<Charted> = Vec::new();
    for row in rows {
        let [CellValue::Text(symbol), CellValue::Text(currency), CellValue::Number(tick), numbers @ ..] =
            &row[..]
        else {
            continue;
        };
        let mut numbers = numbers.iter().map(|cell| match cell {
            CellValue::Integer(number) => *number,
            _ => 0,
        });
        let mut next = || numbers.next().unwrap_or_default();
        let candle = Candle {
            start_ns: next(),
            open: next(),
            high: next(),
            low: next(),
            close: next(),
            volume: next(),
        };
        match charted.last_mut().filter(|last| last.symbol == *symbol) {
            Some(last) => last.candles.push(candle),
            None => charted.push(Charted {
                symbol: symbol.clone(),
                currency: currency.clone(),
                candles: vec![candle],
                tick: Steps::of(tick),
            }),
        }
    }
    Ok(charted)
}

/// What a picture says of the days it shows.
fn days(candles: &[Candle]) -> String {
    let day = |candle: Option<&Candle>| {
        let time = jiff::Timestamp::from_nanosecond(candle?.start_ns.into()).ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
    };
    match (day(candles.first()), day(candles.last())) {
        (Some(first), Some(last)) if first == last => first,
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "no trades".to_owned(),
    }
}

impl Charted {
    /// The picture, with what a candle lasts in words.
    pub fn picture(&self, interval: &str, interval_ns: i64) -> Picture {
        let price = |ticks: i64| self.tick.times(ticks);
        let subtitle = format!("{}, {interval} candles in {}, UTC", days(&self.candles), self.currency);
        CandleChart {
            title: &self.symbol,
            subtitle: &subtitle,
            candles: &self.candles,
            interval_ns,
            price: &price,
            width: WIDTH,
            height: HEIGHT,
        }
        .picture()
    }
}

/// The file with all pictures.
pub fn file(
    kind: Kind,
    charted: &[Charted],
    interval: &str,
    interval_ns: i64,
    source: &str,
) -> Result<Vec<u8>> {
    let pictures: Vec<Picture> = charted.iter().map(|one| one.picture(interval, interval_ns)).collect();
    let title = format!("Candles, {interval}");
    if kind == Kind::Png {
        return Picture::stacked(&pictures, title).png(Theme::Light, PNG_SCALE).map_err(|error| {
            Failure::failed("the picture cannot be painted")
                .caused_by(error)
                .hint("ask for fewer instruments")
        });
    }
    let mut page = Page::new(&title);
    page.head(&title, source, None);
    for picture in &pictures {
        page.picture(picture);
    }
    if pictures.is_empty() {
        page.paragraph("Nothing traded.");
    }
    Ok(page.finish("Made by outcry report candles.").into_bytes())
}
