//! The loop. (Being written.)

use contract::Status;
use model::{Call, OutParameter};

/// What a driver's call of NDIS does.
pub fn call(call: Call, publish: &mut dyn FnMut(OutParameter)) -> Status {
    let _ = (call, publish);
    unreachable!("the skeleton runs no task")
}

/// Notes what the running driver prints: a record, with the text beside the trace.
pub fn print(text: &str) {
    let _ = text;
}

/// Says from where in the driver's image the next call comes.
pub fn set_site(site: Option<u32>) {
    let _ = site;
}
