//! A picture as SVG. It names classes instead of colours, so that a page can have others in the dark; [`STYLE`] is what they mean.

use std::fmt::{self, Write as _};

use crate::picture::{Anchor, Ink, Picture, Shape};

/// A style sheet for the classes of a picture, light or dark as the reader has it, light on paper.
pub const STYLE: &str = include_str!("style.css");

/// Text as it may stand in SVG and HTML.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

impl Picture {
    /// The picture as an `svg` element of a page that has [`STYLE`].
    pub fn svg(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write_svg(&mut out);
        out
    }

    fn write_svg(&self, out: &mut String) -> fmt::Result {
        let Self { width, height, title, shapes } = self;
        writeln!(
            out,
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">"
        )?;
        writeln!(out, "<title>{}</title>", Escaped(title))?;
        for shape in shapes {
            shape.write_svg(out)?;
        }
        writeln!(out, "</svg>")
    }
}

impl Shape {
    fn write_svg(&self, out: &mut String) -> fmt::Result {
        match self {
            Self::Rectangle { x, y, width, height, ink } => writeln!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"f {}\"/>",
                ink.class()
            ),
            Self::Line { points, width, dashed, ink } => {
                write!(out, "<polyline points=\"")?;
                for (at, (x, y)) in points.iter().enumerate() {
                    let space = if at == 0 { "" } else { " " };
                    write!(out, "{space}{x:.1},{y:.1}")?;
                }
                let dashes = if *dashed { " stroke-dasharray=\"3 3\"" } else { "" };
                writeln!(out, "\" stroke-width=\"{width}\"{dashes} class=\"s {}\"/>", ink.class())
            }
            Self::Text { x, y, size, anchor, text, ink } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let weight = if *ink == Ink::Text { " font-weight=\"600\"" } else { "" };
                writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{weight} class=\"f {}\">{}</text>",
                    ink.class(),
                    Escaped(text)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_escaped() {
        let mut picture = Picture::new(10, 10, "<script>".to_owned());
        picture.text((1.0, 2.0), 11.0, Anchor::Start, "a\"b'<&>".to_owned(), Ink::Label);
        let svg = picture.svg();
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"), "{svg}");
        assert!(svg.contains(">a&quot;b&#39;&lt;&amp;&gt;</text>"), "{svg}");
    }

    #[test]
    fn the_style_sheet_knows_every_ink_twice() {
        for ink in Ink::ALL {
            let variable = format!("--{}:", ink.class());
            assert_eq!(STYLE.matches(&variable).count(), 2, "{variable} in the light and in the dark");
            assert!(STYLE.contains(&format!(".{} ", ink.class())), "{}", ink.class());
        }
    }
}
