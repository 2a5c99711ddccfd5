//! outcry
fn main() {}
