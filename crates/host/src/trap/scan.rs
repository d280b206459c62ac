//! Finds, before a driver runs, where its `mov cr8` instructions are and where jumps lead, so that the trap handler may
//! rewrite such an instruction without cutting a jump's target in two.
//!
//! Code is followed from everything that is known to be code: the entry point, the function table, exports, addresses
//! that are taken or relocated. Jump tables of the usual compilers are followed too. What cannot be followed makes its
//! function opaque, and instructions there are left to the trap. Nothing here is needed for correctness of emulation.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use pe::Image;
use std::collections::BTreeSet;

/// The longest jump table that is followed, in entries.
const LONGEST_TABLE: u32 = 1024;
/// The flags of a function's unwind information that say that exceptions are handled in it: control may then enter
/// anywhere.
const UNWIND_HANDLERS: u8 = 0b11;

/// What was found. Positions are RVAs, ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Instructions that read or write `cr8`, or that follow one.
    starts: Vec<u32>,
    targets: Vec<u32>,
    /// Ranges in which control may enter anywhere.
    opaque: Vec<(u32, u32)>,
}

impl Scan {
    /// Looks through `image`. Costs nothing for the many drivers that have no such instruction.
    pub(crate) fn new(image: &Image) -> Scan {
        if has_candidates(image) { Search::new(image).run() } else { Scan::default() }
    }

    /// Whether the bytes from `start` to `end` may be replaced: they begin at a known instruction, and no jump is known
    /// or feared to lead behind its start.
    pub(crate) fn may_replace(&self, start: u32, end: u32) -> bool {
        let first_behind = self.targets.partition_point(|&target| target <= start);
        self.starts.binary_search(&start).is_ok()
            && self.targets.get(first_behind).is_none_or(|&target| target >= end)
            && !self.opaque.iter().any(|&(begin, until)| begin < end && start < until)
    }
}

/// Whether `instruction` reads or writes the interrupt request level.
pub(crate) fn is_cr8(instruction: &Instruction) -> bool {
    match instruction.code() {
        Code::Mov_r64_cr => instruction.op1_register() == Register::CR8,
        Code::Mov_cr_r64 => instruction.op0_register() == Register::CR8,
        _ => false,
    }
}

/// Every such instruction has one of two pairs of bytes.
fn has_candidates(image: &Image) -> bool {
    image.sections().iter().filter(|section| section.execute).any(|section| {
        image.section_contents(section).windows(2).any(|pair| matches!(pair, [0x0f, 0x20 | 0x22]))
    })
}

struct Search<'a> {
    image: &'a Image,
    work: Vec<u32>,
    seen: BTreeSet<u32>,
    cr8: BTreeSet<u32>,
    targets: BTreeSet<u32>,
    opaque: Vec<(u32, u32)>,
}

