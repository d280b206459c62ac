//! What native drivers cost: `cargo bench -p host`. Prints nanoseconds per operation, and cycles of an address family per
//! second. Each number is the difference between a long and a short run, so that loading does not count.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{config, integers, sample, test_driver};
use contract::{Ddi, Status};
use engine::strategy::Fifo;
use engine::{Act, Driver, Limits, Outcome, Runner, Setup, call};
use host::{Host, Options};
use model::block::{
    AddressFamily, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::record::{Monitor, Routine};
use model::*;
use std::cell::Cell;
use std::time::Instant;

const LIMITS: Limits = Limits {
    steps: u32::MAX,
    records: usize::MAX,
    memory: 480 << 20,
    ..Limits { tasks: 100, time: u64::MAX, idle_deadlines: 128, steps: 0, memory: 0, records: 0 }
};

/// Nanoseconds per round of `drivers/measure.c` doing `what`.
fn measured(what: u32, rounds: u32, rewrite: bool) -> f64 {
    let image = test_driver("measure");
    let took = |rounds: u32| {
        let options = Options { rewrite, ..Options::default() };
        let mut runner = Runner::new(|| {
            let host = Host::new(options).expect("a host");
            let registry = integers(&[("What", what), ("Count", rounds)]);
            Setup {
                world: config(1, &[]),
                drivers: vec![
                    Box::new(host.load(&image, "measure", DriverId(0), registry).expect("a driver"))
                        as Box<dyn Driver>,
                ],
                program: vec![Act::Command(Command::Load(DriverId(0)))],
                processors: 1,
                limits: LIMITS,
                monitors: Vec::new(),
            }
        })
        .expect("a runner");
        // The first run maps the memory of the trace, which later ones find there.
        let mut best = f64::MAX;
        for _ in 0..4 {
            let begin = Instant::now();
            let outcome = runner.run(&mut Fifo);
            best = best.min(begin.elapsed().as_secs_f64());
            assert!(matches!(outcome, Outcome::AtRest { .. }), "{outcome:?}");
        }
        best
    };
    (took(rounds) - took(rounds / 10)) * 1e9 / f64::from(rounds - rounds / 10)
}

/// A client in Rust that opens and closes the address family over and over.
struct Client {
    cycles: Cell<u32>,
    protocol: Cell<Option<Handle>>,
    binding: Cell<Option<Handle>>,
    family: Cell<Option<AddressFamily>>,
}

fn stores(place: &Cell<Option<Handle>>, what: Call) -> Status {
    call(what, &mut |result| {
        let (OutParameter::DriverHandle(handle)
        | OutParameter::Binding(handle, _)
        | OutParameter::AddressFamily(handle)) = result
        else {
            unreachable!("the client calls nothing that stores {result:?}")
        };
        place.set(Some(handle));
    })
}

fn passed(place: &Cell<Option<Handle>>) -> HandleArg {
    place.get().map_or(HandleArg::Null, HandleArg::Known)
}

impl Driver for Client {
    fn handle(&self, callback: &Callback) -> Reply {
        let handlers: HandlerSet = Ddi::ALL.iter().copied().collect();
        let status = match *callback {
            Callback::DriverEntry { .. } => {
                let header = Header { object_type: 149, revision: 2, size: 128 };
                let characteristics = Characteristics { header, major: 6, minor: 20, flags: 0, handlers };
                stores(
                    &self.protocol,
                    Call::RegisterProtocolDriver { driver_context: Token(1), characteristics },
                )
            }
            Callback::ProtocolSetOptions { protocol, .. } => {
                for (object_type, size) in [(144, 40), (166, 160)] {
                    let header = Header { object_type, revision: 1, size };
                    let handlers = OptionalHandlers { header, handlers, shared_oid_handler: false };
                    let status =
                        call(Call::SetOptionalHandlers { handle: protocol.into(), handlers }, &mut |_| {});
                    assert_eq!(status, Status::SUCCESS);
                }
                Status::SUCCESS
            }
            Callback::BindAdapterEx { bind_context, .. } => {
                let parameters = OpenParameters {
                    header: Header { object_type: 135, revision: 1, size: 56 },
                    names_bound_adapter: true,
                    media: Media::new(&[12]).expect("one medium"),
                    frame_types: 0,
                };
                let open = Call::OpenAdapterEx {
                    protocol: passed(&self.protocol),
                    binding_context: Token(2),
                    parameters,
                    bind_context: bind_context.into(),
                };
                stores(&self.binding, open)
            }
            Callback::CoAfRegisterNotify { family, .. } => {
                self.family.set(Some(family));
                Status::SUCCESS
            }
            _ => Status::SUCCESS,
        };
        Reply::status(status).with_context(Token(3))
    }

    fn routine(&self, _: Routine) {
        let family = self.family.get().expect("a family that was offered");
        let af = Cell::new(None);
        for _ in 0..self.cycles.get() {
            let open =
                Call::ClOpenAddressFamilyEx { binding: passed(&self.binding), family, af_context: Token(4) };
            assert_eq!(stores(&af, open), Status::SUCCESS);
            assert_eq!(call(Call::ClCloseAddressFamily { af: passed(&af) }, &mut |_| {}), Status::SUCCESS);
        }
    }
}

/// Nanoseconds per open and close of an address family of the sample MCM, with the monitors that judge drivers or without.
fn cycle(rounds: u32, rules: bool) -> f64 {
    let image = sample("mcm");
    let took = |rounds: u32| {
        let mut runner = Runner::new(|| {
            let host = Host::new(Options::default()).expect("a host");
            let mcm = host.load(&image, "mcm", DriverId(0), integers(&[])).expect("a driver");
            let client = Client {
                cycles: Cell::new(rounds),
                protocol: Cell::new(None),
                binding: Cell::new(None),
                family: Cell::new(None),
            };
            Setup {
                world: config(2, &[DriverId(0)]),
                drivers: vec![Box::new(mcm) as Box<dyn Driver>, Box::new(client)],
                program: vec![
                    Act::Command(Command::Load(DriverId(0))),
                    Act::Command(Command::Load(DriverId(1))),
                    Act::Command(Command::Start(AdapterId(0))),
                    Act::Rest,
                    Act::Run(DriverId(1), Routine::WorkItem(Token(5))),
                ],
                processors: 1,
                limits: LIMITS,
                monitors: if rules {
                    vec![Box::new(verify::Irql::new()) as Box<dyn Monitor>, Box::new(verify::Liveness::new())]
                } else {
                    Vec::new()
                },
            }
        })
        .expect("a runner");
        // The first run maps the memory of the trace, which later ones find there.
        let mut best = f64::MAX;
        for _ in 0..4 {
            let begin = Instant::now();
            let outcome = runner.run(&mut Fifo);
            best = best.min(begin.elapsed().as_secs_f64());
            assert!(matches!(outcome, Outcome::AtRest { .. }), "{outcome:?}");
        }
        best
    };
    (took(rounds) - took(rounds / 10)) * 1e9 / f64::from(rounds - rounds / 10)
}

fn main() {
    if std::env::args().any(|argument| argument == "--cycle") {
        println!("{:>10.1} ns", cycle(300_000, true));
        return;
    }
    println!("{:>10.1} ns  driver -> routine -> driver", measured(0, 1_000_000, true));
    println!("{:>10.1} ns  mov from cr8, rewritten", measured(1, 10_000_000, true));
    println!("{:>10.1} ns  mov from cr8, trapped", measured(1, 100_000, false));
    println!("{:>10.1} ns  memset of 64 bytes", measured(5, 1_000_000, true));
    println!("{:>10.1} ns  NdisSetEvent, through the engine", measured(2, 200_000, true));
    println!("{:>10.1} ns  NdisAcquireSpinLock and NdisReleaseSpinLock", measured(3, 100_000, true));
    println!("{:>10.1} ns  allocation and release of 64 bytes", measured(4, 100_000, true));
    for (rules, with) in [(false, "without rules"), (true, "with rules")] {
        let cycle = cycle(100_000, rules);
        println!(
            "{cycle:>10.1} ns  open and close of an address family of mcm.sys, {with}: {:.0} per second",
            1e9 / cycle
        );
    }
}
