//! The arena: one range of memory at a fixed address that holds everything an execution can change, its allocator, the
//! stacks of its tasks, and the cell that leads to its state. All unsafe code of the crate is in this file.
//!
//! ```text
//!  BASE  header: the allocator's state, the stacks in use, the table of regions
//!        blocks: 16 KiB per virtual processor
//!        heap:   everything that was allocated while the arena was on, lowest address first
//!        stacks: one slot per task that can be alive, each above an inaccessible page
//! ```
//!
//! **On and off.** [`Allocator`] is the program's `#[global_allocator]`. It serves from the arena while
//! [`Runner::new`](crate::Runner::new) builds and while an execution runs, and only on the thread that does; [`outside`]
//! switches it off for what must outlive the execution. Which side a block belongs to is told by its address: an
//! execution never frees what was there before it, and nobody else frees what is in the arena.
//!
//! **Why a copy is enough.** Between two scheduling points no task runs. The header, the used part of the heap, the
//! blocks, the live part of each suspended stack and the regions are then all that an execution can have changed, since
//! drivers, world, monitors and coroutines were made by the allocator and reach nothing else. Copying these bytes back
//! gives the same state at the same addresses; no destructor runs and none is needed.

use crate::execution::Execution;
use crate::outcome::Ending;
use crate::processor::{BLOCK_SIZE, COUNT_MAX, IRQL_OFFSET};
use crate::runner::{Notes, SetupError};
use corosensei::stack::{Stack, StackPointer};
use corosensei::trap::{CoroutineTrapHandler, TrapHandlerRegs};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// Where the arena lies.
pub const BASE: usize = 0x2000_0000_0000;
const BLOCKS: usize = BASE + 0x1_0000;
const HEAP: usize = BASE + 0x10_0000;
const HEAP_END: usize = BASE + 0x2000_0000;
const STACKS: usize = HEAP_END;
/// The size of a task's stack.
pub const STACK_SIZE: usize = 0x4_0000;
/// The size of the inaccessible range below it.
pub const GUARD_SIZE: usize = 0x1000;
const SLOT: usize = STACK_SIZE + GUARD_SIZE;
/// How many tasks can be alive at once.
pub const STACK_COUNT: usize = 128;
const END: usize = STACKS + SLOT * STACK_COUNT;
/// How many regions there can be.
pub const REGION_MAX: usize = 64;

/// What a suspended coroutine may have below the address that [`suspend`] notes: the frame of the switch itself.
const STACK_MARGIN: usize = 1024;

/// Multiples of 16 up to 1 KiB, then four sizes per doubling.
const SMALL_CLASSES: usize = 64;
const CLASSES: usize = SMALL_CLASSES + 4 * 20;

/// What the snapshot must hold and no allocation does. Lies at [`BASE`]; all zero is not its initial state.
struct Header {
    /// The lowest address of the heap that was never handed out.
    fresh: Cell<usize>,
    /// Freed blocks per size class, each with the address of the next in its first word.
    free: [Cell<usize>; CLASSES],
    /// One bit per stack that is in use.
    stacks: Cell<u128>,
    /// For each stack in use: where its coroutine can be suspended, and down to where it is in use.
    suspended: [Cell<(usize, usize)>; STACK_COUNT],
    regions: [Cell<Region>; REGION_MAX],
    region_count: Cell<usize>,
}

#[derive(Clone, Copy)]
struct Region {
    start: usize,
    len: usize,
    used: usize,
}

/// Who allocates on this thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Nothing of ours.
    Off,
    /// `Runner::new` builds: there is no snapshot yet, so blocks from before may be freed.
    Building,
    /// An execution.
    Running,
}

type TaskYielder = Yielder<(), ()>;