impl Search<'_> {
    fn new(image: &Image) -> Search<'_> {
        let exported = image.exports().iter().filter_map(|export| match &export.target {
            pe::ExportTarget::Rva(rva) => Some(*rva),
            pe::ExportTarget::Forwarder(_) => None,
        });
        let relocated = image.relocations().iter().filter_map(|&rva| {
            let address = u64::from_le_bytes(bytes_at(image, rva)?.get(..8)?.try_into().ok()?);
            let target = u32::try_from(address.checked_sub(image.image_base())?).ok()?;
            image.contains_code(target).then_some(target)
        });
        let functions = image.functions().iter().map(|function| function.begin);
        let work: Vec<u32> =
            [image.entry_point()].into_iter().chain(exported).chain(relocated).chain(functions).collect();
        let opaque =
            image.functions().iter().filter(|function| handles_exceptions(image, function.unwind_info));
        Search {
            image,
            targets: work.iter().copied().collect(),
            work,
            seen: BTreeSet::new(),
            cr8: BTreeSet::new(),
            opaque: opaque.map(|function| (function.begin, function.end)).collect(),
        }
    }

    fn run(mut self) -> Scan {
        while let Some(start) = self.work.pop() {
            self.follow(start);
        }
        Scan {
            starts: self.cr8.into_iter().collect(),
            targets: self.targets.into_iter().collect(),
            opaque: self.opaque,
        }
    }

    /// Follows straight code from `start` to its end.
    fn follow(&mut self, start: u32) {
        let Some(code) = self.image.section_at(start).filter(|section| section.execute) else { return };
        let contents = self.image.section_contents(code);
        let Some(bytes) = contents.get((start - code.rva) as usize..) else { return };
        let mut decoder = Decoder::with_ip(64, bytes, u64::from(start), DecoderOptions::NONE);
        let mut tables = Vec::new();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let rva = instruction.ip() as u32;
            if instruction.is_invalid() || !self.seen.insert(rva) {
                return;
            }
            if is_cr8(&instruction) {
                self.cr8.insert(rva);
            }
            self.note_addresses(&instruction, &mut tables);
            match instruction.flow_control() {
                FlowControl::UnconditionalBranch => {
                    self.reach(instruction.near_branch_target());
                    return;
                }
                FlowControl::ConditionalBranch | FlowControl::Call => {
                    self.reach(instruction.near_branch_target());
                }
                FlowControl::IndirectBranch if !instruction.is_ip_rel_memory_operand() => {
                    self.follow_table(rva, &tables);
                    return;
                }
                FlowControl::IndirectBranch | FlowControl::Return | FlowControl::Exception => return,
                FlowControl::Next
                | FlowControl::IndirectCall
                | FlowControl::Interrupt
                | FlowControl::XbeginXabortXend => {}
            }
        }
    }

    fn reach(&mut self, target: u64) {
        if let Ok(target) = u32::try_from(target)
            && self.image.contains_code(target)
        {
            self.targets.insert(target);
            self.work.push(target);
        }
    }

    /// Addresses that an instruction takes may be code, or tables of what a later jump leads to: with the table as what
    /// the entries are relative to (GCC, clang), or the image (MSVC).
    fn note_addresses(&mut self, instruction: &Instruction, tables: &mut Vec<(u32, u32)>) {
        if instruction.code() == Code::Lea_r64_m && instruction.is_ip_rel_memory_operand() {
            let target = instruction.ip_rel_memory_address();
            self.reach(target);
            if let Ok(table) = u32::try_from(target) {
                tables.push((table, table));
            }
        }
        let has_memory =
            (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let displacement = instruction.memory_displacement64();
        if has_memory
            && instruction.memory_index_scale() == 4
            && displacement != 0
            && let Ok(table) = u32::try_from(displacement)
        {
            tables.push((table, 0));
        }
    }

    fn follow_table(&mut self, jump: u32, tables: &[(u32, u32)]) {
        for &(table, relative_to) in tables.iter().rev() {
            let mut found = false;
            for index in 0..LONGEST_TABLE {
                let Some(target) = self.table_entry(table, relative_to, index) else { break };
                self.reach(u64::from(target));
                found = true;
            }
            if found {
                return;
            }
        }
        let function = self.image.function_at(jump);
        self.opaque.push(function.map_or((0, u32::MAX), |function| (function.begin, function.end)));
    }

    fn table_entry(&self, table: u32, relative_to: u32, index: u32) -> Option<u32> {
        let bytes = bytes_at(self.image, table.checked_add(4 * index)?)?.get(..4)?;
        let offset = i32::from_le_bytes(bytes.try_into().ok()?);
        let target = relative_to.checked_add_signed(offset)?;
        self.image.contains_code(target).then_some(target)
    }
}

fn bytes_at(image: &Image, rva: u32) -> Option<&[u8]> {
    let section = image.section_at(rva)?;
    image.section_contents(section).get((rva - section.rva) as usize..)
}

fn handles_exceptions(image: &Image, unwind_info: u32) -> bool {
    // An entry that shares another's information, or one that cannot be read, is feared to.
    unwind_info & 1 != 0
        || bytes_at(image, unwind_info)
            .and_then(|bytes| bytes.first())
            .is_none_or(|first| first >> 3 & UNWIND_HANDLERS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: &[u8]) -> Image {
        Image::parse(bytes).expect("a test driver")
    }

    #[test]
    fn a_driver_without_such_instructions_is_not_searched() {
        let image = image(include_bytes!("../../../../samples/good/miniport/miniport.sys"));
        assert_eq!(Scan::new(&image), Scan::default());
    }

    /// `routines.c` has an instruction of each kind: ones that may go, and one with a jump's target right behind it.
    #[test]
    fn what_a_jump_leads_behind_of_stays() {
        let image = image(include_bytes!("../../tests/drivers/routines.sys"));
        let scan = Scan::new(&image);
        let replaceable = |&start: &u32| scan.may_replace(start, start + 5);
        let kept: Vec<u32> = scan.starts.iter().copied().filter(|start| !replaceable(start)).collect();
        assert_eq!(kept.len(), 1, "{scan:?}");
        assert!(scan.targets.contains(&(kept[0] + 4)));
        assert!(scan.starts.len() > 5);
        // An instruction that was not found by following the code is left alone, even if it is one.
        assert!(!scan.may_replace(scan.starts[0] + 1, scan.starts[0] + 6));
    }

    #[test]
    fn what_cannot_be_followed_stays() {
        let image = image(include_bytes!("../../tests/drivers/routines.sys"));
        let mut scan = Scan::new(&image);
        let start = scan.starts[0];
        assert!(scan.may_replace(start, start + 5));
        scan.opaque.push((start + 4, start + 100));
        assert!(!scan.may_replace(start, start + 5));
    }
}
