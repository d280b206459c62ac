//! A client in Rust that calls another through the built-in switch, in 100 orders. Without output if all goes well; else
//! it ends with the report.

use condis::driver::client::{Af, Client, Made, Vc};
use condis::driver::{
    AdapterId, AddressFamily, Answer, BindAdapter, Binding, Protocol, Request, Status, call_to,
};

#[global_allocator]
static ALLOCATOR: condis::Allocator = condis::Allocator;

/// Calls the SAP 1, and hangs up.
struct Dialer;

impl Protocol for Dialer {
    type Binding = ();

    fn bind_adapter_ex<'a>(&self, _: AdapterId, request: Request<'a, BindAdapter<Self>>) -> Answer<'a> {
        request.open_adapter_ex(())
    }
}

impl Client for Dialer {
    type Af = ();
    type Sap = ();
    type Vc = ();
    type Party = ();

    fn co_af_register_notify(&self, binding: &Binding<Self>, family: AddressFamily) {
        let opened = binding.open_address_family_ex(family, ());
        opened.when_done(|opened| self.open_af_complete_ex(binding, opened));
    }

    fn open_af_complete_ex(&self, _: &Binding<Self>, opened: Result<Af<Self>, Status>) {
        let Ok(vc) = opened.and_then(|af| af.create_vc(())) else { return };
        vc.make_call(call_to(1, 64_000)).when_done(|made| self.make_call_complete(&vc, made));
    }

    fn make_call_complete(&self, vc: &Vc<Self>, _: Result<Made<Self>, Status>) {
        vc.close_everything();
    }
}

fn main() -> Result<(), condis::CheckError> {
    let called = condis::Check::new().builtin("switch").builtin("client").named("called").registry("Saps", 1);
    called.client("dialer", || Dialer).orders(100).run()?.assert_clean();
    Ok(())
}
