//! What the native drivers of one execution share, and what is known of each of them.
//!
//! A [`Host`] is made while a [`Runner`](engine::Runner) builds its setup, so it lies in the arena and is restored with
//! it. Exports and the signal handler, which driver code reaches without an argument of ours, find it through one
//! pointer. Nothing in here is borrowed while driver code runs or the engine is called.

use crate::exports;
use crate::handle::Handles;
use crate::handlers::Handlers;
use crate::map::{self, MAX_DRIVERS, MapError, Mapping};
use crate::objects::Objects;
use crate::pool::{Block, Family, Pool};
use crate::registry::Registry;
use crate::structures::Structures;
use crate::trap::{self, rewrite::Rewritten, scan::Scan, watchdog};
use crate::{guest, processor};
use engine::Ending;
use model::{DriverId, Handle, HandleArg, TaskId};
use pe::{Image, Import, Symbol};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// How native drivers are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// After how much processor time without a call a driver's code is taken to be in an endless loop.
    pub watchdog: Duration,
    /// Whether instructions that trap are rewritten, so that they trap once only.
    pub rewrite: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { watchdog: Duration::from_secs(2), rewrite: true }
    }
}

/// Why a driver cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// It cannot be laid out in memory.
    Map(MapError),
    /// Another driver has this id already.
    Twice(DriverId),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Map(error) => error.fmt(f),
            LoadError::Twice(driver) => write!(f, "driver {} is loaded already", driver.0),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LoadError::Map(error) => Some(error),
            LoadError::Twice(_) => None,
        }
    }
}

/// The host of the execution, for those who cannot be passed one. It points into the arena, so it may be followed
/// only while a task runs or the setup is built.
static CURRENT: AtomicPtr<Host> = AtomicPtr::new(std::ptr::null_mut());

/// Which instructions of each driver have been rewritten. Outside of the arena: a restore leaves the code as it is.
static REWRITTEN: [Rewritten; MAX_DRIVERS] = [const { Rewritten::new() }; MAX_DRIVERS];

