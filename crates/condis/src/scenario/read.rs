//! Reads a scenario from TOML: every key is known or an error, and an error says what may have been meant.

use super::{
    Adapter, Driver, Expect, Limits, Ndis, Problem, RESERVED_NAMES, Registry, RegistryValue, Scenario,
    ScenarioError, Source, Step, Word,
};
use crate::source::NAME_MAX;
use crate::suggest;
use contract::Rule;
use model::{NetEvent, Power, StopOrder};
use report::Setting;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most bytes a scenario may have.
const MAX_TEXT: usize = 1 << 20;
/// The most entries of any list.
const MAX_ENTRIES: usize = 1000;

/// The events that `pnp-event` can send, by their documented names.
const EVENTS: &[(&str, NetEvent)] = &[
    ("NetEventQueryRemoveDevice", NetEvent::QueryRemoveDevice),
    ("NetEventCancelRemoveDevice", NetEvent::CancelRemoveDevice),
    ("NetEventReconfigure", NetEvent::Reconfigure),
    ("NetEventBindsComplete", NetEvent::BindsComplete),
];

/// The values of `command`.
const COMMANDS: &[&str] = &[
    "load",
    "start",
    "stop",
    "surprise-remove",
    "set-power",
    "unbind",
    "bind",
    "pnp-event",
    "uninstall",
    "unload",
    "rest",
];

type Value<'t> = Spanned<DeValue<'t>>;

pub(super) fn scenario(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let fail = |problems| ScenarioError { file: file.to_owned(), text: text.to_owned(), problems };
    if text.len() > MAX_TEXT {
        return Err(ScenarioError {
            file: file.to_owned(),
            text: String::new(),
            problems: vec![Problem {
                message: format!("the scenario is larger than {MAX_TEXT} bytes"),
                label: String::new(),
                help: None,
                span: 0..0,
            }],
        });
    }
    let document = DeTable::parse(text).map_err(|error| {
        fail(vec![Problem {
            message: "this is not TOML".to_owned(),
            label: error.message().lines().collect::<Vec<_>>().join("; "),
            help: None,
            span: error.span().unwrap_or(0..0),
        }])
    })?;
    let mut reader = Reader { problems: Vec::new() };
    let mut scenario = reader.document(&Table { entries: document.get_ref(), span: document.span() });
    if !reader.problems.is_empty() {
        reader.problems.sort_by_key(|problem| problem.span.start);
        return Err(fail(reader.problems));
    }
    scenario.file = file.to_owned();
    scenario.text = text.to_owned();
    Ok(scenario)
}

/// A table with its place.
struct Table<'a, 't> {
    entries: &'a DeTable<'t>,
    span: Range<usize>,
}

impl<'a, 't> Table<'a, 't> {
    fn get(&self, key: &str) -> Option<&'a Value<'t>> {
        self.entries.get(key)
    }
}

fn is_empty(value: &Value<'_>) -> bool {
    matches!(value.get_ref(), DeValue::Array(entries) if entries.is_empty())
}

