//! The interrupt request level, for drivers that call routines for it; most code reads and writes `cr8` itself.

use super::Here;
use crate::guest;
use model::record::{Irql, Operation};

fn raise(here: &Here, level: u8) -> u8 {
    here.kernel(Operation::RaiseIrql(Irql(level))) as u8
}

fn lower(here: &Here, level: u8) {
    here.kernel(Operation::LowerIrql(Irql(level)));
}

super::exports! {
    Kernel Any "wdm/nf-wdm-kegetcurrentirql"
    KeGetCurrentIrql[here]() -> u8 {
        engine::processor::irql().0
    }

    Hal Any "wdm/nf-wdm-keraiseirql"
    KfRaiseIrql[here](level: u8) -> u8 {
        raise(&here, level)
    }

    Hal Any "wdm/nf-wdm-kelowerirql"
    KfLowerIrql[here](level: u8) {
        lower(&here, level);
    }

    Kernel Any "wdm/nf-wdm-keraiseirql"
    KeRaiseIrql[here](level: u8, old: u64) {
        let before = raise(&here, level);
        here.check(guest::write_u8(old, before));
    }

    Kernel Any "wdm/nf-wdm-kelowerirql"
    KeLowerIrql[here](level: u8) {
        lower(&here, level);
    }

    Kernel Dispatch "wdm/nf-wdm-keraiseirqltodpclevel"
    KeRaiseIrqlToDpcLevel[here]() -> u8 {
        raise(&here, Irql::DISPATCH.0)
    }
}
