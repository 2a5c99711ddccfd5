//! A chart of candles, with the volume below.

use crate::picture::{Anchor, Ink, Picture, Shape, part, px};
use crate::scale::{round_numbers, time_labels};

/// What was paid in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candle {
    /// When the interval begins: UNIX time in nanoseconds.
    pub start_ns: i64,
    /// The first price, in ticks.
    pub open: i64,
    /// The highest.
    pub high: i64,
    /// The lowest.
    pub low: i64,
    /// The last.
    pub close: i64,
    /// What traded, in lots.
    pub volume: i64,
}

impl Candle {
    /// It, and what came after it, as one.
    fn with(self, later: &Self) -> Self {
        Self {
            start_ns: self.start_ns,
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume.saturating_add(later.volume),
        }
    }

    fn ink(&self) -> Ink {
        match self.close.cmp(&self.open) {
            std::cmp::Ordering::Greater => Ink::Rising,
            std::cmp::Ordering::Less => Ink::Falling,
            std::cmp::Ordering::Equal => Ink::Level,
        }
    }
}

/// What a chart shows.
pub struct CandleChart<'a> {
    /// The instrument.
    pub title: &'a str,
    /// What else there is to say about it.
    pub subtitle: &'a str,
    /// The candles, oldest first.
    pub candles: &'a [Candle],
    /// How long one lasts.
    pub interval_ns: i64,
    /// A price in ticks, as people write it.
    pub price: &'a dyn Fn(i64) -> String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Pixels that a candle needs at least.
const CANDLE_WIDTH_MIN: u32 = 3;
/// Room above, for the title.
const ABOVE: f32 = 44.0;
/// Room below, for the times.
const BELOW: f32 = 26.0;
/// Room on the left.
const LEFT: f32 = 14.0;
/// Room on the right, for the prices.
const RIGHT: f32 = 78.0;
/// The part of the height that volume has.
const VOLUME_PART: f32 = 0.2;
/// Between prices and volume.
const GAP: f32 = 10.0;

impl CandleChart<'_> {
    /// As many candles as there is room for: where there are more, neighbours are made one. How many went into each is the other answer.
    fn fitted(&self) -> (Vec<Candle>, i64) {
        let room = self.width.saturating_sub(92).max(CANDLE_WIDTH_MIN) / CANDLE_WIDTH_MIN;
        let mut candles = self.candles.to_vec();
        let mut factor = 1;
        while candles.len() > room as usize {
            factor += 1;
            let length = self.interval_ns.max(1).saturating_mul(factor);
            candles.clear();
            for candle in self.candles {
                let start_ns = candle.start_ns.div_euclid(length) * length;
                match candles.last_mut() {
                    Some(last) if last.start_ns == start_ns => *last = last.with(candle),
                    _ => candles.push(Candle { start_ns, ..*candle }),
                }
            }
        }
        (candles, factor)
    }

    /// The picture.
    pub fn picture(&self) -> Picture {
        let (candles, factor) = self.fitted();
        let mut picture = Picture::new(self.width, self.height, format!("{} {}", self.title, self.subtitle));
        let mut subtitle = self.subtitle.to_owned();
        if factor > 1 {
            subtitle = format!("{subtitle}, {factor} to a candle");
        }
        picture.text((LEFT, 20.0), 15.0, Anchor::Start, self.title.to_owned(), Ink::Text);
        picture.text((LEFT, 36.0), 11.0, Anchor::Start, subtitle, Ink::Label);
        let (Some(low), Some(high)) =
            (candles.iter().map(|it| it.low).min(), candles.iter().map(|it| it.high).max())
        else {
            let middle = (px(self.width) / 2.0, px(self.height) / 2.0);
            picture.text(middle, 13.0, Anchor::Middle, "nothing traded".to_owned(), Ink::Label);
            return picture;
        };
        let area = Area::new(self.width, self.height, candles.len(), low, high);
        self.axes(&mut picture, &area, &candles);
        let most = candles.iter().map(|it| it.volume).max().unwrap_or(1).max(1);
        for (at, candle) in candles.iter().enumerate() {
            let middle = area.x(at);
            let body = (area.step * 0.7).clamp(1.0, 18.0);
            let tall = part(candle.volume.into(), most.into()) * area.volume_height;
            let volume = match candle.ink() {
                Ink::Rising => Ink::VolumeRising,
                Ink::Falling => Ink::VolumeFalling,
                _ => Ink::VolumeLevel,
            };
            picture.rectangle((middle - body / 2.0, area.bottom - tall), (body, tall), volume);
            let (top, bottom) = (area.y(candle.high), area.y(candle.low));
            picture.line(vec![(middle, top), (middle, bottom.max(top + 1.0))], 1.0, candle.ink());
            let (from, to) = (area.y(candle.open.max(candle.close)), area.y(candle.open.min(candle.close)));
            picture.rectangle((middle - body / 2.0, from), (body, (to - from).max(1.0)), candle.ink());
        }
        self.last_price(&mut picture, &area, &candles);
        picture
    }

    fn axes(&self, picture: &mut Picture, area: &Area, candles: &[Candle]) {
        for price in round_numbers(area.low, area.high, 7) {
            let y = area.y(price);
            picture.line(vec![(LEFT, y), (area.right, y)], 1.0, Ink::Grid);
            picture.text((area.right + 8.0, y + 4.0), 11.0, Anchor::Start, (self.price)(price), Ink::Label);
        }
        picture.line(vec![(LEFT, area.bottom), (area.right, area.bottom)], 1.0, Ink::Grid);
        let starts: Vec<i64> = candles.iter().map(|candle| candle.start_ns).collect();
        let most = usize::try_from(self.width / 90).unwrap_or(1).max(2);
        for (at, text) in time_labels(&starts, most) {
            let x = area.x(at);
            picture.line(vec![(x, ABOVE), (x, area.bottom)], 1.0, Ink::Grid);
            // Not over the edge.
            let x = x.clamp(LEFT + 16.0, area.right - 4.0);
            picture.text((x, area.bottom + 16.0), 11.0, Anchor::Middle, text, Ink::Label);
        }
    }

    fn last_price(&self, picture: &mut Picture, area: &Area, candles: &[Candle]) {
        let Some(last) = candles.last() else { return };
        let y = area.y(last.close);
        picture.shapes.push(Shape::Line {
            points: vec![(LEFT, y), (area.right, y)],
            width: 1.0,
            dashed: true,
            ink: Ink::Last,
        });
        let text = (self.price)(last.close);
        picture.text((px(self.width) - 14.0, 20.0), 15.0, Anchor::End, text, Ink::Text);
        let candle = |price: fn(&Candle) -> i64, best: fn(i64, i64) -> i64| {
            candles.iter().map(price).reduce(best).unwrap_or(0)
        };
        let (high, low) = (candle(|it| it.high, i64::max), candle(|it| it.low, i64::min));
        let range = format!("{} to {}", (self.price)(low), (self.price)(high));
        picture.text((px(self.width) - 14.0, 36.0), 11.0, Anchor::End, range, Ink::Label);
    }
}