thread_local! {
    // Constants without destructors: no lazy initialisation, safe in the allocator and in a signal handler.
    static MODE: Cell<Mode> = const { Cell::new(Mode::Off) };
    static EXECUTION: Cell<*const RefCell<Execution>> = const { Cell::new(std::ptr::null()) };
    static NOTES: Cell<*const RefCell<Notes>> = const { Cell::new(std::ptr::null()) };
    static CURRENT: Cell<Option<(usize, CoroutineTrapHandler<()>)>> = const { Cell::new(None) };
    static ENDING: Cell<Option<Ending>> = const { Cell::new(None) };
}

// ------------------------------------------------------------------------------------------------- the allocator

/// Allocates in the arena while an execution runs on the thread, from the system otherwise. To be installed as
/// `#[global_allocator]` by every program that makes a [`Runner`](crate::Runner).
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocator;

fn mode() -> Mode {
    // A panic ends the execution, and what prints it keeps what it allocates beyond that.
    if std::thread::panicking() { Mode::Off } else { MODE.get() }
}

/// Whether an address lies in the arena.
pub const fn contains(address: usize) -> bool {
    address >= BASE && address < END
}

const fn class_of(size: usize) -> usize {
    if size <= 16 * SMALL_CLASSES {
        return size.div_ceil(16).saturating_sub(1);
    }
    // 2^k < size <= 2^(k+1), k >= 10; each doubling has four steps.
    let k = (size - 1).ilog2() as usize;
    let step = 1usize << (k - 2);
    let quarter = (size - (1 << k)).div_ceil(step) - 1;
    SMALL_CLASSES + 4 * (k - 10) + quarter
}

const fn class_size(class: usize) -> usize {
    if class < SMALL_CLASSES {
        return 16 * (class + 1);
    }
    let (k, quarter) = ((class - SMALL_CLASSES) / 4 + 10, (class - SMALL_CLASSES) % 4);
    (1 << k) + (quarter + 1) * (1 << (k - 2))
}

fn header() -> &'static Header {
    // SAFETY: called only on a thread that holds the lease, so the arena is mapped and `format` has written a header
    // there. All fields are cells of integers, for which every bit pattern is valid; only this thread touches them.
    unsafe { &*(BASE as *const Header) }
}

fn read_word(address: usize) -> usize {
    // SAFETY: `address` is a freed block of the heap, 16-aligned, at least 16 bytes long.
    unsafe { (address as *const usize).read() }
}

fn write_word(address: usize, word: usize) {
    // SAFETY: `address` is a block of the heap that nobody uses, 16-aligned, at least 16 bytes long.
    unsafe { (address as *mut usize).write(word) }
}

/// A block of the heap of at least `size` bytes, 16-aligned; none when the heap is full.
fn take_block(size: usize) -> Option<usize> {
    if size > HEAP_END - HEAP {
        return None;
    }
    let header = header();
    let class = class_of(size);
    let free = header.free[class].get();
    if free != 0 {
        header.free[class].set(read_word(free));
        return Some(free);
    }
    let block = header.fresh.get();
    let end = block + class_size(class);
    (end <= HEAP_END).then(|| {
        header.fresh.set(end);
        block
    })
}

fn give_block(block: usize, size: usize) {
    let free = &header().free[class_of(size)];
    write_word(block, free.get());
    free.set(block);
}

/// Blocks that need more than 16-alignment are larger, and hold their own address in the word below the aligned one.
fn padded(layout: Layout) -> usize {
    if layout.align() <= 16 { layout.size().max(1) } else { layout.size().saturating_add(layout.align()) }
}

fn arena_alloc(layout: Layout) -> *mut u8 {
    let Some(block) = take_block(padded(layout)) else { return std::ptr::null_mut() };
    if layout.align() <= 16 {
        return block as *mut u8;
    }
    let aligned = (block + layout.align()) & !(layout.align() - 1);
    write_word(aligned - 16, block);
    aligned as *mut u8
}

fn arena_dealloc(address: usize, layout: Layout) {
    let block = if layout.align() <= 16 { address } else { read_word(address - 16) };
    give_block(block, padded(layout));
}