/// What the native drivers of one execution share.
pub struct Host {
    options: Options,
    drivers: RefCell<Vec<Option<&'static Loaded>>>,
    pub(crate) handles: RefCell<Handles>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) objects: RefCell<Objects>,
    /// What was lent to drivers for structures of drivers that are not native.
    pub(crate) structures: RefCell<Structures>,
    /// The base names of VCs that are longer than the core takes them, by who made the VC and what it had made before.
    pub(crate) long_names: RefCell<BTreeMap<(TaskId, u32), String>>,
    /// Whether some driver has functions for one binding only, so that it matters what belongs to which.
    pub(crate) has_overrides: Cell<bool>,
    /// Values of `NDIS_MEDIUM` that miniports have set: the last one, which a bind reports.
    pub(crate) medium: Cell<u32>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Host {
    /// Prepares this thread and process for native drivers. To be called while a runner builds its setup, before any
    /// driver is loaded.
    ///
    /// # Errors
    /// The system refused a signal handler or a timer.
    pub fn new(options: Options) -> io::Result<&'static Host> {
        trap::install()?;
        watchdog::start(options.watchdog)?;
        processor::fill();
        engine::processor::on_switch(processor::switch_to);
        processor::switch_to(0);
        // The arena is emptied as a whole when the runner goes.
        let host: &'static Host = Box::leak(Box::new(Host {
            options,
            drivers: RefCell::default(),
            handles: RefCell::default(),
            pool: RefCell::default(),
            objects: RefCell::default(),
            structures: RefCell::default(),
            long_names: RefCell::default(),
            has_overrides: Cell::new(false),
            medium: Cell::new(crate::abi::NDIS_MEDIUM_CO_WAN),
        }));
        CURRENT.store(std::ptr::from_ref(host).cast_mut(), Ordering::Relaxed);
        Ok(host)
    }

    /// The host of the running execution.
    pub(crate) fn current() -> Option<&'static Host> {
        let host = CURRENT.load(Ordering::Relaxed);
        // SAFETY: it was leaked in the arena, which outlives the execution whose task asks.
        unsafe { host.as_ref() }
    }

    /// Loads a driver.
    ///
    /// `name` is what reports call it; `id` is its place in the setup. Imports that are not provided do not keep it from
    /// loading: touching one ends the execution by name ([`imports_status`](crate::imports_status) lists them before).
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(
        &'static self,
        image: &Image,
        name: &str,
        id: DriverId,
        registry: Registry,
    ) -> Result<crate::NativeDriver, LoadError> {
        let index = usize::from(id.0);
        if self.driver(index).is_some() {
            return Err(LoadError::Twice(id));
        }
        let resolve =
            |import: &Import| exports::lookup(&import.library, &import.symbol).map(|export| export.address());
        let mapping = Mapping::new(image, index, resolve).map_err(LoadError::Map)?;
        for (start, size) in mapping.writable() {
            // SAFETY: the range is mapped until another driver gets this index, which the next runner's does; all
            // access to it goes by address.
            unsafe { engine::arena::add_region(start as *mut u8, size) };
        }
        let rewritten = &REWRITTEN[index];
        rewritten.clear();
        let loaded: &'static Loaded = Box::leak(Box::new(Loaded {
            id,
            name: name.to_owned(),
            entry: mapping.base() + u64::from(image.entry_point()),
            scan: Scan::new(image),
            rewrites: self.options.rewrite,
            rewritten,
            registry,
            handlers: RefCell::default(),
            driver_object: Cell::new(0),
            mapping,
        }));
        let mut drivers = self.drivers.borrow_mut();
        if drivers.len() <= index {
            drivers.resize(index + 1, None);
        }
        drivers[index] = Some(loaded);
        drop(drivers);
        Ok(crate::NativeDriver::new(self, loaded))
    }

    pub(crate) fn driver(&self, index: usize) -> Option<&'static Loaded> {
        self.drivers.borrow().get(index).copied().flatten()
    }

    /// Where in a driver's code an address lies, if it does.
    pub(crate) fn place(&self, address: u64) -> Option<Place<'static>> {
        let (index, offset) = map::place_of(address)?;
        let driver = self.driver(index)?;
        let code = driver.mapping.is_code(offset) || driver.mapping.is_rewritten(offset);
        code.then_some(Place { driver, offset })
    }

    /// The address in the driver's own code for which an address in rewritten code stands; others stand for themselves.
    pub(crate) fn original(&self, address: u64) -> u64 {
        let Some((index, offset)) = map::place_of(address) else { return address };
        let Some(driver) = self.driver(index).filter(|driver| driver.mapping.is_rewritten(offset)) else {
            return address;
        };
        driver.rewritten.original(offset).map_or(address, |rva| driver.mapping.base() + u64::from(rva))
    }

    pub(crate) fn unknown(&self, index: usize, import: usize) -> Option<&'static Import> {
        self.driver(index)?.mapping.unknown(import)
    }

    /// The import that [`Ending::Unimplemented`] means, as `library!symbol`.
    pub fn symbol(&self, number: u32) -> Option<String> {
        let import = self.unknown((number >> 16) as usize, (number & 0xffff) as usize)?;
        Some(match &import.symbol {
            Symbol::Name(name) => format!("{}!{name}", import.library),
            Symbol::Ordinal(ordinal) => format!("{}!#{ordinal}", import.library),
        })
    }

    /// The driver and the offset into its image that an address lies at, with the driver's name.
    pub fn module_at(&self, address: u64) -> Option<(DriverId, String, u32)> {
        let (index, offset) = map::place_of(self.original(address))?;
        let driver = self.driver(index)?;
        (offset < driver.mapping.image_size()).then(|| (driver.id, driver.name.clone(), offset))
    }

    /// What an address is, in words: a handle, a freed block, a member of NULL, a place in a driver. None if nothing is
    /// known of it.
    pub fn explain(&self, address: u64) -> Option<String> {
        if address < 0x1_0000 {
            return Some(if address == 0 { "NULL".into() } else { format!("NULL + {address:#x}") });
        }
        if crate::handle::is_handle(address) {
            let (handle, offset) = self.handles.borrow().handle_near(address)?;
            return (offset < 0x1_0000).then(|| format!("{handle:?} + {offset:#x}"));
        }
        if let Some(number) = crate::handle::object_number(address) {
            return self.objects.borrow().describe(number);
        }
        if crate::pool::is_freed_pattern(address) {
            return Some("the pattern that fills freed memory".into());
        }
        if crate::pool::is_fresh_pattern(address) {
            return Some("the pattern that fills memory that nobody has written".into());
        }
        if let Some((index, import, _)) = map::unknown_of(address) {
            return self.symbol(symbol_number(index, import));
        }
        if let Some((_, name, offset)) = self.module_at(address) {
            return Some(format!("{name}+{offset:#x}"));
        }
        let pool = self.pool.borrow();
        let describe = |block: &Block, how: &str| {
            format!(
                "{how} of {} bytes, tag {}, + {:#x}",
                block.size,
                tag_text(block.tag),
                address - block.address
            )
        };
        if let Some(block) = pool.block_with(address) {
            return Some(describe(block, "a block"));
        }
        pool.freed_with(address).map(|block| describe(block, "a freed block"))
    }

    /// The blocks of pool memory that a driver holds.
    pub fn held_by(&self, driver: DriverId) -> Vec<Block> {
        self.pool.borrow().held_by(driver).copied().collect()
    }

    /// What a driver has forgotten to give back beside memory, in words: timers, work items, open configurations.
    pub fn forgotten_by(&self, driver: DriverId) -> Vec<&'static str> {
        self.objects.borrow().forgotten_by(driver).collect()
    }

    /// How many instructions of a driver have been rewritten.
    pub fn rewritten(&self, driver: DriverId) -> u32 {
        self.driver(usize::from(driver.0)).map_or(0, |driver| driver.rewritten.count())
    }

    /// The address that drivers hold for a handle.
    pub(crate) fn address_of(&self, handle: Handle) -> u64 {
        self.handles.borrow_mut().address(handle)
    }

    /// What a driver passed as a handle.
    pub(crate) fn argument(&self, value: u64) -> HandleArg {
        self.handles.borrow().argument(value)
    }

    /// The address that drivers hold for what was passed where a handle belongs.
    pub(crate) fn value_of(&self, handle: HandleArg) -> u64 {
        match handle {
            HandleArg::Known(handle) => self.address_of(handle),
            HandleArg::Null => 0,
            HandleArg::Unknown(value) => value,
        }
    }

    /// Memory of ours that a driver is to read; it is part of the execution, and nobody's leak.
    pub(crate) fn lend(&self, owner: DriverId, bytes: &[u8]) -> u64 {
        let block = Block {
            address: 0,
            size: bytes.len() as u64,
            tag: 0,
            owner,
            site: None,
            family: Family::Internal,
        };
        let address = self.pool.borrow_mut().allocate(block, true).expect("a small block");
        guest::write(address, bytes).expect("a new block can be written");
        address
    }

    /// Takes lent memory back.
    pub(crate) fn take_back(&self, address: u64) {
        // A driver that has overrun it has done so to our memory; what comes of it is told by the fences of its own.
        let _ = self.pool.borrow_mut().free(address, Family::Internal, None);
    }
}