/// Reads on after a mistake, so that all of them are told at once.
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, span: Range<usize>, message: String, label: &str, help: Option<String>) {
        self.problems.push(Problem { message, label: label.to_owned(), help, span });
    }

    fn document(&mut self, table: &Table<'_, '_>) -> Scenario {
        self.known(
            table,
            "a scenario",
            &[
                "stop-order",
                "processors",
                "peers",
                "ndis",
                "levels",
                "limits",
                "driver",
                "adapter",
                "program",
                "expect",
            ],
        );
        Scenario {
            stop_order: self.get(table, "stop-order", |reader, value| {
                reader.choice(
                    value,
                    "stop order",
                    &[("strict", StopOrder::Strict), ("overlapped", StopOrder::Overlapped)],
                )
            }),
            processors: self
                .get(table, "processors", |reader, value| reader.integer(value, 1, 8))
                .map(|n| n as u8),
            peers: self.get(table, "peers", Reader::boolean),
            ndis: self.get(table, "ndis", Reader::ndis).unwrap_or_default(),
            levels: self.get(table, "levels", Reader::levels).unwrap_or_default(),
            limits: self.get(table, "limits", Reader::limits).unwrap_or_default(),
            drivers: self.tables(table, "driver", Reader::driver).unwrap_or_default(),
            adapters: self.tables(table, "adapter", Reader::adapter).unwrap_or_default(),
            program: self.tables(table, "program", Reader::step),
            expect: self.tables(table, "expect", Reader::expect).unwrap_or_default(),
            ..Scenario::default()
        }
    }

    fn ndis(&mut self, value: &Value<'_>) -> Option<Ndis> {
        let table = self.table(value)?;
        self.known(&table, "[ndis]", &["pend-open", "pend-close", "pend-mcm"]);
        Some(Ndis {
            pend_open: self.get(&table, "pend-open", Reader::boolean),
            pend_close: self.get(&table, "pend-close", Reader::boolean),
            pend_mcm: self.get(&table, "pend-mcm", Reader::boolean),
        })
    }

    fn levels(&mut self, value: &Value<'_>) -> Option<Vec<(Rule, Setting)>> {
        let table = self.table(value)?;
        self.known(&table, "[levels]", &["allow", "warn", "deny"]);
        let mut levels = Vec::new();
        for (key, setting) in [("allow", Setting::Allow), ("warn", Setting::Warn), ("deny", Setting::Deny)] {
            let rules = self.get(&table, key, |reader, value| {
                reader.array(value, |reader, value| Some((reader.rule(value)?, value.span())))
            });
            for (rule, span) in rules.unwrap_or_default() {
                if levels.iter().any(|(known, _)| *known == rule) {
                    let message = format!("rule `{rule}` has two levels");
                    self.problem(span, message, "it stands in this table already", None);
                }
                levels.push((rule, setting));
            }
        }
        Some(levels)
    }

    fn limits(&mut self, value: &Value<'_>) -> Option<Limits> {
        let table = self.table(value)?;
        self.known(&table, "[limits]", &["steps", "tasks", "time", "memory", "records"]);
        let u32_max = i64::from(u32::MAX);
        Some(Limits {
            steps: self
                .get(&table, "steps", |reader, value| reader.integer(value, 1, u32_max))
                .map(|n| n as u32),
            tasks: self
                .get(&table, "tasks", |reader, value| reader.integer(value, 1, 60_000))
                .map(|n| n as u16),
            time: self.get(&table, "time", |reader, value| {
                let units = [("ms", 10_000), ("s", 10_000_000), ("min", 600_000_000), ("h", 36_000_000_000)];
                reader.measure(value, "a time such as \"30s\"", &units)
            }),
            memory: self.get(&table, "memory", |reader, value| {
                let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
                reader.measure(value, "a size such as \"64MiB\"", &units)
            }),
            records: self
                .get(&table, "records", |reader, value| reader.integer(value, 1, u32_max))
                .map(|n| n as u32),
        })
    }

    fn driver(&mut self, table: &Table<'_, '_>) -> Option<Driver> {
        self.known(table, "[[driver]]", &["name", "path", "builtin", "registry"]);
        let path = self.get(table, "path", Reader::word);
        let builtin = self.get(table, "builtin", Reader::word);
        let source = match (path, builtin) {
            (Some(_), Some(builtin)) => {
                self.problem(
                    builtin.span,
                    "a driver has two sources".to_owned(),
                    "`path` is given, too",
                    Some("leave one of `path` and `builtin` out".to_owned()),
                );
                return None;
            }
            (Some(path), None) => Source::Path(path),
            (None, Some(builtin)) => Source::Builtin(builtin),
            (None, None) => Source::CommandLine,
        };
        let name = self.need(table, "name", "[[driver]]", Reader::name);
        let registry = self.get(table, "registry", Reader::registry).unwrap_or_default();
        Some(Driver { name: name?, source, registry })
    }

    fn adapter(&mut self, table: &Table<'_, '_>) -> Option<Adapter> {
        self.known(table, "[[adapter]]", &["name", "driver", "registry"]);
        let name = self.need(table, "name", "[[adapter]]", Reader::name);
        let driver = self.need(table, "driver", "[[adapter]]", Reader::word);
        let registry = self.get(table, "registry", Reader::registry).unwrap_or_default();
        Some(Adapter { name: name?, driver: driver?, registry })
    }

    fn registry(&mut self, value: &Value<'_>) -> Option<Registry> {
        let table = self.table(value)?;
        let mut registry = Registry::new();
        for (key, value) in table.entries {
            let parsed = match value.get_ref() {
                DeValue::String(text) => Some(RegistryValue::String(text.clone().into_owned())),
                DeValue::Boolean(flag) => Some(RegistryValue::Integer(u32::from(*flag))),
                DeValue::Integer(_) => self
                    .integer(value, 0, i64::from(u32::MAX))
                    .map(|number| RegistryValue::Integer(number as u32)),
                DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                    self.wrong_type(value, "an integer, a string or a boolean");
                    None
                }
            };
            if let Some(parsed) = parsed {
                registry.insert(key.get_ref().clone().into_owned(), parsed);
            }
        }
        Some(registry)
    }

    fn step(&mut self, table: &Table<'_, '_>) -> Option<Step> {
        let command = self.need(table, "command", "[[program]]", Reader::word)?;
        Some(match command.text.as_str() {
            "load" => Step::Load(self.one(table, "load", "driver")?),
            "uninstall" => Step::Uninstall(self.one(table, "uninstall", "driver")?),
            "unload" => Step::Unload(self.one(table, "unload", "driver")?),
            "start" => Step::Start(self.one(table, "start", "adapter")?),
            "stop" => Step::Stop(self.one(table, "stop", "adapter")?),
            "surprise-remove" => Step::SurpriseRemove(self.one(table, "surprise-remove", "adapter")?),
            "set-power" => {
                let what = "command `set-power`";
                self.known(table, what, &["command", "adapter", "power"]);
                let adapter = self.need(table, "adapter", what, Reader::word);
                let power = self.need(table, "power", what, |reader, value| {
                    reader.choice(value, "power state", &[("D0", Power::D0), ("D3", Power::D3)])
                });
                Step::SetPower(adapter?, power?)
            }
            "unbind" => {
                let (driver, adapter) = self.binding(table, "unbind", &["command", "driver", "adapter"])?;
                Step::Unbind(driver, adapter)
            }
            "bind" => {
                let (driver, adapter) = self.binding(table, "bind", &["command", "driver", "adapter"])?;
                Step::Bind(driver, adapter)
            }
            "pnp-event" => {
                let binding = self.binding(table, "pnp-event", &["command", "driver", "adapter", "event"]);
                let event = self.need(table, "event", "command `pnp-event`", |reader, value| {
                    reader.choice(value, "event", EVENTS)
                });
                let (driver, adapter) = binding?;
                Step::PnpEvent(driver, adapter, event?)
            }
            "rest" => {
                self.known(table, "command `rest`", &["command"]);
                Step::Rest
            }
            _ => {
                self.unknown_word(&command, "command", COMMANDS.iter().copied());
                return None;
            }
        })
    }

    /// The argument of a command that has one.
    fn one(&mut self, table: &Table<'_, '_>, command: &str, key: &str) -> Option<Word> {
        let what = format!("command `{command}`");
        self.known(table, &what, &["command", key]);
        self.need(table, key, &what, Reader::word)
    }

    /// The driver and adapter of a command about a binding.
    fn binding(&mut self, table: &Table<'_, '_>, command: &str, keys: &[&str]) -> Option<(Word, Word)> {
        let what = format!("command `{command}`");
        self.known(table, &what, keys);
        let driver = self.need(table, "driver", &what, Reader::word);
        let adapter = self.need(table, "adapter", &what, Reader::word);
        driver.zip(adapter)
    }

    fn expect(&mut self, table: &Table<'_, '_>) -> Option<Expect> {
        self.known(table, "[[expect]]", &["line", "lines", "count"]);
        let line = self.get(table, "line", Reader::word);
        if let Some(empty) = table.get("lines").filter(|lines| is_empty(lines)) {
            let message = "an expectation names at least one line".to_owned();
            self.problem(empty.span(), message, "none is here", None);
        }
        let lines = self.get(table, "lines", |reader, value| reader.array(value, Reader::word));
        let count = self.get(table, "count", |reader, value| reader.integer(value, 0, i64::from(u32::MAX)));
        let counted = table.get("count").map(Spanned::span);
        match (line, lines) {
            (Some(line), None) => Some(Expect { lines: vec![line], count: count.map(|count| count as u32) }),
            (None, Some(lines)) if count.is_none() => Some(Expect { lines, count: None }),
            (None, Some(_)) => {
                let help = "a count belongs to a single `line`".to_owned();
                let span = counted.unwrap_or_else(|| table.span.clone());
                self.problem(
                    span,
                    "several lines cannot be counted".to_owned(),
                    "not with `lines`",
                    Some(help),
                );
                None
            }
            (Some(line), Some(_)) => {
                let message = "an expectation has `line` and `lines`".to_owned();
                self.problem(line.span, message, "`lines` is given, too", Some("use one of them".to_owned()));
                None
            }
            (None, None) => {
                if table.get("line").is_none() && table.get("lines").is_none() {
                    let message = "[[expect]] needs `line` or `lines`".to_owned();
                    self.problem(table.span.clone(), message, "neither is here", None);
                }
                None
            }
        }
    }

    /// Complains about each key that is not in `keys`.
    fn known(&mut self, table: &Table<'_, '_>, what: &str, keys: &[&str]) {
        for key in table.entries.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let help = match suggest::nearest(name, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", keys.join(", ")),
                };
                let message = format!("{what} has no key `{name}`");
                self.problem(key.span(), message, "unknown key", Some(help));
            }
        }
    }

    /// Reads a key that may be absent.
    fn get<T>(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        read: impl FnOnce(&mut Reader, &Value<'_>) -> Option<T>,
    ) -> Option<T> {
        table.get(key).and_then(|value| read(self, value))
    }

    /// Reads a key that must be there.
    fn need<T>(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        what: &str,
        read: impl FnOnce(&mut Reader, &Value<'_>) -> Option<T>,
    ) -> Option<T> {
        if table.get(key).is_none() {
            self.problem(table.span.clone(), format!("{what} needs the key `{key}`"), "it is not here", None);
        }
        self.get(table, key, read)
    }

    /// Reads an array of tables, none if the key is absent.
    fn tables<T>(
        &mut self,
        table: &Table<'_, '_>,
        key: &str,
        mut read: impl FnMut(&mut Reader, &Table<'_, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.get(table, key, |reader, value| {
            reader.array(value, |reader, value| {
                let table = reader.table(value)?;
                read(reader, &table)
            })
        })
    }

    fn array<T>(
        &mut self,
        value: &Value<'_>,
        mut read: impl FnMut(&mut Reader, &Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(entries) = value.get_ref() else {
            self.wrong_type(value, "an array");
            return None;
        };
        if entries.len() > MAX_ENTRIES {
            let message = format!("a list may have at most {MAX_ENTRIES} entries");
            self.problem(value.span(), message, "too many", None);
            return None;
        }
        Some(entries.iter().filter_map(|entry| read(self, entry)).collect())
    }

    fn table<'a, 't>(&mut self, value: &'a Value<'t>) -> Option<Table<'a, 't>> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table { entries, span: value.span() }),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                self.wrong_type(value, "a table");
                None
            }
        }
    }

    fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(value, "true or false");
        }
        flag
    }

    fn integer(&mut self, value: &Value<'_>, least: i64, most: i64) -> Option<i64> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_type(value, "an integer");
            return None;
        };
        let number = i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!("a number from {least} to {most} belongs here");
            self.problem(value.span(), message, "out of range", None);
        }
        number
    }

    fn word(&mut self, value: &Value<'_>) -> Option<Word> {
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => {
                Some(Word { text: text.clone().into_owned(), span: value.span() })
            }
            DeValue::String(_) => {
                self.problem(value.span(), "this text may not be empty".to_owned(), "empty", None);
                None
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_type(value, "a string");
                None
            }
        }
    }

    /// A name that a trace can show: letters, digits, `-`, `_`, `.`.
    fn name(&mut self, value: &Value<'_>) -> Option<Word> {
        let word = self.word(value)?;
        let sound = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if RESERVED_NAMES.contains(&word.text.as_str()) {
            let message = format!("`{}` cannot be a name", word.text);
            self.problem(word.span, message, "traces call something else so", None);
            return None;
        }
        if word.text.chars().all(sound) && word.text.chars().count() <= NAME_MAX {
            return Some(word);
        }
        let help = format!("a name has at most {NAME_MAX} letters, digits, `-`, `_` and `.`");
        self.problem(word.span, "this cannot be a name".to_owned(), "not a name", Some(help));
        None
    }

    fn rule(&mut self, value: &Value<'_>) -> Option<Rule> {
        let word = self.word(value)?;
        let rule = Rule::from_id(&word.text);
        if rule.is_none() {
            let help = match suggest::nearest(&word.text, Rule::ALL.iter().map(|rule| rule.id())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`condis rules` lists them".to_owned(),
            };
            self.problem(
                word.span,
                format!("no rule has the id `{}`", word.text),
                "unknown rule",
                Some(help),
            );
        }
        rule
    }

    fn choice<T: Copy>(&mut self, value: &Value<'_>, what: &str, known: &[(&str, T)]) -> Option<T> {
        let word = self.word(value)?;
        if let Some((_, meaning)) = known.iter().find(|(name, _)| *name == word.text) {
            return Some(*meaning);
        }
        self.unknown_word(&word, what, known.iter().map(|(name, _)| *name));
        None
    }

    fn unknown_word<'k>(&mut self, word: &Word, what: &str, known: impl Iterator<Item = &'k str> + Clone) {
        let help = match suggest::nearest(&word.text, known.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("\"{}\" is no {what}", word.text);
        self.problem(word.span.clone(), message, &format!("unknown {what}"), Some(help));
    }

    /// A number with a unit behind it, in the smallest unit.
    fn measure(&mut self, value: &Value<'_>, what: &str, units: &[(&str, u64)]) -> Option<u64> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(value, what);
            return None;
        };
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let unit = units.iter().find(|(name, _)| *name == text[digits..].trim());
        let amount =
            text[..digits].parse::<u64>().ok().zip(unit).and_then(|(n, (_, size))| n.checked_mul(*size));
        if amount.is_none_or(|amount| amount == 0) {
            let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
            let help = Some(format!("units: {}", names.join(", ")));
            self.problem(value.span(), format!("{what} belongs here"), "not that", help);
            return None;
        }
        amount
    }

    fn wrong_type(&mut self, value: &Value<'_>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let quoted = match value.get_ref() {
            DeValue::String(text) if wanted == "true or false" => match text.to_lowercase().as_str() {
                word @ ("true" | "false") => Some(format!("write {word} without quotes")),
                _ => None,
            },
            DeValue::String(text) if wanted == "an integer" && text.parse::<i64>().is_ok() => {
                Some(format!("write {text} without quotes"))
            }
            _ => None,
        };
        self.problem(value.span(), format!("{wanted} belongs here"), &format!("this is {found}"), quoted);
    }
}