// SAFETY: arena blocks are disjoint, aligned and large enough by construction; everything else is the system's. A block
// that is not freed because it belongs to the other side stays allocated, which is allowed.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match mode() {
            // SAFETY: the caller's promise about `layout`.
            Mode::Off => unsafe { System.alloc(layout) },
            Mode::Building | Mode::Running => arena_alloc(layout),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match mode() {
            // SAFETY: the caller's promise about `layout`.
            Mode::Off => unsafe { System.alloc_zeroed(layout) },
            Mode::Building | Mode::Running => {
                let address = arena_alloc(layout);
                if !address.is_null() {
                    // SAFETY: the block has at least `layout.size()` bytes.
                    unsafe { address.write_bytes(0, layout.size()) };
                }
                address
            }
        }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        match (contains(address as usize), mode()) {
            (true, Mode::Building | Mode::Running) => arena_dealloc(address as usize, layout),
            // The arena's blocks are the execution's to free: a restore would bring this one back.
            (true, Mode::Off) => {}
            // SAFETY: the caller's promise: `address` came from `alloc`, and its address says that it was the system's.
            (false, Mode::Off | Mode::Building) => unsafe { System.dealloc(address, layout) },
            // An execution frees nothing from before it: after a restore it would do so again.
            (false, Mode::Running) => {}
        }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !contains(address as usize) && mode() == Mode::Off {
            // SAFETY: the caller's promise, and the block is the system's.
            return unsafe { System.realloc(address, layout, size) };
        }
        if contains(address as usize) && mode() != Mode::Off && layout.align() <= 16 {
            let (old, new) = (class_of(layout.size().max(1)), class_of(size.max(1)));
            if old == new {
                return address;
            }
        }
        // SAFETY: the caller promises that `size` rounded up to the alignment does not overflow.
        let layout_new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: `size` is not zero, by the caller's promise.
        let new = unsafe { self.alloc(layout_new) };
        if !new.is_null() {
            // SAFETY: both blocks have that many bytes, and the new one is disjoint from the old one.
            unsafe { new.copy_from_nonoverlapping(address, layout.size().min(size)) };
            // SAFETY: the caller's promise.
            unsafe { self.dealloc(address, layout) };
        }
        new
    }
}

/// Puts the mode back, also when a panic passes.
struct ModeGuard(Mode);

