//! The pages of the manual, as `condis rules` and `condis explain` print them.

use contract::{Ddi, Rule};
use expect_test::{Expect, expect};
use report::{Look, manual};

fn rule(id: &str) -> Rule {
    Rule::from_id(id).unwrap_or_else(|| panic!("no rule {id}"))
}

fn check_rule(id: &str, expected: Expect) {
    expected.assert_eq(&manual::rule_page(rule(id), Look::PLAIN));
}

#[test]
fn a_rule_that_is_checked_and_rests_on_open_questions() {
    check_rule(
        "af-notify-on-halt",
        expect![[r#"
        af-notify-on-halt (note, mcm must)

          An MCM whose adapter is halting calls NdisMCmNotifyCloseAddressFamily for each AF a client still
          has open there and is not already closing.

          about: NdisMCmNotifyCloseAddressFamily at PASSIVE_LEVEL
          about: MiniportHaltEx at PASSIVE_LEVEL
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nc-ndis-protocol_cm_notify_close_af_complete
          page: https://learn.microsoft.com/windows-hardware/drivers/network/closing-a-condis-call-manager-or-mcm
          seen: at the call that offends
          checked: yes
          open: af-q-mcm-notify-at-halt: MCM notify from MiniportHaltEx: NDIS unbinds all protocols before
                it calls MiniportHaltEx (stopping, removing, surprise removal), so no client AF can be open
                there; and MiniportHaltEx is said to allow no further callbacks.
          reading: Every documented stop path (stop, remove, surprise removal) is 'strict' in the sense of
                   stop_order in binding.toml: the clients' unbinds have closed the AFs, so the MCM finds
                   none to notify. The duty can only matter in an 'overlapped' order, where halting begins
                   while clients' unbinds are pended: support that order as an option, deliver the callbacks
                   that the notify provokes while the MCM waits in MiniportHaltEx (PASSIVE_LEVEL,
                   NdisWaitEvent), and treat a halt that returns with an AF open as a violation. An MCM may
                   also notify before its halt, when it decides itself to go away.
    "#]],
    );
}

#[test]
fn a_rule_whose_breach_is_refused() {
    check_rule(
        "af-open-registered-only",
        expect![[r#"
            af-open-registered-only (warning, client must)

              The AF to open must match one registered for the adapter the client is bound to; otherwise
              NDIS_STATUS_FAILURE. An AF that was offered can be withdrawn between the notification and the
              open.

              about: NdisClOpenAddressFamilyEx at PASSIVE_LEVEL
              page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nc-ndis-protocol_cl_open_af_complete_ex
              seen: in the arguments of a call
              answer: NDIS_STATUS_FAILURE; an unlucky order can bring it upon a correct driver, then it is no
                      finding
              checked: by the answer of NDIS; nothing is reported, because a correct driver can meet it
        "#]],
    );
}

#[test]
fn a_rule_that_waits() {
    check_rule(
        "data-send-vc-handle",
        expect![[r#"
            data-send-vc-handle (error, client, cm must)

              NdisVcHandle must be a live VC handle of this driver.

              about: NdisCoSendNetBufferLists at <= DISPATCH_LEVEL
              page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndiscosendnetbufferlists
              seen: in the arguments of a call
              checked: not yet, waits for sending and receiving: No data can be sent or received yet.
        "#]],
    );
}

#[test]
fn a_rule_that_no_run_can_show_broken() {
    check_rule(
        "af-notify-many",
        expect![[r#"
        af-notify-many (error, client must)

          A client must cope with any number of notifications on one binding: several AFs, several call
          managers, and a fresh one after a call manager reregisters on PnP reconfiguration.

          about: ProtocolCoAfRegisterNotify at PASSIVE_LEVEL
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nc-ndis-protocol_co_af_register_notify
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndisclcloseaddressfamily
          seen: not while a driver runs
          checked: never: no run can show a breach, only a reader of the source can
    "#]],
    );
}

#[test]
fn a_callback_that_may_pend() {
    expect![[r#"
        ProtocolClNotifyCloseAf (callback, area af, NDIS 6.0+)

          NDIS_STATUS ProtocolClNotifyCloseAf(NDIS_HANDLE ClientAfContext)

          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nc-ndis-protocol_cl_notify_close_af
          called by: ndis
          called on: client
          level: <= DISPATCH_LEVEL
          required: yes
          returns: NDIS_STATUS_SUCCESS, NDIS_STATUS_PENDING, NDIS_STATUS_XXX
          pended, completed by: NdisClNotifyCloseAddressFamilyComplete
          note: The parameter is named ProtocolAfContext in the example.
          note: A non-pending return says that the client has finished closing the AF (or refuses).
          rule: af-handle-window-client (error): Up to its NdisClCloseAddressFamily call the client may use
                the AF handle while the AF is open or a ProtocolClNotifyCloseAf is pending, not otherwise.
          rule: af-close-no-block (warning): After PENDING from NdisClCloseAddressFamily the client does not
                block that thread until ProtocolClCloseAfComplete: the call manager may hold the close until
                the client has returned, above all inside ProtocolClNotifyCloseAf.
          rule: af-notify-client-handler (error): Every NDIS 6 client registers ProtocolClNotifyCloseAf.
          rule: af-notify-client-sequence (warning): On ProtocolClNotifyCloseAf the client, in this order:
                drops parties until each multipoint VC has one left, closes all calls of the AF, deregisters
                all its SAPs, closes the AF.
          rule: af-notify-complete-required (error): A client that returned PENDING from
                ProtocolClNotifyCloseAf must later call NdisClNotifyCloseAddressFamilyComplete for that AF,
                once.
          rule: af-notify-complete-pending-only (error): NdisClNotifyCloseAddressFamilyComplete is called
                only for an outstanding ProtocolClNotifyCloseAf of that AF that is answered with PENDING; it
                may overtake the handler's return.
          rule: af-notify-sync-means-closed (note): A client returns SUCCESS from ProtocolClNotifyCloseAf
                only if the AF close is complete by then; otherwise PENDING.
          rule: af-irql-callbacks-dispatch (error): The AF handlers other than ProtocolCoAfRegisterNotify
                and ProtocolClOpenAfCompleteEx must be able to run at DISPATCH_LEVEL (no paging, no
                waiting).
          rule: af-ndis-notify-relay (note): NDIS relays a close notification to the one client of that AF
                handle, and the client's final status back to the call manager.
    "#]]
    .assert_eq(&manual::ddi_page(Ddi::ProtocolClNotifyCloseAf, Look::PLAIN));
}

#[test]
fn a_macro() {
    expect![[r#"
        NdisMCmCloseAddressFamilyComplete (macro, area af, NDIS 5.1, 6.0+)

          VOID NdisMCmCloseAddressFamilyComplete(NDIS_STATUS _S_, NDIS_HANDLE _H_)

          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndismcmcloseaddressfamilycomplete
          import: NdisCmCloseAddressFamilyComplete
          called by: mcm
          level: <= DISPATCH_LEVEL
          causes: ProtocolClCloseAfComplete
          note: Status is documented as NDIS_STATUS_SUCCESS only.
          rule: af-complete-role (note): Stand-alone call managers use the NdisCm forms of
                OpenAddressFamilyComplete, CloseAddressFamilyComplete and NotifyCloseAddressFamily; MCMs use
                the NdisMCm forms. They compile to one export, so only the handle's owner shows which role
                called.
          rule: af-cm-close-busy (note): With requests or connections still open on the AF the call manager
                pends the close and completes it when calls are closed and SAPs deregistered (preferred), or
                fails it with NDIS_STATUS_NOT_ACCEPTED.
          rule: af-cm-close-complete-required (error): A call manager whose ProtocolCmCloseAf returned
                PENDING must later call Ndis(M)CmCloseAddressFamilyComplete for that AF, once.
          rule: af-cm-close-complete-pending-only (error): Ndis(M)CmCloseAddressFamilyComplete is called
                only for an AF whose close is pending in the call manager. A completion made while
                ProtocolCmCloseAf is still running is fine if the handler then returns PENDING.
          rule: af-cm-close-complete-status (error): A pended close is completed with NDIS_STATUS_SUCCESS;
                no failure can be reported at that point.
          rule: af-cm-close-complete-drained (note): A close pended because the AF was busy is completed
                only after the client has closed all its calls and deregistered all its SAPs on it.
          rule: af-cm-close-handle-invalid (error): The call manager does not use the NdisAfHandle after
                completing the close: invalid once Ndis(M)CmCloseAddressFamilyComplete is called, or once
                ProtocolCmCloseAf has returned SUCCESS.
          rule: af-irql-dispatch (error): The AF close and completion functions are called at or below
                DISPATCH_LEVEL.
    "#]].assert_eq(&manual::ddi_page(Ddi::NdisMCmCloseAddressFamilyComplete, Look::PLAIN));
}

#[test]
fn the_rules_of_its_area_come_first_on_a_functions_page() {
    for ddi in Ddi::ALL {
        let rules: Vec<Rule> = manual::DdiEntry::of(*ddi).rules.into_iter().map(rule).collect();
        let own = |rule: &Rule| rule.info().area == ddi.info().area;
        assert!(rules.is_sorted_by_key(|rule| !own(rule)), "{ddi}");
        assert_eq!(rules.len(), Rule::ALL.iter().filter(|rule| rule.info().ddis.contains(ddi)).count());
    }
}

#[test]
fn the_table_counts_what_it_lists() {
    let rules = ["af-close-once", "af-notify-on-halt", "af-notify-many", "data-send-vc-handle"].map(rule);
    expect![[r#"
        rule                 level    binds       seen              checked
        af-close-once        warning  client      runtime-safety    yes
        af-notify-on-halt    note     mcm         runtime-safety    yes
        af-notify-many       error    client      static            cannot be seen at run time
        data-send-vc-handle  error    client, cm  argument          waits for sending and receiving

        4 rules: 2 checked, 0 answered by NDIS, 1 waiting, 1 that cannot be seen at run time
    "#]]
    .assert_eq(&manual::table(&rules, Look::PLAIN));
}

#[test]
fn no_page_is_wider_than_the_text_it_wraps() {
    for rule in Rule::ALL {
        let page = manual::rule_page(*rule, Look::PLAIN);
        for line in page.lines().filter(|line| line.split_whitespace().count() > 3) {
            assert!(line.chars().count() <= 100, "{rule}: {line}");
        }
    }
}
