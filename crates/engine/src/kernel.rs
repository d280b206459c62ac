//! Kernel objects. (Being written.)

use model::record::KernelCall;

/// What a driver's call of the kernel does. The answer is what [`Operation`](model::record::Operation) documents.
pub fn kernel(call: KernelCall) -> u64 {
    let _ = call;
    unreachable!("the skeleton runs no task")
}