impl Drop for ModeGuard {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

fn in_mode<T>(mode: Mode, work: impl FnOnce() -> T) -> T {
    let _back = ModeGuard(MODE.replace(mode));
    work()
}

/// Runs `work` with the system's allocator, for what must outlive the execution. `work` must not call the engine.
pub fn outside<T>(work: impl FnOnce() -> T) -> T {
    in_mode(Mode::Off, work)
}

/// Runs `work` with the arena's allocator, as part of the execution.
pub(crate) fn inside<T>(work: impl FnOnce() -> T) -> T {
    in_mode(Mode::Running, work)
}

/// Runs `work` with the arena's allocator, before there is an execution.
pub(crate) fn building<T>(work: impl FnOnce() -> T) -> T {
    in_mode(Mode::Building, work)
}

/// How many bytes of the heap have been used.
pub(crate) fn used() -> usize {
    header().fresh.get() - HEAP
}

// ------------------------------------------------------------------------------------------------------ the lease

/// The right to use the arena: one at a time in a process, bound to the thread that took it.
#[derive(Debug)]
pub(crate) struct Lease {
    notes: *mut RefCell<Notes>,
    number: u64,
    thread_bound: PhantomData<*mut ()>,
}

struct Owner {
    thread: Option<ThreadId>,
    mapped: bool,
    leases: u64,
}

static OWNER: Mutex<Owner> = Mutex::new(Owner { thread: None, mapped: false, leases: 0 });
static RELEASED: Condvar = Condvar::new();

fn owner() -> MutexGuard<'static, Owner> {
    OWNER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lease {
    /// Waits until no other thread has the arena, and makes it empty.
    ///
    /// # Errors
    /// This thread has it, or it cannot be mapped.
    pub(crate) fn take() -> Result<Lease, SetupError> {
        let me = std::thread::current().id();
        let mut owner = owner();
        if owner.thread == Some(me) {
            return Err(SetupError::Busy);
        }
        while owner.thread.is_some() {
            owner = RELEASED.wait(owner).unwrap_or_else(PoisonError::into_inner);
        }
        if !owner.mapped {
            map()?;
            owner.mapped = true;
        }
        format();
        owner.thread = Some(me);
        owner.leases += 1;
        let notes = Box::into_raw(Box::new(RefCell::new(Notes::default())));
        NOTES.set(notes);
        ENDING.set(None);
        Ok(Lease { notes, number: owner.leases, thread_bound: PhantomData })
    }

    /// Which lease of the process it is.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        EXECUTION.set(std::ptr::null());
        NOTES.set(std::ptr::null());
        CURRENT.set(None);
        // SAFETY: made by `Box::into_raw` in `take`, and no pointer to it is left.
        drop(unsafe { Box::from_raw(self.notes) });
        // The pages come back as zeros. A failure would leave old bytes where `format` promises none.
        // SAFETY: the range is our own anonymous mapping and nothing refers into it any more.
        let result = unsafe { libc::madvise(BASE as *mut libc::c_void, END - BASE, libc::MADV_DONTNEED) };
        assert_eq!(result, 0, "the arena can be emptied");
        owner().thread = None;
        RELEASED.notify_one();
    }
}

/// Maps the arena, unless it is: for a program that gives up the right to map before it makes its first
/// [`Runner`](crate::Runner). A runner later needs `madvise` and `futex`, nothing else.
///
/// # Errors
/// The address range is taken.
pub fn reserve() -> Result<(), SetupError> {
    let mut owner = owner();
    if !owner.mapped {
        map()?;
        owner.mapped = true;
    }
    Ok(())
}

