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
        "vc-create-af-open",
        expect![[r#"
        vc-create-af-open (note, cm, mcm must)

          A VC for an incoming call is not created on an AF that is being closed. The client may have begun
          the close without the CM knowing yet.

          about: NdisCoCreateVc at <= DISPATCH_LEVEL
          about: NdisMCmCreateVc at <= DISPATCH_LEVEL
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndiscocreatevc
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndismcmcreatevc
          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndisclcloseaddressfamily
          seen: at the call that offends
          answer: NDIS_STATUS_FAILURE; an unlucky order can bring it upon a correct driver, then it is no
                  finding
          checked: not yet, waits for virtual connections: No VC can be created yet.
          open: vc-q-create-on-closing-af: A call manager creates a VC for an incoming call on an AF that
                the client has just begun to close: the create pages know NDIS_STATUS_FAILURE for an invalid
                AF handle, but not this crossing.
          reading: NDIS returns NDIS_STATUS_FAILURE and calls nobody; the call manager turns the offer away.
                   Not reported until its ProtocolCmCloseAf has returned; after that the handle is dead or
                   the close is the call manager's own business.
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
fn a_function() {
    expect![[r#"
        NdisClCloseAddressFamily (function, area af, NDIS 5.1, 6.0+)

          NDIS_STATUS NdisClCloseAddressFamily(NDIS_HANDLE NdisAfHandle)

          page: https://learn.microsoft.com/windows-hardware/drivers/ddi/ndis/nf-ndis-ndisclcloseaddressfamily
          called by: client
          level: <= DISPATCH_LEVEL
          returns: NDIS_STATUS_SUCCESS, NDIS_STATUS_PENDING, NDIS_STATUS_FAILURE
          pended, completed by: ProtocolClCloseAfComplete
          causes: ProtocolCmCloseAf, then ProtocolClCloseAfComplete
          note: The page only separates PENDING from any other value; SUCCESS and FAILURE are those listed
                for ProtocolClCloseAfComplete.
          note: FAILURE: VCs or SAPs still exist on the AF, or the AF is already closing.
          note: Usual callers: ProtocolUnbindAdapterEx, or the handling of ProtocolClNotifyCloseAf.
          rule: binding-closing-no-co-objects (error): Neither side may close a binding that still carries
                open AFs, SAPs or VCs of that side (see af-close-on-unbind, af-notify-before-unbind).
          rule: af-handle-owner (error): Each side uses only the AF handle NDIS gave it: the client the one
                from its open, the call manager the one passed to ProtocolCmOpenAf for that client.
          rule: af-handle-window-client (error): Up to its NdisClCloseAddressFamily call the client may use
                the AF handle while the AF is open or a ProtocolClNotifyCloseAf is pending, not otherwise.
          rule: af-close-drain-first (note): When it calls NdisClCloseAddressFamily the client has no
                registered SAP, no unclosed call and no VC of its own making left on the AF; otherwise the
                close ends in NDIS_STATUS_FAILURE. Not counted: a SAP whose deregistration is pending, and a
                VC that the call manager made (it may appear at that very moment, and only the call manager
                can delete it).
          rule: af-close-once (warning): A client closes an AF once; a second close while the AF is closing
                gets NDIS_STATUS_FAILURE. Both calls are the client's own (unbind against close
                notification, for example), so it can and must serialise them.
          rule: af-close-handle-invalid (error): The client's NdisAfHandle is invalid from the moment it
                calls NdisClCloseAddressFamily; it goes into no further call except as
                af-notify-complete-handle allows.
          rule: af-close-sync-completion (warning): When NdisClCloseAddressFamily returns anything but
                PENDING the client runs its own close-complete logic; NDIS will not call it.
          rule: af-close-no-block (warning): After PENDING from NdisClCloseAddressFamily the client does not
                block that thread until ProtocolClCloseAfComplete: the call manager may hold the close until
                the client has returned, above all inside ProtocolClNotifyCloseAf.
          rule: af-close-keep-context (error): The client keeps its AF resources until the close has
                completed; a pended close completes with ProtocolClCloseAfComplete.
          rule: af-close-on-unbind (error): In the course of ProtocolUnbindAdapterEx (up to its completion,
                if pended) the client closes every AF it still has open on that binding.
          rule: af-close-before-closeadapter (warning): All connection-oriented resources on a binding are
                released before the client calls NdisCloseAdapterEx for it.
          rule: af-notify-client-sequence (warning): On ProtocolClNotifyCloseAf the client, in this order:
                drops parties until each multipoint VC has one left, closes all calls of the AF, deregisters
                all its SAPs, closes the AF.
          rule: af-notify-complete-after-close (note): A successful NdisClNotifyCloseAddressFamilyComplete
                reports a finished close, so it comes after the AF close has completed
                (ProtocolClCloseAfComplete or a synchronous return). Completing with a failure status is a
                refusal and may come at any time.
          rule: af-notify-sync-means-closed (note): A client returns SUCCESS from ProtocolClNotifyCloseAf
                only if the AF close is complete by then; otherwise PENDING.
          rule: af-irql-dispatch (error): The AF close and completion functions are called at or below
                DISPATCH_LEVEL.
          rule: sap-dereg-before-af-close (note): Every SAP registered on an AF is deregistered before the
                client closes that AF. A deregistration that finds the AF already closing is answered with
                NDIS_STATUS_FAILURE and the SAP is gone; two threads of a sound client can produce that. (A
                close that finds a registered SAP is the concern of af-close-drain-first.)
          rule: vc-delete-before-close-af (note): A client has deleted every VC it created on an AF when it
                closes that AF; otherwise the close fails with NDIS_STATUS_FAILURE. A VC whose deletion was
                refused because its CM had yet to deactivate it is excepted.
          rule: vc-peer-vc-gone-before-close-af (note): VCs that the call manager created for a client are
                out of use, too, when the client closes the AF: their calls are closed. A VC the call
                manager creates, or has yet to delete, at that moment is not the client's fault.
          rule: call-close-before-close-af (note): A client closing an AF first closes every call still open
                on it. A call offered at the last moment can make a blameless client run into the refusal.
          rule: party-drop-before-close-af (note): A client closing an AF first drops parties until one is
                left on each multipoint VC.
          rule: af-oid-close-sequence (warning): On OID_CO_AF_CLOSE the client does the same four steps:
                drop parties to one per VC, close all calls, deregister all SAPs, close the AF the request
                came on.
          rule: oid-co-af-close-response (note): On OID_CO_AF_CLOSE the client, in this order: drops parties
                until each multipoint VC has one, closes every call, deregisters every SAP, closes that AF.
                What it had already begun to close counts as done, and an AF is closed once even if both the
                OID and the notify callback arrive.
          rule: tapi-af-handle-dead (warning): After NdisClCloseAddressFamily treat the AF handle as
                invalid.
    "#]]
    .assert_eq(&manual::ddi_page(Ddi::NdisClCloseAddressFamily, Look::PLAIN));
}

#[test]
fn the_table_counts_what_it_lists() {
    let rules = ["af-close-once", "af-notify-on-halt", "af-notify-many", "vc-create-af-open"].map(rule);
    expect![[r#"
        rule               level    binds    seen              checked
        af-close-once      warning  client   runtime-safety    yes
        af-notify-on-halt  note     mcm      runtime-safety    yes
        af-notify-many     error    client   static            cannot be seen at run time
        vc-create-af-open  note     cm, mcm  runtime-safety    waits for virtual connections

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
