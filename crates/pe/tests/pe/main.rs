//! Tests of crate `pe` through its public interface. `builder` makes the one correct driver that all of them
//! start from; `errors` breaks it in every way, `image` reads it, `mutations` breaks it at random, and `seeds`
//! keeps the fuzzer's starting points.

mod builder;
mod errors;
mod image;
mod mutations;
mod seeds;