fn last_error() -> SetupError {
    SetupError::AddressTaken(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

fn map() -> Result<(), SetupError> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping that replaces nothing.
    let address = unsafe { libc::mmap(BASE as *mut libc::c_void, END - BASE, protection, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(last_error());
    }
    if address as usize != BASE {
        // A kernel older than 4.17 takes the address as a hint.
        // SAFETY: the mapping was just made and nobody uses it.
        unsafe { libc::munmap(address, END - BASE) };
        return Err(SetupError::AddressTaken(libc::EEXIST));
    }
    for slot in 0..STACK_COUNT {
        let guard = (STACKS + slot * SLOT) as *mut libc::c_void;
        // SAFETY: the page belongs to the mapping above, and nothing lies in it.
        if unsafe { libc::mprotect(guard, GUARD_SIZE, libc::PROT_NONE) } != 0 {
            return Err(last_error());
        }
    }
    Ok(())
}

fn format() {
    let empty = Header {
        fresh: Cell::new(HEAP),
        free: [const { Cell::new(0) }; CLASSES],
        stacks: Cell::new(0),
        suspended: [const { Cell::new((0, 0)) }; STACK_COUNT],
        regions: [const { Cell::new(Region { start: 0, len: 0, used: 0 }) }; REGION_MAX],
        region_count: Cell::new(0),
    };
    // SAFETY: the arena is mapped, its pages are zero or hold nothing that is in use, and the header fits before the blocks.
    unsafe { (BASE as *mut Header).write(empty) }
}

const _: () = assert!(size_of::<Header>() <= BLOCKS - BASE);
const _: () = assert!(BLOCKS + BLOCK_SIZE * COUNT_MAX as usize <= HEAP);
const _: () = assert!(STACK_COUNT <= 128);

// --------------------------------------------------------------------------------------------- the execution's cell

/// Makes the execution in the arena. Whether it lies there tells whether [`Allocator`] is installed.
pub(crate) fn install(execution: Execution) -> bool {
    let cell = Box::new(RefCell::new(execution));
    if !contains(&raw const *cell as usize) {
        return false;
    }
    // Never freed: the arena is emptied as a whole.
    EXECUTION.set(Box::into_raw(cell));
    true
}

fn cell() -> &'static RefCell<Execution> {
    let cell = EXECUTION.get();
    assert!(!cell.is_null(), "no execution runs on this thread");
    // SAFETY: set by `install` and cleared when the lease ends; the box is never freed, and a restore puts back a valid
    // state at the same address while nobody has it borrowed.
    unsafe { &*cell }
}

/// The state of the execution, alone. `work` runs no driver code and reaches no scheduling point.
pub(crate) fn execution<T>(work: impl FnOnce(&mut Execution) -> T) -> T {
    work(&mut cell().borrow_mut())
}

/// The same, unless a trap has left it in the middle of a change.
pub(crate) fn try_execution<T>(work: impl FnOnce(&mut Execution) -> T) -> Option<T> {
    cell().try_borrow_mut().ok().map(|mut execution| work(&mut execution))
}

/// What is kept beside the arena. `work` runs with the system's allocator.
pub(crate) fn notes<T>(work: impl FnOnce(&mut Notes) -> T) -> T {
    let notes = NOTES.get();
    assert!(!notes.is_null(), "no execution runs on this thread");
    // SAFETY: set and cleared together with the box it points to.
    let notes = unsafe { &*notes };
    outside(|| work(&mut notes.borrow_mut()))
}

/// Notes why the execution ends; the first reason stays.
pub(crate) fn set_ending(ending: Ending) {
    if ENDING.get().is_none() {
        ENDING.set(Some(ending));
    }
}

/// Why the execution ended, if a task ended it.
pub(crate) fn take_ending() -> Option<Ending> {
    ENDING.take()
}

// --------------------------------------------------------------------------------------------------- the processors

/// The block of a processor.
pub(crate) fn block(processor: u8) -> *mut u8 {
    (BLOCKS + BLOCK_SIZE * usize::from(processor)) as *mut u8
}

/// The word at [`IRQL_OFFSET`] of a processor's block.
pub(crate) fn read_level(processor: u8) -> u64 {
    let address = BLOCKS + BLOCK_SIZE * usize::from(processor % COUNT_MAX) + IRQL_OFFSET;
    // SAFETY: within the blocks, 8-aligned; volatile because driver code writes it, too.
    unsafe { (address as *const u64).read_volatile() }
}

/// Sets it.
pub(crate) fn write_level(processor: u8, level: u64) {
    let address = BLOCKS + BLOCK_SIZE * usize::from(processor % COUNT_MAX) + IRQL_OFFSET;
    // SAFETY: within the blocks, 8-aligned; volatile because driver code reads it, too.
    unsafe { (address as *mut u64).write_volatile(level) }
}

// ------------------------------------------------------------------------------------------------------- the stacks

/// A stack that no other coroutine has.
#[derive(Debug)]
struct StackSlot(usize);

impl StackSlot {
    /// The lowest free stack.
    fn take() -> Option<StackSlot> {
        let stacks = &header().stacks;
        let slot = stacks.get().trailing_ones() as usize;
        (slot < STACK_COUNT).then(|| {
            stacks.set(stacks.get() | 1 << slot);
            StackSlot(slot)
        })
    }

    const fn range(slot: usize) -> Range<usize> {
        let start = STACKS + slot * SLOT;
        start..start + SLOT
    }
}

impl Drop for StackSlot {
    fn drop(&mut self) {
        let stacks = &header().stacks;
        stacks.set(stacks.get() & !(1 << self.0));
    }
}

// SAFETY: the slot is mapped, 256 KiB large, page-aligned, with an inaccessible page at its lower end, and its bit in
// the header keeps everybody else from taking it.
unsafe impl Stack for StackSlot {
    fn base(&self) -> StackPointer {
        StackPointer::new(StackSlot::range(self.0).end).expect("the arena is not at 0")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(StackSlot::range(self.0).start).expect("the arena is not at 0")
    }
}

/// The stack of a task, with what runs on it. One that is suspended is abandoned with the arena, never dropped.
pub(crate) struct TaskStack {
    coroutine: Coroutine<(), (), (), StackSlot>,
    slot: usize,
}

impl TaskStack {
    /// Prepares `body` to run on a stack of its own; none when all stacks are taken.
    pub(crate) fn new(body: impl FnOnce() + 'static) -> Option<TaskStack> {
        let stack = StackSlot::take()?;
        let slot = stack.0;
        header().suspended[slot].set((0, stack.base().get() - STACK_SIZE / 16));
        let coroutine = Coroutine::with_stack(stack, move |yielder: &TaskYielder, ()| {
            let suspended = &header().suspended[slot];
            suspended.set((&raw const *yielder as usize, suspended.get().1));
            body();
        });
        Some(TaskStack { coroutine, slot })
    }

    /// Runs it until it suspends (`false`) or is over (`true`).
    pub(crate) fn resume(&mut self) -> bool {
        CURRENT.set(Some((self.slot, self.coroutine.trap_handler())));
        let result = inside(|| self.coroutine.resume(()));
        CURRENT.set(None);
        match result {
            CoroutineResult::Yield(()) => false,
            CoroutineResult::Return(()) => true,
        }
    }
}

/// Suspends the running task.
#[inline(never)]
pub(crate) fn suspend() {
    let (slot, _) = CURRENT.get().expect("only a task can be suspended");
    let suspended = &header().suspended[slot];
    let (yielder, _) = suspended.get();
    let here = 0u8;
    suspended.set((yielder, (&raw const here as usize) - STACK_MARGIN));
    // SAFETY: noted by the coroutine itself when it began, and it lies on its stack until it ends.
    let yielder = unsafe { &*(yielder as *const TaskYielder) };
    yielder.suspend(());
}

/// Whether a task runs.
pub(crate) fn in_task() -> bool {
    CURRENT.get().is_some()
}

/// The stack of the running task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackRange {
    /// The inaccessible page below it.
    pub guard: Range<usize>,
    /// The stack itself.
    pub usable: Range<usize>,
}

