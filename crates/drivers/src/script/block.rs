//! Parameter blocks: `{…}` in the arguments of a call.
//!
//! A block that says nothing is right: it has the header of its structure's newest revision and every handler that such
//! a table has. What a script writes into it makes it different.

use super::ast::{Expr, Script};
use super::error::{ParseError, Problem, nearest};
use super::lexer::Word;
use super::parse::Cursor;
use crate::structures::{self, ATM, CO_WAN, IEEE1394};
use contract::Ddi;
use contract::values::ndis_object_type::{self as object_type, *};
use model::block::{
    Attributes, Characteristics, HandlerSet, Header, Media, OpenParameters, OptionalHandlers,
};
use model::{Token, Value};

/// Which structure an argument is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Structure {
    ProtocolCharacteristics,
    MiniportCharacteristics,
    OptionalHandlers,
    OpenParameters,
    Attributes,
}

/// A parameter block as a script describes it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    structure: Structure,
    object_type: u8,
    revision: Option<u8>,
    size: Option<u16>,
    version: (u8, u8),
    flags: u32,
    without: HandlerSet,
    media: Vec<u8>,
    another_name: bool,
    frame_types: u32,
    shared_oid_handler: bool,
    pub(crate) context: Option<Expr>,
}

/// Handlers that a driver need not have: a table has them if the script does.
const OPTIONAL: &[Ddi] = &[Ddi::ProtocolSetOptions, Ddi::ProtocolUninstall, Ddi::MiniportSetOptions];

const MEDIA: &[(u8, &str)] =
    &[(ATM, "NdisMediumAtm"), (CO_WAN, "NdisMediumCoWan"), (IEEE1394, "NdisMedium1394")];

impl Structure {
    fn default_type(self) -> u32 {
        match self {
            Structure::ProtocolCharacteristics => NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
            Structure::MiniportCharacteristics => NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
            Structure::OptionalHandlers => NDIS_OBJECT_TYPE_CO_PROTOCOL_CHARACTERISTICS,
            Structure::OpenParameters => NDIS_OBJECT_TYPE_OPEN_PARAMETERS,
            Structure::Attributes => NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
        }
    }

    /// What a block of the structure may say.
    const fn known(self) -> &'static str {
        match self {
            Structure::ProtocolCharacteristics | Structure::MiniportCharacteristics => {
                "NDIS 6.20, flags N, without HANDLER, type N, revision N, size N"
            }
            Structure::OptionalHandlers => {
                "the structure's name (CO_CLIENT_OPTIONAL_HANDLERS), without HANDLER, shared-oid-handler, \
                 type N, revision N, size N"
            }
            Structure::OpenParameters => {
                "media NdisMediumCoWan medium 3, another adapter's name, frame-types N, type N, revision N, size N"
            }
            Structure::Attributes => {
                "the structure's name (MINIPORT_ADAPTER_GENERAL_ATTRIBUTES), context c, flags N, \
                 NdisMediumCoWan, type N, revision N, size N"
            }
        }
    }
}

impl Block {
    fn new(structure: Structure) -> Block {
        Block {
            structure,
            object_type: structure.default_type() as u8,
            revision: None,
            size: None,
            version: structures::VERSION,
            flags: 0,
            without: HandlerSet::EMPTY,
            media: Vec::new(),
            another_name: false,
            frame_types: 0,
            shared_oid_handler: false,
            context: None,
        }
    }

    pub(crate) fn is_call_manager(&self) -> bool {
        u32::from(self.object_type) == NDIS_OBJECT_TYPE_CO_CALL_MANAGER_OPTIONAL_HANDLERS
    }

    pub(crate) fn is_client(&self) -> bool {
        u32::from(self.object_type) == NDIS_OBJECT_TYPE_CO_CLIENT_OPTIONAL_HANDLERS
    }

