//! The tables hold what contract/README.md says that they hold, and every look-up finds its own entry.

use std::collections::HashSet;

use contract::{
    Area, Ddi, DdiKind, Detect, Enforcement, Guarantee, MaxIrql, Question, Role, Rule, StateMachine, Status,
    StopOrder, layout, page_url, values,
};

#[test]
fn counts_are_those_of_the_readme() {
    let rules = |keep: fn(Rule) -> bool| Rule::ALL.iter().filter(|rule| keep(**rule)).count();
    let safety = rules(|rule| rule.info().detect == Detect::RuntimeSafety);
    let liveness = rules(|rule| rule.info().detect == Detect::RuntimeLiveness);
    let argument = rules(|rule| rule.info().detect == Detect::Argument);
    let irql = rules(|rule| rule.info().detect == Detect::Irql);
    let unseen = rules(|rule| rule.info().detect == Detect::Static);
    let ndis = rules(|rule| rule.info().binds == [Role::Ndis]);
    let notes = rules(|rule| {
        let info = rule.info();
        info.enforcement == Enforcement::Enforced && info.binds != [Role::Ndis] && !info.rests_on.is_empty()
    });
    let seen = safety + liveness + argument + irql;
    assert_eq!(seen + unseen, Rule::ALL.len());
    let readme = include_str!("../../../contract/README.md");
    for claim in [
        format!("{},{:03} rules;", Rule::ALL.len() / 1000, Rule::ALL.len() % 1000),
        format!("{seen} can be seen at run time"),
        format!("`runtime-safety` ({safety},"),
        format!("`runtime-liveness` ({liveness},"),
        format!("`argument` ({argument},"),
        format!("`irql` ({irql})"),
        format!("{unseen} are `static`"),
        format!("{ndis} rules bind NDIS itself"),
        format!("{notes} rest on a question"),
        format!("`[[open_question]]` ({},", Question::ALL.len()),
        format!("one per object ({} in all)", StateMachine::ALL.len()),
        format!("| {} structures of NDIS 6", layout::layouts().len()),
    ] {
        assert!(readme.contains(&claim), "contract/README.md does not say: {claim}");
    }
    let ddis: usize =
        readme.lines().filter_map(|line| line.split('|').nth(2)?.trim().parse::<usize>().ok()).sum();
    assert_eq!(Ddi::ALL.len(), ddis, "the sum of the column DDIs");
    let listed: usize =
        readme.lines().filter_map(|line| line.split('|').nth(3)?.trim().parse::<usize>().ok()).sum();
    assert_eq!(Rule::ALL.len(), listed, "the sum of the column rules");
    assert_eq!((Guarantee::ALL.len(), StopOrder::ALL.len(), Status::ALL.len()), (41, 2, 86));
}

#[test]
fn every_entry_is_found_under_its_name() {
    for &ddi in Ddi::ALL {
        assert_eq!(Ddi::from_name(ddi.name()), Some(ddi));
        assert_eq!(ddi.to_string(), ddi.name());
        assert_eq!(format!("{ddi:?}"), ddi.name());
    }
    for &rule in Rule::ALL {
        assert_eq!(Rule::from_id(rule.id()), Some(rule));
        assert_eq!(rule.to_string(), rule.id());
    }
    for &question in Question::ALL {
        assert_eq!(Question::from_id(question.id()), Some(question));
    }
    for &guarantee in Guarantee::ALL {
        assert_eq!(Guarantee::from_id(guarantee.id()), Some(guarantee));
    }
    for machine in StateMachine::ALL {
        assert_eq!(StateMachine::find(machine.id).map(|found| found.about), Some(machine.about));
    }
    for structure in layout::layouts() {
        assert_eq!(layout(structure.name).map(|found| found.size), Some(structure.size));
    }
    assert_eq!(Ddi::from_name("NdisClCloseAddressFamil"), None);
    assert_eq!(Rule::from_id(""), None);
    assert_eq!(Question::from_id("zzz"), None);
    assert_eq!(Guarantee::from_id("zzz"), None);
    assert!(StateMachine::find("zzz").is_none());
    assert!(layout("NDIS_UNBIND_PARAMETERS").is_none());
}

#[test]
fn names_are_unique() {
    let names: HashSet<&str> = Ddi::ALL.iter().map(|ddi| ddi.name()).collect();
    assert_eq!(names.len(), Ddi::ALL.len());
    let ids: HashSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
}

