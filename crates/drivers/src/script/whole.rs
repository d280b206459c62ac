//! A SAP and call parameters, the two structures that a script writes whole: `{transmit 64000, called 0x2a}`.
//!
//! A member that a block does not name is 0. Behind a value, as in `parameters {flags CALL_PARAMETERS_CHANGED}`, it is what that
//! value says.

use super::ast::Expr;
use super::error::{ParseError, Problem};
use super::lexer::Word;
use super::parse::Cursor;
use super::value::Value;
use contract::values::{co_call_parameters_flags, co_media_parameters_flags, constants};
use model::Token;
use model::block::{CallParameters, Sap};

/// Which structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Sap,
    CallParameters,
}

/// A structure as a script writes it.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) shape: Shape,
    /// What it is but for the members.
    pub(crate) base: Option<Expr>,
    /// Members, by their place in [`Shape::members`], each with the values whose bits it has.
    pub(crate) members: Vec<(usize, Vec<Expr>)>,
    /// Where it lies, if that is said.
    pub(crate) at: Option<Expr>,
}

/// The word for a member, and the constants of the documentation that it may be.
type Member = (&'static str, &'static [(&'static str, u32)]);

const SAP_TYPES: &[(&str, u32)] = &[("AF_TAPI_SAP_TYPE", constants::AF_TAPI_SAP_TYPE)];
const RATES: &[(&str, u32)] = &[
    ("QOS_NOT_SPECIFIED", constants::QOS_NOT_SPECIFIED),
    ("POSITIVE_INFINITY_RATE", constants::POSITIVE_INFINITY_RATE),
];

/// Where a structure lies.
const AT: &str = "at";

impl Shape {
    const fn members(self) -> &'static [Member] {
        match self {
            Shape::Sap => &[("type", SAP_TYPES), ("length", &[]), ("value", &[])],
            Shape::CallParameters => &[
                ("flags", co_call_parameters_flags::NAMES),
                ("transmit", RATES),
                ("receive", RATES),
                ("called", &[]),
                ("media-flags", co_media_parameters_flags::NAMES),
                ("media-length", &[]),
                ("media-word", &[]),
                ("rest", &[]),
            ],
        }
    }

    /// What a block may say.
    const fn known(self) -> &'static str {
        match self {
            Shape::Sap => "type N, length N, value N, at CONTEXT",
            Shape::CallParameters => {
                "flags N, transmit N, receive N, called N, media-flags N, media-length N, media-word N, rest N, at CONTEXT"
            }
        }
    }
}

/// A structure, taken apart: its members in the order of [`Shape::members`].
pub(crate) struct Parts {
    pub(crate) shape: Shape,
    pub(crate) address: Token,
    pub(crate) members: [u64; 8],
}

impl Parts {
    /// A structure with nothing in it.
    pub(crate) const fn empty(shape: Shape) -> Parts {
        Parts { shape, address: Token::NULL, members: [0; 8] }
    }

    /// The parts of a value that is a structure.
    pub(crate) fn of(value: Value) -> Option<Parts> {
        Some(match value {
            Value::Sap(Sap { address, sap_type, length, value }) => Parts {
                shape: Shape::Sap,
                address,
                members: [sap_type.into(), length.into(), value, 0, 0, 0, 0, 0],
            },
            Value::CallParameters(CallParameters {
                address,
                flags,
                transmit,
                receive,
                media_flags,
                called,
                media_length,
                media_word,
                rest,
            }) => Parts {
                shape: Shape::CallParameters,
                address,
                members: [
                    flags.into(),
                    transmit.into(),
                    receive.into(),
                    called,
                    media_flags.into(),
                    media_length.into(),
                    media_word.into(),
                    rest.into(),
                ],
            },
            _ => return None,
        })
    }

    /// The structure, unless a member is too large for it.
    pub(crate) fn value(&self) -> Option<Value> {
        let Parts { shape, address, members } = *self;
        let small = |index: usize| u32::try_from(members[index]).ok();
        Some(match shape {
            Shape::Sap => {
                Value::Sap(Sap { address, sap_type: small(0)?, length: small(1)?, value: members[2] })
            }
            Shape::CallParameters => Value::CallParameters(CallParameters {
                address,
                flags: small(0)?,
                transmit: small(1)?,
                receive: small(2)?,
                called: members[3],
                media_flags: small(4)?,
                media_length: small(5)?,
                media_word: small(6)?,
                rest: small(7)?,
            }),
        })
    }

    /// The member of this name, if there is one.
    pub(crate) fn member(&self, word: &str) -> Option<Value> {
        if word == AT {
            return Some(model::Value::Token(self.address).into());
        }
        let index = self.shape.members().iter().position(|(known, _)| *known == word)?;
        Some(Value::Number(self.members[index]))
    }
}

impl Whole {
    /// Reads a block whose opening brace is the next word.
    pub(crate) fn parse(
        cursor: &mut Cursor<'_>,
        shape: Shape,
        base: Option<Expr>,
    ) -> Result<Whole, ParseError> {
        cursor.sign("{", "a structure, `{`")?;
        let mut whole = Whole { shape, base, members: Vec::new(), at: None };
        while !cursor.takes("}") {
            let (at, word) = cursor.name(shape.known())?;
            if word == AT {
                whole.at = Some(cursor.expression()?);
            } else if let Some(index) = shape.members().iter().position(|(known, _)| *known == word) {
                let constants = shape.members()[index].1;
                let mut values = vec![member_value(cursor, constants)?];
                while cursor.takes("|") {
                    values.push(member_value(cursor, constants)?);
                }
                whole.members.push((index, values));
            } else {
                return Err(at.error(Problem::Block { item: word.to_owned(), known: shape.known() }));
            }
            if !cursor.takes(",") && !cursor.sees("}") {
                return Err(cursor.expected("`,` or `}`"));
            }
        }
        Ok(whole)
    }
}

fn member_value(cursor: &mut Cursor<'_>, constants: &[(&str, u32)]) -> Result<Expr, ParseError> {
    if let Some((_, Word::Name(name))) = cursor.peek()
        && let Some((_, value)) = constants.iter().find(|(known, _)| known == name)
    {
        cursor.next();
        return Ok(Expr::Constant(Value::Number((*value).into())));
    }
    cursor.sum()
}