    /// The header of the structure's newest revision, except for what the script says.
    fn header(&self) -> Header {
        let newest = structures::header(self.object_type);
        Header {
            object_type: self.object_type,
            revision: self.revision.unwrap_or(newest.revision),
            size: self.size.unwrap_or(newest.size),
        }
    }

    /// A characteristics structure keeps its members whatever its header says.
    fn members(&self) -> &'static [Ddi] {
        let object_type = match self.structure {
            Structure::ProtocolCharacteristics | Structure::MiniportCharacteristics => {
                self.structure.default_type() as u8
            }
            Structure::OptionalHandlers | Structure::OpenParameters | Structure::Attributes => {
                self.object_type
            }
        };
        structures::members(object_type)
    }

    fn handlers(&self, script: &Script) -> HandlerSet {
        let has = |handler: &Ddi| {
            !self.without.contains(*handler)
                && !script.without.contains(*handler)
                && (!OPTIONAL.contains(handler) || script.handlers.contains_key(handler))
        };
        self.members().iter().copied().filter(|handler| has(handler)).collect()
    }

    /// The block as NDIS gets it. `context` is the value of [`Block::context`].
    pub(crate) fn value(&self, script: &Script, context: Token) -> Value {
        let header = self.header();
        match self.structure {
            Structure::ProtocolCharacteristics | Structure::MiniportCharacteristics => {
                Value::Characteristics(Characteristics {
                    header,
                    major: self.version.0,
                    minor: self.version.1,
                    flags: self.flags,
                    handlers: self.handlers(script),
                })
            }
            Structure::OptionalHandlers => Value::OptionalHandlers(OptionalHandlers {
                header,
                handlers: self.handlers(script),
                shared_oid_handler: self.shared_oid_handler,
            }),
            Structure::OpenParameters => {
                let media = if self.media.is_empty() { structures::MEDIA } else { &self.media };
                Value::OpenParameters(OpenParameters {
                    header,
                    names_bound_adapter: !self.another_name,
                    media: Media::new(media).expect("the parser takes no more"),
                    frame_types: self.frame_types,
                })
            }
            Structure::Attributes => Value::Attributes(Attributes {
                header,
                context,
                flags: self.flags,
                medium: self.media.first().copied().unwrap_or(CO_WAN),
            }),
        }
    }

    /// Reads a block whose opening brace is the next word.
    pub(crate) fn parse(cursor: &mut Cursor<'_>, structure: Structure) -> Result<Block, ParseError> {
        cursor.sign("{", "a parameter block, `{`")?;
        let mut block = Block::new(structure);
        while !cursor.takes("}") {
            block.item(cursor)?;
            if !cursor.takes(",") && !cursor.sees("}") {
                return Err(cursor.expected("`,` or `}`"));
            }
        }
        Ok(block)
    }

    fn item(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        let at = cursor.at();
        let structure = self.structure;
        let unknown =
            |item: &str| at.error(Problem::Block { item: item.to_owned(), known: structure.known() });
        let word = match cursor.next() {
            Some((_, Word::Name(word))) => word.clone(),
            // `12 handlers`, as a trace says it: the only table that a correct driver does not fill is an MCM's.
            Some((_, Word::Number(count))) => {
                if !matches!(cursor.next(), Some((_, Word::Name(word))) if word == "handlers") {
                    return Err(unknown(&count.to_string()));
                }
                if *count == 4 && u32::from(self.object_type) == NDIS_OBJECT_TYPE_CO_MINIPORT_CHARACTERISTICS
                {
                    self.without.insert(Ddi::MiniportCoCreateVc);
                    self.without.insert(Ddi::MiniportCoDeleteVc);
                }
                return Ok(());
            }
            Some((_, word)) => return Err(unknown(&word.to_string())),
            None => return Err(cursor.expected(structure.known())),
        };
        let has_handlers = match structure {
            Structure::ProtocolCharacteristics
            | Structure::MiniportCharacteristics
            | Structure::OptionalHandlers => true,
            Structure::OpenParameters | Structure::Attributes => false,
        };
        let typed = matches!(structure, Structure::OptionalHandlers | Structure::Attributes);
        let has_flags = matches!(
            structure,
            Structure::ProtocolCharacteristics | Structure::MiniportCharacteristics | Structure::Attributes
        );
        match word.as_str() {
            "NDIS" if has_handlers && !typed => {
                let major = cursor.small::<u8>("the major version")?;
                cursor.sign(".", "`.` and the minor version")?;
                self.version = (major, cursor.small::<u8>("the minor version")?);
            }
            "type" => self.object_type = self.type_of(cursor)?,
            // As a trace says it: `object type 0x99`.
            "object" if typed => {
                cursor.keyword("type")?;
                self.object_type = self.type_of(cursor)?;
            }
            "revision" => self.revision = Some(cursor.small("a revision")?),
            "size" => self.size = Some(cursor.small("a size in bytes")?),
            "flags" if has_flags => self.flags = cursor.small("the flags")?,
            "without" if has_handlers => self.without.insert(cursor.callback()?),
            "shared-oid-handler" if structure == Structure::OptionalHandlers => {
                self.shared_oid_handler = true
            }
            "context" if structure == Structure::Attributes => self.context = Some(cursor.expression()?),
            "frame-types" if structure == Structure::OpenParameters => {
                self.frame_types = cursor.small("the number of frame types")?;
            }
            "another" if structure == Structure::OpenParameters => {
                cursor.keyword("adapter")?;
                cursor.sign("'", "`another adapter's name`")?;
                cursor.keyword("s")?;
                cursor.keyword("name")?;
                self.another_name = true;
            }
            "media" if structure == Structure::OpenParameters => {
                while let Some((at, Word::Name(name))) = cursor.peek() {
                    let (at, name) = (*at, name.clone());
                    cursor.next();
                    let medium = Block::medium(cursor, &name)?;
                    self.media.push(medium.ok_or_else(|| unknown(&name))?);
                    if self.media.len() > Media::MAX {
                        return Err(at.error(Problem::TooMany("media")));
                    }
                }
            }
            name => {
                if structure == Structure::Attributes
                    && let Some(medium) = Block::medium(cursor, name)?
                {
                    self.media = vec![medium];
                } else if typed && let Some(value) = type_named(name) {
                    self.object_type = value;
                } else {
                    return Err(unknown(name));
                }
            }
        }
        Ok(())
    }

    fn medium(cursor: &mut Cursor<'_>, name: &str) -> Result<Option<u8>, ParseError> {
        if name == "medium" {
            return cursor.small("a value of NDIS_MEDIUM").map(Some);
        }
        Ok(MEDIA.iter().find(|(_, known)| *known == name).map(|(value, _)| *value))
    }

    fn type_of(&self, cursor: &mut Cursor<'_>) -> Result<u8, ParseError> {
        let at = cursor.at();
        match cursor.peek() {
            Some((_, Word::Name(name))) => {
                let name = name.clone();
                cursor.next();
                type_named(&name).ok_or_else(|| {
                    let known = (0..=u8::MAX).filter_map(|value| object_type::name(value.into()));
                    let known = known.map(|known| known.trim_start_matches(PREFIX));
                    let near = nearest(name.trim_start_matches(PREFIX), known).map(str::to_owned);
                    at.error(Problem::UnknownConstant { name: name.clone(), near })
                })
            }
            _ => cursor.small("a value or name of an object type"),
        }
    }
}

const PREFIX: &str = "NDIS_OBJECT_TYPE_";

/// The value of `NDIS_OBJECT_TYPE_…`, with or without that beginning.
fn type_named(name: &str) -> Option<u8> {
    let short = name.strip_prefix(PREFIX).unwrap_or(name);
    (0..=u8::MAX).find(|value| {
        object_type::name(u32::from(*value)).is_some_and(|known| known.strip_prefix(PREFIX) == Some(short))
    })
}