#[test]
fn words_are_read_as_they_are_written() {
    for &area in Area::ALL {
        assert_eq!(area.to_string().parse(), Ok(area));
    }
    for &role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    let unknown = "afs".parse::<Area>().unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "not an area; known: registration, binding, af, sap, vc, call, party, oid, data, status, tapi, kernel"
    );
    assert_eq!(
        "ndiss".parse::<Role>().unwrap_err().to_string(),
        "not a role; known: client, cm, mcm, miniport, ndis"
    );
}

#[test]
fn rule_ids_begin_with_an_area() {
    for rule in Rule::ALL {
        let first = rule.id().split('-').next().unwrap_or_default();
        assert!(first.parse::<Area>().is_ok(), "{rule}");
    }
}

#[test]
fn the_close_handshake_stands_in_the_tables() {
    let close = Ddi::NdisClCloseAddressFamily.info();
    assert_eq!(close.kind, DdiKind::Function);
    assert_eq!(close.called_by, [Role::Client]);
    assert_eq!(close.irql, Some(MaxIrql::Dispatch));
    assert_eq!(close.causes, [Ddi::ProtocolCmCloseAf, Ddi::ProtocolClCloseAfComplete]);
    assert_eq!(close.completed_by, Some(Ddi::ProtocolClCloseAfComplete));
    assert_eq!(Ddi::ProtocolCmCloseAf.info().completed_by, Some(Ddi::NdisCmCloseAddressFamilyComplete));
    assert_eq!(
        Ddi::ProtocolClNotifyCloseAf.info().completed_by,
        Some(Ddi::NdisClNotifyCloseAddressFamilyComplete)
    );
    let mcm = Ddi::NdisMCmCloseAddressFamilyComplete.info();
    assert_eq!((mcm.kind, mcm.export), (DdiKind::Macro, Some("NdisCmCloseAddressFamilyComplete")));
}

#[test]
fn causes_are_callbacks_or_what_they_lead_to() {
    for ddi in Ddi::ALL {
        for cause in ddi.info().causes {
            assert_eq!(cause.info().kind, DdiKind::Callback, "{ddi} causes {cause}");
        }
        if ddi.info().kind == DdiKind::Callback {
            assert_eq!(ddi.info().export, None, "{ddi}");
        }
    }
}

#[test]
fn irql_of_a_page_is_a_limit() {
    assert!(MaxIrql::Passive.allows(0) && !MaxIrql::Passive.allows(1));
    assert!(MaxIrql::Dispatch.allows(2) && !MaxIrql::Dispatch.allows(3));
    assert!(MaxIrql::Any.allows(15));
}

