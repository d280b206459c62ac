//! The drivers that come with condis.

use crate::script::{Script, lexer};

/// The names of the built-in drivers.
pub const BUILTINS: &[&str] = &["client", "cm", "miniport", "mcm"];

/// What both kinds of call managers have in common.
const CALL_MANAGER: &str = include_str!("../builtin/call_manager.condis");

/// The built-in driver of this name: `client`, `cm` (a stand-alone call manager), `miniport` (the connection-oriented
/// miniport below it) or `mcm`. Their registry values are described at the top of each file in `builtin/`.
pub fn builtin(name: &str) -> Option<Script> {
    let (text, common) = match name {
        "client" => (include_str!("../builtin/client.condis"), ""),
        "cm" => (include_str!("../builtin/cm.condis"), CALL_MANAGER),
        "miniport" => (include_str!("../builtin/miniport.condis"), ""),
        "mcm" => (include_str!("../builtin/mcm.condis"), CALL_MANAGER),
        _ => return None,
    };
    let text = format!("{text}{common}");
    let script = lexer::lines(&text, 1).and_then(|lines| Script::parse_items(name, None, &lines));
    // The tests parse all four.
    Some(script.unwrap_or_else(|error| panic!("builtin/{name}.condis: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_one_parses_and_has_the_role_of_its_name() {
        for name in BUILTINS {
            let roles = builtin(name).expect("a built-in driver").roles();
            let expected =
                (matches!(*name, "mcm" | "miniport"), matches!(*name, "mcm" | "cm"), *name == "client");
            assert_eq!((roles.miniport, roles.call_manager, roles.client), expected, "{name}");
        }
        assert!(builtin("filter").is_none());
    }
}
