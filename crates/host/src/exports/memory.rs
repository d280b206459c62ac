//! Memory of the kernel: `NdisAllocateMemoryWithTagPriority` and `ExAllocatePool2` with their relatives.

use super::Here;
use crate::pool::{Block, Family};
use contract::Rule;
use model::Token;
use model::record::Operation;

/// `POOL_FLAG_UNINITIALIZED` of `ExAllocatePool2`, which zeroes the block without it.
const POOL_FLAG_UNINITIALIZED: u64 = 0x2;
/// `NDIS_STATUS_RESOURCES` of `NdisAllocateMemoryWithTag`.
const RESOURCES: u32 = contract::Status::RESOURCES.0;

fn allocate(here: &Here, size: u64, tag: u32, family: Family, zeroed: bool) -> u64 {
    let owner = here.driver().id;
    let block = Block { address: 0, size, tag, owner, site: here.site(), family };
    let Some(address) = here.host().pool.borrow_mut().allocate(block, zeroed) else { return 0 };
    here.kernel(Operation::Allocate(Token(address), size));
    address
}

fn free(here: &Here, address: u64, family: Family, tag: Option<u32>) {
    here.kernel(Operation::Free(Token(address)));
    let freed = here.host().pool.borrow_mut().free(address, family, tag);
    if let Err(error) = freed {
        here.violate(Rule::KernelPoolInvalidFree, error.offence());
    }
}

super::exports! {
    Ndis Dispatch "nf-ndis-ndisallocatememorywithtagpriority"
    NdisAllocateMemoryWithTagPriority[here](_handle: u64, length: u32, tag: u32, _priority: u32) -> u64 {
        allocate(&here, u64::from(length), tag, Family::Ndis, false)
    }

    Ndis Dispatch ""
    NdisAllocateMemoryWithTag[here](address: u64, length: u32, tag: u32) -> u32 {
        let block = allocate(&here, u64::from(length), tag, Family::Ndis, false);
        here.check(crate::guest::write_u64(address, block));
        if block == 0 { RESOURCES } else { 0 }
    }

    Ndis Dispatch "nf-ndis-ndisfreememory"
    NdisFreeMemory[here](address: u64, _length: u32, _flags: u32) {
        free(&here, address, Family::Ndis, None);
    }

    Ndis Dispatch "nf-ndis-ndisfreememorywithtag"
    NdisFreeMemoryWithTag[here](address: u64, tag: u32) {
        free(&here, address, Family::Ndis, Some(tag));
    }

    Kernel Dispatch "wdm/nf-wdm-exallocatepoolwithtag"
    ExAllocatePoolWithTag[here](_kind: u32, size: u64, tag: u32) -> u64 {
        allocate(&here, size, tag, Family::Executive, false)
    }

    Kernel Dispatch "wdm/nf-wdm-exallocatepool2"
    ExAllocatePool2[here](flags: u64, size: u64, tag: u32) -> u64 {
        allocate(&here, size, tag, Family::Executive, flags & POOL_FLAG_UNINITIALIZED == 0)
    }

    Kernel Dispatch "wdm/nf-wdm-exfreepool"
    ExFreePool[here](address: u64) {
        free(&here, address, Family::Executive, None);
    }

    Kernel Dispatch "wdm/nf-wdm-exfreepoolwithtag"
    ExFreePoolWithTag[here](address: u64, tag: u32) {
        free(&here, address, Family::Executive, Some(tag));
    }
}