/// Where things are.
struct Area {
    right: f32,
    bottom: f32,
    /// Where prices end and volume begins.
    price_bottom: f32,
    volume_height: f32,
    /// From one candle to the next.
    step: f32,
    low: i64,
    high: i64,
}

impl Area {
    fn new(width: u32, height: u32, candles: usize, low: i64, high: i64) -> Self {
        let right = px(width) - RIGHT;
        let bottom = px(height) - BELOW;
        let inside = bottom - ABOVE;
        let volume_height = inside * VOLUME_PART;
        let count = u32::try_from(candles.max(1)).unwrap_or(u32::MAX);
        // A few candles do not fill the width: they would look like walls.
        let step = ((right - LEFT) / px(count)).min(26.0);
        // A price that never moved is in the middle.
        let (low, high) = if low == high { (low - 1, high + 1) } else { (low, high) };
        let price_bottom = bottom - volume_height - GAP;
        Self { right, bottom, price_bottom, volume_height, step, low, high }
    }

    fn x(&self, at: usize) -> f32 {
        LEFT + self.step * (px(u32::try_from(at).unwrap_or(u32::MAX)) + 0.5)
    }

    fn y(&self, price: i64) -> f32 {
        let up = part(i128::from(price) - i128::from(self.low), i128::from(self.high) - i128::from(self.low));
        self.price_bottom - up * (self.price_bottom - ABOVE - 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candle(start: i64, open: i64, high: i64, low: i64, close: i64) -> Candle {
        Candle { start_ns: start * 60_000_000_000, open, high, low, close, volume: 10 }
    }

    fn chart(candles: &[Candle]) -> Picture {
        let price = |ticks: i64| format!("{ticks}t");
        CandleChart {
            title: "AAA",
            subtitle: "1m",
            candles,
            interval_ns: 60_000_000_000,
            price: &price,
            width: 600,
            height: 300,
        }
        .picture()
    }

    fn bodies(picture: &Picture) -> Vec<(f32, f32, f32, Ink)> {
        let body = |shape: &Shape| match *shape {
            Shape::Rectangle {
                x, y, height, ink: ink @ (Ink::Rising | Ink::Falling | Ink::Level), ..
            } => Some((x, y, height, ink)),
            _ => None,
        };
        picture.shapes.iter().filter_map(body).collect()
    }

    #[test]
    fn higher_prices_stand_higher_and_colours_say_where_it_went() {
        let picture =
            chart(&[candle(0, 100, 110, 95, 105), candle(1, 105, 106, 90, 91), candle(2, 91, 91, 91, 91)]);
        let [rising, falling, level] = bodies(&picture)[..] else { panic!("three candles") };
        assert_eq!([rising.3, falling.3, level.3], [Ink::Rising, Ink::Falling, Ink::Level]);
        assert!(rising.0 < falling.0 && falling.0 < level.0);
        assert!(rising.1 < falling.1 + falling.2 && falling.1 < level.1);
        assert!((level.2 - 1.0).abs() < 0.01);
    }

    #[test]
    fn too_many_candles_are_joined_and_nothing_is_lost() {
        let many: Vec<Candle> =
            (0..1000).map(|at| candle(at, 100 + at, 101 + at, 99 + at, 100 + at)).collect();
        let price = |ticks: i64| ticks.to_string();
        let chart = CandleChart {
            title: "AAA",
            subtitle: "",
            candles: &many,
            interval_ns: 60_000_000_000,
            price: &price,
            width: 600,
            height: 300,
        };
        let (fitted, factor) = chart.fitted();
        assert!(fitted.len() <= 170 && factor == 6, "{} of {factor}", fitted.len());
        assert_eq!(fitted.iter().map(|it| it.volume).sum::<i64>(), 10_000);
        assert_eq!((fitted[0].open, fitted.last().unwrap().close), (100, 1099));
        assert_eq!(fitted.iter().map(|it| it.high).max(), Some(1100));
    }

    #[test]
    fn nothing_to_show_is_said() {
        let picture = chart(&[]);
        let said = |shape: &Shape| matches!(shape, Shape::Text { text, .. } if text == "nothing traded");
        assert!(picture.shapes.iter().any(said));
    }
}
