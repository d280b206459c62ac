//! The `condis` program.

fn main() {}
