//! The table of routines against the contract.

use contract::{Ddi, DdiKind};
use host::exports::{Library, all, lookup};
use pe::Symbol;
use std::collections::BTreeSet;

#[test]
fn every_name_leads_to_one_routine() {
    let mut names = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for export in all() {
        assert!(names.insert(export.name), "{} is there twice", export.name);
        // Two names of one routine are two names of compilers.
        assert!(addresses.insert(export.address()) || export.page.is_empty(), "{}", export.name);
        let found =
            lookup(export.library.file_name(), &Symbol::Name(export.name.into())).expect("it is there");
        assert_eq!(found.address(), export.address());
    }
    assert!(names.len() > 100);
}

#[test]
fn libraries_are_compared_as_windows_does() {
    let event = Symbol::Name("KeSetEvent".into());
    assert!(lookup("NTOSKRNL.EXE", &event).is_some());
    assert!(lookup("HAL.dll", &event).is_some());
    assert!(lookup("ndis.sys", &event).is_none());
    assert!(lookup("msvcrt.dll", &event).is_none());
    assert!(lookup("NDIS.SYS", &Symbol::Name("NdisSetEvent".into())).is_some());
    assert!(lookup("ntoskrnl.exe", &Symbol::Ordinal(1)).is_none());
    assert!(lookup("ntoskrnl.exe", &Symbol::Name("__C_specific_handler".into())).is_none());
}

#[test]
fn pages_and_levels_are_those_of_the_contract() {
    for export in all().filter(|export| export.library == Library::Ndis) {
        if let Some(ddi) = Ddi::from_name(export.name) {
            let info = ddi.info();
            assert_eq!(export.page, info.page, "{}", export.name);
            assert_eq!(Some(export.max_irql), info.irql, "{}", export.name);
        }
    }
    for export in all().filter(|export| !export.page.is_empty()) {
        assert!(contract::page_url(export.page).is_some(), "{} has the page {}", export.name, export.page);
    }
}

/// Everything that the core knows as a call is an export; what the header makes of macros imports another's.
#[test]
fn every_call_of_the_core_is_provided() {
    let mut provided = 0;
    for &ddi in Ddi::ALL {
        if model::Call::argument_names(ddi).is_some() && ddi.info().kind == DdiKind::Function {
            let symbol = Symbol::Name(ddi.name().into());
            assert!(lookup("ndis.sys", &symbol).is_some(), "{ddi} is not provided");
            provided += 1;
        }
    }
    assert!(provided >= 20);
}