#[test]
fn statuses_are_printed_and_read_by_name() {
    assert_eq!(Status::SUCCESS.to_string(), "NDIS_STATUS_SUCCESS");
    assert_eq!(format!("{:?}", Status::PENDING), "NDIS_STATUS_PENDING");
    assert_eq!(Status(0xDEAD_BEEF).to_string(), "0xDEADBEEF");
    assert!(Status::SUCCESS.is_success() && !Status::PENDING.is_success());
    for &status in Status::ALL {
        let name = status.name().unwrap_or_default();
        assert_eq!(Status::from_name(name), Some(status));
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    assert_eq!("0xDEADBEEF".parse(), Ok(Status(0xDEAD_BEEF)));
    for wrong in ["", "NDIS_STATUS", "0x", "0x+1", "0x1DEADBEEF", "12"] {
        assert!(wrong.parse::<Status>().is_err(), "{wrong}");
    }
}

#[test]
fn refusals_are_statuses() {
    for rule in Rule::ALL {
        if let Some(refusal) = rule.info().refusal {
            // The pages write NDIS_STATUS_XXX for "any failure".
            assert!(
                refusal == "NDIS_STATUS_XXX" || Status::from_name(refusal).is_some(),
                "{rule}: {refusal}"
            );
        }
    }
}

#[test]
fn pages_have_addresses() {
    let url = |id| page_url(id).map(|url| url.to_string());
    let expected = [
        ("nf-ndis-ndisclcloseaddressfamily", "ddi/ndis/nf-ndis-ndisclcloseaddressfamily"),
        ("nblapi/nf-nblapi-ndisallocatenetbufferlist", "ddi/nblapi/nf-nblapi-ndisallocatenetbufferlist"),
        ("wdm/nf-wdm-kelowerirql", "ddi/wdm/nf-wdm-kelowerirql"),
        ("stopping-a-nic", "network/stopping-a-nic"),
        ("network/reset", "network/reset"),
        ("debuggercmds/-ndiskd-af", "debuggercmds/-ndiskd-af"),
    ];
    for (id, path) in expected {
        assert_eq!(url(id), Some(format!("https://learn.microsoft.com/windows-hardware/drivers/{path}")));
    }
    assert_eq!(url("mingw:ddk/ndis.h"), None);
    assert_eq!(url(""), None);
    for rule in Rule::ALL {
        for page in rule.info().pages {
            assert!(page_url(page).is_some() || page.contains(':'), "{rule}: {page}");
        }
    }
}

#[test]
fn layouts_give_offsets_also_in_constants() {
    const ADAPTER_NAME: Option<usize> = layout::NDIS_OPEN_PARAMETERS.offset_of("AdapterName");
    assert_eq!(ADAPTER_NAME, Some(8));
    assert_eq!(layout::NDIS_OPEN_PARAMETERS.offset_of("AdapterNam"), None);
    let open = layout("NDIS_OPEN_PARAMETERS").expect("a structure of the table");
    assert_eq!((open.size, open.align), (56, 8));
    assert_eq!(open.field("FrameTypeArraySize").map(|field| field.offset), Some(48));
    let header = open.header.expect("it starts with a header");
    assert_eq!(header.object_type, 135);
    assert_eq!(header.revisions.iter().map(|revision| revision.size).collect::<Vec<_>>(), [52]);
}

#[test]
fn values_have_names() {
    assert_eq!(values::net_pnp_event_code::NetEventSetPower, 0);
    assert_eq!(values::ndis_halt_action::name(3), Some("NdisHaltDeviceSurpriseRemoved"));
    assert_eq!(values::ndis_halt_action::name(99), None);
    assert_eq!(values::ndis_object_type::NDIS_OBJECT_TYPE_OPEN_PARAMETERS, 135);
    assert_eq!(values::constants::CO_ADDRESS_FAMILY_TAPI_PROXY, 0x801);
}

#[test]
fn a_rule_waits_or_is_enforced_or_cannot_be_seen() {
    for rule in Rule::ALL {
        let info = rule.info();
        match info.enforcement {
            Enforcement::Enforced => {
                assert_ne!(info.detect, Detect::Static, "{rule}");
                assert!(
                    matches!(
                        info.area,
                        Area::Registration
                            | Area::Binding
                            | Area::Af
                            | Area::Sap
                            | Area::Vc
                            | Area::Call
                            | Area::Party
                            | Area::Tapi
                            | Area::Kernel
                    ),
                    "{rule} belongs to an area that does not exist yet"
                );
            }
            Enforcement::Waits { needs, why } => {
                assert_ne!(info.detect, Detect::Static, "{rule}");
                assert!(!needs.is_empty() && why.ends_with('.'), "{rule}");
            }
            Enforcement::Answered => assert!(info.race && info.refusal.is_some(), "{rule}"),
            Enforcement::Covered { by, why } => {
                let enforced = |rule: &Rule| rule.info().enforcement == Enforcement::Enforced;
                assert!(!by.is_empty() && by.iter().all(enforced) && why.ends_with('.'), "{rule}");
            }
            Enforcement::CannotBeSeen => assert_eq!(info.detect, Detect::Static, "{rule}"),
        }
    }
}

#[test]
fn a_breach_of_the_handshake_is_a_note_only_by_another_reading() {
    let rests = |id| Rule::from_id(id).map(|rule| !rule.info().rests_on.is_empty());
    for id in [
        "af-cm-close-complete-pending-only",
        "af-cm-close-complete-required",
        "af-cm-close-complete-status",
        "af-cm-close-handle-invalid",
        "af-close-handle-invalid",
        "af-close-no-block",
        "af-notify-complete-required",
        "af-notify-before-unbind",
        "af-notify-each-client",
        "af-close-on-unbind",
        "af-cm-open-complete-required",
        "af-complete-by-cm-only",
        "af-irql-passive",
    ] {
        assert_eq!(rests(id), Some(false), "{id}");
    }
    for id in ["af-notify-complete-after-close", "af-notify-sync-means-closed", "af-notify-on-halt"] {
        assert_eq!(rests(id), Some(true), "{id}");
    }
}