/// The stack of the running task; none when no task runs. May be called in a signal handler.
pub fn stack() -> Option<StackRange> {
    let (slot, _) = CURRENT.get()?;
    let range = StackSlot::range(slot);
    let usable = range.start + GUARD_SIZE;
    Some(StackRange { guard: range.start..usable, usable: usable..range.end })
}

/// Ends the execution from a signal handler: gives back the registers to continue with, none when no task runs.
///
/// The handler sets the interrupted context's registers to these and returns. The task's stack is then reset, which
/// makes room after an overflow, and control goes back to the [`Runner`](crate::Runner) without unwinding. The handler also has to clear
/// the direction and trap flags, which the interrupted code may have set.
///
/// # Safety
/// Only in a handler of a signal that interrupted the running task on its own stack ([`stack`]), and the handler must
/// continue with the registers it is given.
pub unsafe fn trap(ending: Ending) -> Option<TrapHandlerRegs> {
    let (_, handler) = CURRENT.get()?;
    set_ending(ending);
    // SAFETY: the caller's promise; the closure owns nothing.
    Some(unsafe { handler.setup_trap_handler(|| ()) })
}

// ------------------------------------------------------------------------------------------- regions and snapshots

/// A range outside the arena that belongs to the snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionId(usize);

/// Adds a range of memory to what an execution may change: the data of a driver's image, its pool. All of it is in use
/// until [`set_used`] says less.
///
/// # Panics
/// There are [`REGION_MAX`] regions, or [`Runner::new`](crate::Runner::new) is not building.
///
/// # Safety
/// The range stays mapped, readable and writable while the runner lives, and no Rust reference into it is held over a
/// scheduling point.
pub unsafe fn add_region(start: *mut u8, len: usize) -> RegionId {
    assert_eq!(MODE.get(), Mode::Building, "regions are added while a runner is built");
    let header = header();
    let count = header.region_count.get();
    assert!(count < REGION_MAX, "there are {REGION_MAX} regions already");
    header.regions[count].set(Region { start: start as usize, len, used: len });
    header.region_count.set(count + 1);
    RegionId(count)
}

