//! A line as small as a word.

use crate::picture::{Ink, Picture, part, px};

/// The way of a price from the first to the last: rising when it ends higher than it began.
pub fn sparkline(prices: &[i64], width: u32, height: u32, title: String) -> Picture {
    let mut picture = Picture::new(width, height, title);
    let (Some(low), Some(high)) = (prices.iter().min(), prices.iter().max()) else { return picture };
    let (first, last) = (prices[0], prices[prices.len() - 1]);
    let ink = match last.cmp(&first) {
        std::cmp::Ordering::Greater => Ink::Rising,
        std::cmp::Ordering::Less => Ink::Falling,
        std::cmp::Ordering::Equal => Ink::Level,
    };
    let (low, high) = (i128::from(*low), i128::from(*high));
    let steps = i128::try_from(prices.len().max(2) - 1).unwrap_or(i128::MAX);
    let (wide, tall) = (px(width) - 4.0, px(height) - 4.0);
    let mut points: Vec<(f32, f32)> = (0..)
        .zip(prices)
        .map(|(at, &price)| {
            let up = if low == high { 0.5 } else { part(i128::from(price) - low, high - low) };
            (2.0 + wide * part(at, steps), 2.0 + tall * (1.0 - up))
        })
        .collect();
    if let [only] = points[..] {
        points.push((2.0 + wide, only.1));
    }
    picture.line(points, 1.4, ink);
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Shape;

    #[test]
    fn it_goes_where_the_price_went() {
        let picture = sparkline(&[10, 12, 8, 11], 100, 20, "AAA".to_owned());
        let [Shape::Line { points, ink, .. }] = &picture.shapes[..] else { panic!("one line") };
        assert_eq!(*ink, Ink::Rising);
        assert_eq!(points.len(), 4);
        assert!((points[1].1 - 2.0).abs() < 0.01 && (points[2].1 - 18.0).abs() < 0.01, "{points:?}");
        assert!(sparkline(&[], 100, 20, String::new()).shapes.is_empty());
        assert!(
            matches!(&sparkline(&[5], 100, 20, String::new()).shapes[..], [Shape::Line { points, .. }] if points.len() == 2)
        );
    }
}
