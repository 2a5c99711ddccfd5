//! What a picture is made of.

/// What a shape is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Words that matter.
    Text,
    /// Words that explain.
    Label,
    /// The lines behind everything.
    Grid,
    /// A price that rose.
    Rising,
    /// A price that fell.
    Falling,
    /// A price that did neither.
    Level,
    /// Volume when the price rose.
    VolumeRising,
    /// Volume when it fell.
    VolumeFalling,
    /// Volume when it did neither.
    VolumeLevel,
    /// The line of the last price.
    Last,
}

impl Ink {
    /// Every ink.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Label,
        Self::Grid,
        Self::Rising,
        Self::Falling,
        Self::Level,
        Self::VolumeRising,
        Self::VolumeFalling,
        Self::VolumeLevel,
        Self::Last,
    ];

    /// Its name in a style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Label => "label",
            Self::Grid => "grid",
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Level => "level",
            Self::VolumeRising => "volume-rising",
            Self::VolumeFalling => "volume-falling",
            Self::VolumeLevel => "volume-level",
            Self::Last => "last",
        }
    }
}

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// A part of a picture. Places are in pixels from the top left corner.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle.
    Rectangle {
        /// Left edge.
        x: f32,
        /// Upper edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
        /// Its colour.
        ink: Ink,
    },
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f32, f32)>,
        /// How thick it is.
        width: f32,
        /// Whether it is broken into dashes.
        dashed: bool,
        /// Its colour.
        ink: Ink,
    },
    /// A line of text.
    Text {
        /// Where its anchor is.
        x: f32,
        /// Where its baseline is.
        y: f32,
        /// Height of the letters.
        size: f32,
        /// Which end of it is at `x`.
        anchor: Anchor,
        /// What it says.
        text: String,
        /// Its colour; [`Ink::Text`] is bold.
        ink: Ink,
    },
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// Its parts, the lowest first.
    pub shapes: Vec<Shape>,
}

impl Picture {
    pub(crate) fn new(width: u32, height: u32, title: String) -> Self {
        Self { width, height, title, shapes: Vec::new() }
    }

    pub(crate) fn rectangle(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), ink: Ink) {
        self.shapes.push(Shape::Rectangle { x, y, width, height, ink });
    }

    pub(crate) fn line(&mut self, points: Vec<(f32, f32)>, width: f32, ink: Ink) {
        self.shapes.push(Shape::Line { points, width, dashed: false, ink });
    }

    pub(crate) fn text(&mut self, (x, y): (f32, f32), size: f32, anchor: Anchor, text: String, ink: Ink) {
        self.shapes.push(Shape::Text { x, y, size, anchor, text, ink });
    }

    /// Several pictures below each other, as wide as the widest.
    pub fn stacked(pictures: &[Self], title: String) -> Self {
        let width = pictures.iter().map(|picture| picture.width).max().unwrap_or(1);
        let mut stack = Self::new(width, 0, title);
        for picture in pictures {
            let down = px(stack.height);
            stack.shapes.extend(picture.shapes.iter().map(|shape| shape.moved_down(down)));
            stack.height += picture.height;
        }
        stack
    }
}

impl Shape {
    fn moved_down(&self, by: f32) -> Self {
        let mut moved = self.clone();
        match &mut moved {
            Self::Rectangle { y, .. } | Self::Text { y, .. } => *y += by,
            Self::Line { points, .. } => points.iter_mut().for_each(|(_, y)| *y += by),
        }
        moved
    }
}

/// A number of pixels, items or ticks as a place in a picture.
#[expect(clippy::cast_precision_loss, reason = "a pixel is coarser than 24 bits")]
pub(crate) fn px(number: u32) -> f32 {
    number as f32
}

/// A count of anything as a place in a picture.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a pixel is coarser than 24 bits"
)]
pub(crate) fn part(number: i128, of: i128) -> f32 {
    if of == 0 { 0.0 } else { (number as f64 / of as f64) as f32 }
}
