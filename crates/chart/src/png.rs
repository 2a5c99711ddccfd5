//! A picture as PNG, with letters from a font that this crate carries: a fresh machine has none.

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _};
use tiny_skia::{
    Color, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Rect, Stroke, StrokeDash, Transform,
};

use crate::picture::{Anchor, Ink, Picture, Shape, px};

/// What a picture is painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// On white.
    Light,
    /// On near black.
    Dark,
}

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// No machine has memory for it.
    #[error("a picture of {width} x {height} pixels cannot be painted")]
    Size {
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
    /// The letters cannot be read.
    #[error("the font in this program is damaged")]
    Font(#[from] ab_glyph::InvalidFont),
    /// It could not be packed.
    #[error("the picture cannot be packed: {reason}")]
    Pack {
        /// What the encoder said.
        reason: String,
    },
}

/// The most pixels on a side.
const SIDE_MAX: u32 = 16_384;

impl Theme {
    fn paper(self) -> [u8; 3] {
        match self {
            Self::Light => [0xff, 0xff, 0xff],
            Self::Dark => [0x14, 0x17, 0x1b],
        }
    }

    /// The colours of `style.css`.
    pub const fn colour(self, ink: Ink) -> [u8; 3] {
        match (self, ink) {
            (Self::Light, Ink::Text) => [0x16, 0x19, 0x1d],
            (Self::Light, Ink::Label) => [0x61, 0x6b, 0x76],
            (Self::Light, Ink::Grid) => [0xe6, 0xe9, 0xec],
            (Self::Light, Ink::Rising) => [0x12, 0x80, 0x5c],
            (Self::Light, Ink::Falling) => [0xc8, 0x37, 0x2d],
            (Self::Light, Ink::Level) => [0x7a, 0x83, 0x8d],
            (Self::Light, Ink::VolumeRising) => [0xa9, 0xd8, 0xc6],
            (Self::Light, Ink::VolumeFalling) => [0xef, 0xb9, 0xb4],
            (Self::Light, Ink::VolumeLevel) => [0xd3, 0xd8, 0xdd],
            (Self::Light, Ink::Last) => [0x3b, 0x6f, 0xb6],
            (Self::Dark, Ink::Text) => [0xec, 0xef, 0xf2],
            (Self::Dark, Ink::Label | Ink::Level) => [0x98, 0xa2, 0xad],
            (Self::Dark, Ink::Grid) => [0x2a, 0x30, 0x37],
            (Self::Dark, Ink::Rising) => [0x35, 0xb5, 0x85],
            (Self::Dark, Ink::Falling) => [0xf0, 0x67, 0x5c],
            (Self::Dark, Ink::VolumeRising) => [0x1f, 0x5c, 0x47],
            (Self::Dark, Ink::VolumeFalling) => [0x6d, 0x32, 0x2e],
            (Self::Dark, Ink::VolumeLevel) => [0x3b, 0x43, 0x4c],
            (Self::Dark, Ink::Last) => [0x6e, 0xa3, 0xec],
        }
    }
}

impl Picture {
    /// The picture as the bytes of a PNG file, `scale` pixels for each of its own.
    ///
    /// # Errors
    /// [`PngError::Size`] when it is empty or larger than 16,384 pixels on a side.
    pub fn png(&self, theme: Theme, scale: u32) -> Result<Vec<u8>, PngError> {
        let (width, height) = (self.width.saturating_mul(scale), self.height.saturating_mul(scale));
        let size = PngError::Size { width, height };
        if width > SIDE_MAX || height > SIDE_MAX {
            return Err(size);
        }
        let mut canvas = Pixmap::new(width, height).ok_or(size)?;
        let [red, green, blue] = theme.paper();
        canvas.fill(Color::from_rgba8(red, green, blue, 0xff));
        let letters = Letters::new()?;
        for shape in &self.shapes {
            Painter { canvas: &mut canvas, theme, scale: px(scale), letters: &letters }.paint(shape);
        }
        canvas.encode_png().map_err(|error| PngError::Pack { reason: error.to_string() })
    }
}

struct Letters {
    plain: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Letters {
    fn new() -> Result<Self, PngError> {
        let plain = FontRef::try_from_slice(dejavu::sans::regular())?;
        Ok(Self { plain, bold: FontRef::try_from_slice(dejavu::sans::bold())? })
    }
}

struct Painter<'a> {
    canvas: &'a mut Pixmap,
    theme: Theme,
    scale: f32,
    letters: &'a Letters,
}

impl Painter<'_> {
    fn paint(&mut self, shape: &Shape) {
        let transform = Transform::from_scale(self.scale, self.scale);
        match shape {
            Shape::Rectangle { x, y, width, height, ink } => {
                if let Some(rectangle) = Rect::from_xywh(*x, *y, *width, *height) {
                    self.canvas.fill_rect(rectangle, &self.colour(*ink), transform, None);
                }
            }
            Shape::Line { points, width, dashed, ink } => {
                let mut path = PathBuilder::new();
                for (at, &(x, y)) in points.iter().enumerate() {
                    if at == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
                }
                let Some(path) = path.finish() else { return };
                let dash = if *dashed { StrokeDash::new(vec![3.0, 3.0], 0.0) } else { None };
                let stroke = Stroke { width: *width, dash, ..Stroke::default() };
                self.canvas.stroke_path(&path, &self.colour(*ink), &stroke, transform, None);
            }
            Shape::Text { x, y, size, anchor, text, ink } => {
                self.write((*x * self.scale, *y * self.scale), *size * self.scale, *anchor, text, *ink);
            }
        }
    }

    fn colour(&self, ink: Ink) -> Paint<'static> {
        let [red, green, blue] = self.theme.colour(ink);
        let mut paint = Paint::default();
        paint.set_color_rgba8(red, green, blue, 0xff);
        paint
    }

    fn write(&mut self, (x, y): (f32, f32), size: f32, anchor: Anchor, text: &str, ink: Ink) {
        let font = if ink == Ink::Text { &self.letters.bold } else { &self.letters.plain };
        let font = font.as_scaled(PxScale::from(size * LETTER_SCALE));
        let advance: f32 = text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum();
        let mut x = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - advance / 2.0,
            Anchor::End => x - advance,
        };
        let colour = self.theme.colour(ink);
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            let glyph = id.with_scale_and_position(font.scale(), ab_glyph::point(x, y));
            x += font.h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|right, down, covered| {
                self.blend(corner.x + px(right), corner.y + px(down), covered, colour);
            });
        }
    }

    /// Puts a colour over a pixel.
    fn blend(&mut self, x: f32, y: f32, covered: f32, colour: [u8; 3]) {
        if x < 0.0 || y < 0.0 {
            return;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "looked at above; past the edge is dropped below"
        )]
        let (x, y) = (x as u32, y as u32);
        let (width, height) = (self.canvas.width(), self.canvas.height());
        if x >= width || y >= height {
            return;
        }
        let Some(pixel) = self.canvas.pixels_mut().get_mut((y * width + x) as usize) else { return };
        let mix = |over: u8, under: u8| {
            let mixed = f32::from(over) * covered + f32::from(under) * (1.0 - covered);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
            let byte = mixed.round().clamp(0.0, 255.0) as u8;
            byte
        };
        let (red, green, blue) =
            (mix(colour[0], pixel.red()), mix(colour[1], pixel.green()), mix(colour[2], pixel.blue()));
        if let Some(mixed) = PremultipliedColorU8::from_rgba(red, green, blue, 0xff) {
            *pixel = mixed;
        }
    }
}