/// A tag as its four characters.
pub fn tag_text(tag: u32) -> String {
    tag.to_le_bytes().iter().flat_map(|&byte| std::ascii::escape_default(byte)).map(char::from).collect()
}

/// The number by which [`Ending::Unimplemented`] names an import.
pub(crate) const fn symbol_number(index: usize, import: usize) -> u32 {
    (index as u32) << 16 | import as u32
}

/// Where in a driver's code something is.
pub(crate) struct Place<'a> {
    pub(crate) driver: &'a Loaded,
    pub(crate) offset: u32,
}

/// A loaded driver.
pub(crate) struct Loaded {
    pub(crate) id: DriverId,
    pub(crate) name: String,
    pub(crate) mapping: Mapping,
    pub(crate) entry: u64,
    pub(crate) scan: Scan,
    pub(crate) rewrites: bool,
    pub(crate) rewritten: &'static Rewritten,
    pub(crate) registry: Registry,
    pub(crate) handlers: RefCell<Handlers>,
    /// The address of its `DRIVER_OBJECT`, once `DriverEntry` runs.
    pub(crate) driver_object: Cell<u64>,
}

/// Ends the execution because of something a driver did in one of our routines.
pub(crate) fn end(ending: Ending) -> ! {
    engine::end(ending)
}
