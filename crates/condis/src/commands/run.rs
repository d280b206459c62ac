//! `condis run`: executes drivers and says what they did and which rules they broke.

use super::world::{How, World, session_failure};
use crate::cli::RunFormat;
use crate::output::{Failure, Output};
use clap::ValueEnum;
use condis::campaign::{self, Order};
use condis::source::DriverName;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  condis run mcm.sys
      a miniport call manager against a scripted client
  condis run cm.sys miniport.sys client.sys
      three drivers in one world
  condis run mcm.sys --strategy random --executions 10000 --seed 1
      in 10,000 random orders
  condis run mcm.sys --stop-order overlapped --deny af-notify-on-halt
      in the stop order that no page describes, with a rule that is an error then
  condis run mcm.sys --scenario two-clients.toml
      with a program of your own, see docs/scenarios.md
  condis run mcm.sys --format json
      for programs
  condis run mcm.sys --strategy portfolio --executions 1000 --format sarif > condis.sarif
      for code scanning; --format junit for reports of tests; see docs/ci.md

Exit codes: 0 clean, 1 errors or warnings found, 2 usage or environment, 3 could not judge
(an import that condis lacks was called, a loop that it cannot see into, a limit),
101 a bug of condis, 130 interrupted; an interrupted run prints what it has found.")]
pub(crate) struct Arguments {
    /// Drivers: paths to .sys files, or builtin:client, builtin:cm, builtin:mcm, builtin:miniport, builtin:switch.
    #[arg(value_name = "DRIVER")]
    drivers: Vec<String>,
    /// How to choose among what may happen next.
    #[arg(long, value_enum, default_value_t)]
    strategy: Strategy,
    /// How many executions.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    executions: u64,
    /// Where random orders begin.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    world: World,
}

/// How to choose among what may happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Strategy {
    /// What was there first goes first: always the same order.
    #[default]
    Fifo,
    /// A random walk, another one in each execution.
    Random,
    /// Random priorities of tasks that change at a few points (probabilistic concurrency testing).
    Pct,
    /// Random ranks of operations, drawn anew on conflict (partial order sampling).
    Pos,
    /// The last three by turns: none of them finds everything fastest.
    Portfolio,
}

pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<u8, Failure> {
    let drivers: Vec<DriverName> = arguments.drivers.iter().map(|name| DriverName::new(name)).collect();
    let plan = arguments.world.plan(&drivers, output)?;
    let seed = arguments.seed;
    let (order, strategy) = match arguments.strategy {
        Strategy::Fifo => (Order::Fifo, "fifo"),
        Strategy::Random => (Order::Random(seed), "random"),
        Strategy::Pct => (Order::Pct(seed), "pct"),
        Strategy::Pos => (Order::Pos(seed), "pos"),
        Strategy::Portfolio => (Order::Portfolio(seed), "portfolio"),
    };
    // The same order again would show the same again.
    let is_fifo = arguments.strategy == Strategy::Fifo;
    let executions = if is_fifo { 1 } else { arguments.executions };
    let how = How { strategy, seed: (!is_fifo).then_some(seed) };
    if is_fifo && arguments.executions > 1 {
        return Err(Failure::usage(
            "the order `fifo` is always the same, so more than one execution shows nothing new",
        )
        .hint("add --strategy portfolio"));
    }
    let bar = progress_bar(executions, arguments.world.format());
    let interrupted = interrupts()?;
    let mut progress = |done| {
        bar.set_position(done);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let campaign = campaign::run(&plan, order, executions, &mut progress);
    bar.finish_and_clear();
    let mut campaign = campaign.map_err(|error| session_failure(&error))?;
    arguments.world.print(&plan, &drivers, &mut campaign, &how, output)
}

/// A flag that an interrupt or a request to end sets, so that what was found until then is printed. The second one ends the
/// program at once.
fn interrupts() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .map_err(|error| Failure::usage(format!("signals cannot be caught: {error}")))?;
    }
    Ok(flag)
}

/// A bar on a terminal for long work, and nothing in a pipe.
fn progress_bar(executions: u64, format: RunFormat) -> ProgressBar {
    let wanted = executions > 1 && format == RunFormat::Text && std::io::stderr().is_terminal();
    let target = if wanted { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(executions), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} executions, {per_sec}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