/// Fonts are scaled by the height of a line here, and by that of a letter in SVG.
const LETTER_SCALE: f32 = 1.164;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candles::{Candle, CandleChart};

    fn decoded(bytes: &[u8]) -> Pixmap {
        Pixmap::decode_png(bytes).unwrap()
    }

    fn is(pixel: PremultipliedColorU8, [red, green, blue]: [u8; 3]) -> bool {
        (pixel.red(), pixel.green(), pixel.blue()) == (red, green, blue)
    }

    #[test]
    fn candles_are_where_they_should_be() {
        let candle = |at: i64, open: i64, close: i64| Candle {
            start_ns: at * 60_000_000_000,
            open,
            high: open.max(close),
            low: open.min(close),
            close,
            volume: 5,
        };
        let price = |ticks: i64| ticks.to_string();
        let picture = CandleChart {
            title: "AAA",
            subtitle: "one minute",
            candles: &[candle(0, 100, 120), candle(1, 120, 100)],
            interval_ns: 60_000_000_000,
            price: &price,
            width: 600,
            height: 300,
        }
        .picture();
        for theme in [Theme::Light, Theme::Dark] {
            let canvas = decoded(&picture.png(theme, 2).unwrap());
            assert_eq!((canvas.width(), canvas.height()), (1200, 600));
            let mut bodies = 0;
            for shape in &picture.shapes {
                let Shape::Rectangle { x, y, width, height, ink } = *shape else { continue };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "inside the picture"
                )]
                let at = (((x + width / 2.0 + 2.0) * 2.0) as u32, ((y + height / 2.0) * 2.0) as u32);
                let pixel = canvas.pixel(at.0, at.1).unwrap();
                assert!(is(pixel, theme.colour(ink)), "{ink:?} at {at:?}: {pixel:?}");
                bodies += 1;
            }
            assert_eq!(bodies, 4);
            // There are letters, and there is paper between them.
            let inked = |ink| canvas.pixels().iter().filter(|pixel| is(**pixel, theme.colour(ink))).count();
            assert!(inked(Ink::Text) > 30, "{}", inked(Ink::Text));
            assert!(canvas.pixels().iter().filter(|pixel| is(**pixel, theme.paper())).count() > 500_000);
        }
    }

    #[test]
    fn colours_are_those_of_the_page() {
        let (light, dark) = crate::STYLE.split_once("@media").unwrap();
        for (theme, style) in [(Theme::Light, light), (Theme::Dark, dark)] {
            for ink in Ink::ALL {
                let [red, green, blue] = theme.colour(ink);
                let said = format!("--{}: #{red:02x}{green:02x}{blue:02x};", ink.class());
                assert!(style.contains(&said), "{said}");
            }
        }
    }

    #[test]
    fn what_cannot_be_painted_is_refused() {
        let mut picture = Picture::new(20_000, 10, String::new());
        assert!(matches!(picture.png(Theme::Light, 1), Err(PngError::Size { width: 20_000, .. })));
        picture.width = 0;
        assert!(matches!(picture.png(Theme::Light, 1), Err(PngError::Size { .. })));
    }
}
