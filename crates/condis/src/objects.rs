//! `--objects`: what there is in the world at the end of an execution, or whenever a function has been called.

use crate::plan::Plan;
use crate::session::{Recording, Session, SessionError};
use contract::Ddi;
use engine::strategy::Replay;
use model::DriverId;
use model::record::{Event, Record};
use report::objects::Moment;

/// When to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// At the end.
    End,
    /// Whenever a call of this function has returned, or this handler has been entered.
    At(Ddi),
}

impl When {
    fn is_at(self, record: &Record) -> bool {
        // An MCM's macro is the function that it calls.
        let same = |at: Ddi, ddi: Ddi| {
            ddi == at || at.info().export.is_some() && at.info().export == ddi.info().export
        };
        match (self, record.event) {
            (When::At(at), Event::Returned(_, ddi, _)) => same(at, ddi),
            (When::At(at), Event::Invoked(_, ref callback)) => callback.ddi() == at,
            (When::At(_) | When::End, _) => false,
        }
    }
}

/// Executes a recorded execution again and looks at its objects.
///
/// # Errors
/// The drivers cannot be loaded again.
pub fn look(plan: &Plan, recording: &Recording, when: When) -> Result<Vec<Moment>, SessionError> {
    let mut session = Session::new(plan)?;
    let mut replay = Replay::new(recording.schedule.clone());
    let mut moments = Vec::new();
    let mut outcome = session.run_until(&mut replay, &mut |record| when.is_at(record));
    while outcome.is_none() {
        moments.push(moment(plan, &session));
        outcome = session.resume_until(&mut replay, &mut |record| when.is_at(record));
    }
    if when == When::End {
        moments.push(moment(plan, &session));
    }
    Ok(moments)
}

fn moment(plan: &Plan, session: &Session<'_>) -> Moment {
    let drivers = (0..plan.drivers.len()).map(|index| DriverId(index as u8));
    let (views, tables) = session.look(|world| {
        let tables = drivers.map(|driver| (driver, world.handler_tables(driver)));
        (world.views(), tables.collect())
    });
    Moment { line: session.records().len(), views, tables }
}