/// Says how many bytes at the beginning of a region are in use: a snapshot copies only these, and what lies behind
/// them is undefined after a restore. The number is part of the snapshot.
///
/// # Panics
/// There is no runner on this thread.
pub fn set_used(region: RegionId, used: usize) {
    assert!(!NOTES.get().is_null(), "no runner on this thread");
    let cell = &header().regions[region.0];
    let mut region = cell.get();
    region.used = used.min(region.len);
    cell.set(region);
}

/// A copy of everything an execution can have changed.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// Which bytes, in the order in which they lie in `bytes`: address and length.
    pieces: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

impl Memory {
    /// Copies the present state. No task may be running.
    pub(crate) fn capture(processors: u8) -> Memory {
        assert!(CURRENT.get().is_none(), "a snapshot is taken between two scheduling points");
        let header = header();
        let mut memory = Memory::default();
        memory.add(BASE, size_of::<Header>());
        memory.add(BLOCKS, BLOCK_SIZE * usize::from(processors));
        memory.add(HEAP, header.fresh.get() - HEAP);
        for slot in (0..STACK_COUNT).filter(|slot| header.stacks.get() >> slot & 1 != 0) {
            let range = StackSlot::range(slot);
            let lowest = header.suspended[slot].get().1.clamp(range.start + GUARD_SIZE, range.end);
            memory.add(lowest, range.end - lowest);
        }
        for region in &header.regions[..header.region_count.get()] {
            memory.add(region.get().start, region.get().used);
        }
        memory
    }

    fn add(&mut self, start: usize, len: usize) {
        self.bytes.reserve(len);
        let end = self.bytes.as_mut_ptr().wrapping_add(self.bytes.len());
        // SAFETY: the source is a part of the arena in use, or a region, whose owner promises that it is readable; the
        // destination was just reserved. Bytes that Rust calls uninitialised are copied as they are and never looked at.
        unsafe { end.copy_from_nonoverlapping(start as *const u8, len) };
        // SAFETY: these bytes have just been written.
        unsafe { self.bytes.set_len(self.bytes.len() + len) };
        self.pieces.push((start, len));
    }

    /// Copies it back. No task may be running, and nothing that the arena holds may be borrowed.
    pub(crate) fn restore(&self) {
        assert!(CURRENT.get().is_none(), "a state is restored between two scheduling points");
        let mut bytes = self.bytes.as_slice();
        for &(start, len) in &self.pieces {
            let (piece, rest) = bytes.split_at(len);
            // SAFETY: the destination is where these bytes came from: mapped, writable, and nobody refers into it now.
            unsafe { (start as *mut u8).copy_from_nonoverlapping(piece.as_ptr(), len) };
            bytes = rest;
        }
        ENDING.set(None);
    }

    /// How many bytes it holds.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fits_its_class_and_no_smaller_one() {
        for size in (1..5000).chain((12..29).flat_map(|k| [(1usize << k) - 1, 1 << k, (1 << k) + 1])) {
            let class = class_of(size);
            assert!(class < CLASSES, "{size}");
            assert!(class_size(class) >= size, "{size}");
            assert!(class == 0 || class_size(class - 1) < size, "{size}");
            assert_eq!(class_size(class) % 16, 0);
        }
    }
}
