//! Runs the rule tests: every file `tests/rules/<area>/<rule>.condis` of the repository.
//!
//! A file is a text about its rule, then sections. `--- breaks: title` begins a scene ([`drivers::Scene`]) that breaks
//! the rule of the file's name and nothing else, under the first-in-first-out order and, unless the scene says
//! `order matters`, under 20 random orders. `--- breaks (note): title` says at which level, too. `--- almost: title`
//! begins one that is silent under the first-in-first-out order and 50 random ones. Each execution runs twice, and must
//! be the same; the auditor watches, and must find nothing.
//!
//! `cargo test -p drivers --test rules -- af-close` runs the files with that in their path; `--trace` before it prints
//! the trace of each section's first execution.

use contract::{Area, Rule};
use drivers::Scene;
use engine::strategy::{Fifo, Random};
use engine::{Ending, Outcome, Runner};
use model::StopOrder;
use model::record::Event;
use report::trace::{Show, Writer};
use report::{Look, Names};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use verify::level::{Circumstances, Level, Levels};

#[global_allocator]
static ALLOCATOR: engine::arena::Allocator = engine::arena::Allocator;

const SEEDS_BREAKS: u64 = 20;
const SEEDS_ALMOST: u64 = 50;

fn main() -> ExitCode {
    let (flags, filters): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg.starts_with('-'));
    let show_trace = flags.iter().any(|flag| flag == "--trace");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/rules");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let (mut passed, mut failed) = (0u32, 0u32);
    for file in &files {
        let path = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        if !filters.is_empty() && !filters.iter().any(|filter| path.contains(filter.as_str())) {
            continue;
        }
        match test_file(file, &path, show_trace) {
            Ok(sections) => passed += sections,
            Err(failures) => {
                for failure in &failures {
                    eprintln!("{path}: {failure}\n");
                }
                failed += failures.len() as u32;
            }
        }
    }
    println!("rules: {passed} sections passed, {failed} failed");
    if failed > 0 || (passed == 0 && filters.is_empty()) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "condis") {
            files.push(path);
        }
    }
}

/// What a section says must come of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Breaks(Option<Level>),
    Almost,
}

struct Section<'a> {
    verdict: Verdict,
    title: String,
    text: &'a str,
    first_line: u32,
}

/// How many sections a file has, or what is wrong with each that failed.
fn test_file(file: &Path, path: &str, show_trace: bool) -> Result<u32, Vec<String>> {
    let text = std::fs::read_to_string(file).map_err(|error| vec![error.to_string()])?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let rule = Rule::from_id(&name).ok_or_else(|| vec![format!("there is no rule `{name}`")])?;
    let area: Area = rule.info().area;
    if !path.starts_with(area.as_str()) {
        return Err(vec![format!("the rule belongs to the folder {}", area.as_str())]);
    }
    let sections = sections(&text).map_err(|error| vec![error])?;
    for (what, present) in [
        ("--- breaks", sections.iter().any(|section| matches!(section.verdict, Verdict::Breaks(_)))),
        ("--- almost", sections.iter().any(|section| section.verdict == Verdict::Almost)),
    ] {
        if !present {
            return Err(vec![format!("there is no section `{what}`")]);
        }
    }
    let failures: Vec<String> = sections
        .iter()
        .filter_map(|section| {
            let failure = test_section(rule, section, show_trace).err()?;
            Some(format!("line {}, {}: {failure}", section.first_line - 1, section.title))
        })
        .collect();
    if failures.is_empty() { Ok(sections.len() as u32) } else { Err(failures) }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut at = 0;
    for (line, number) in text.split_inclusive('\n').zip(1u32..) {
        if let Some(head) = line.strip_prefix("---") {
            let (word, title) = head.trim().split_once(':').unwrap_or((head.trim(), ""));
            let verdict = match word.trim() {
                "breaks" => Verdict::Breaks(None),
                "breaks (note)" => Verdict::Breaks(Some(Level::Note)),
                "breaks (warning)" => Verdict::Breaks(Some(Level::Warning)),
                "breaks (error)" => Verdict::Breaks(Some(Level::Error)),
                "almost" => Verdict::Almost,
                other => return Err(format!("line {number}: `{other}` is neither `breaks` nor `almost`")),
            };
            let title = format!("{} {}", word.trim(), title.trim());
            sections.push(Section { verdict, title, text: "", first_line: number + 1 });
            at += line.len();
            continue;
        }
        if let Some(section) = sections.last_mut() {
            // The lines of a section lie behind each other.
            let start = at - section.text.len();
            section.text = &text[start..at + line.len()];
        }
        at += line.len();
    }
    Ok(sections)
}

fn test_section(rule: Rule, section: &Section<'_>, show_trace: bool) -> Result<(), String> {
    let scene = Scene::parse(section.text, section.first_line).map_err(|error| error.to_string())?;
    let mut runner =
        Runner::new(|| scene.setup(vec![Box::new(verify::Irql::new()), Box::new(verify::Liveness::new())]))
            .map_err(|error| format!("{error:?}"))?;
    let seeds = match section.verdict {
        Verdict::Breaks(_) if scene.order_matters => 0,
        Verdict::Breaks(_) => SEEDS_BREAKS,
        Verdict::Almost => SEEDS_ALMOST,
    };
    for seed in std::iter::once(None).chain((0..seeds).map(Some)) {
        let outcome = match seed {
            None => runner.check_determinism(&mut Fifo),
            Some(seed) => runner.check_determinism(&mut Random::new(seed)),
        };
        let order = seed.map_or_else(|| "first-in-first-out order".to_owned(), |seed| format!("seed {seed}"));
        let outcome = outcome.map_err(|difference| format!("{order}: not deterministic: {difference:?}"))?;
        let judged = judge(rule, section.verdict, &scene, &runner, &outcome);
        if show_trace && seed.is_none() {
            println!("{}\n{}", section.title, print(&scene, &runner));
        }
        judged.map_err(|text| format!("{order}: {text}\n{}", print(&scene, &runner)))?;
    }
    Ok(())
}

/// Whether an execution found what the section says, and nothing else.
fn judge(
    rule: Rule,
    verdict: Verdict,
    scene: &Scene,
    runner: &Runner,
    outcome: &Outcome,
) -> Result<(), String> {
    let levels = Levels::default();
    let overlapped = scene.stop_order == StopOrder::Overlapped;
    let mut found: Vec<(Rule, Level, String)> = Vec::new();
    let mut find = |violation: &model::Violation, circumstances: Circumstances| {
        let circumstances = Circumstances { needs_overlapped: overlapped, ..circumstances };
        if let Some(level) = levels.judge(violation.rule, circumstances) {
            found.push((violation.rule, level, violation.offence.to_owned()));
        }
    };
    for record in runner.trace() {
        if let Event::Warned(violation) = &record.event {
            find(violation, Circumstances::WARNED);
        }
    }
    let ending = match outcome {
        Outcome::AtRest { findings, .. } => {
            for finding in findings {
                find(&finding.violation, Circumstances::at_rest(finding));
            }
            verify::Ending::AtRest
        }
        Outcome::Ended(Ending::Violated(violation)) => {
            find(violation, Circumstances::default());
            verify::Ending::Cut
        }
        Outcome::Ended(Ending::Unexpected { text, .. } | Ending::Panicked { text, .. }) => {
            return Err(format!("ended: {}", runner.text(*text)));
        }
        Outcome::Ended(ending) => return Err(format!("ended: {ending:?}")),
        Outcome::Bounded(limit) => return Err(format!("bounded by {limit:?}")),
    };
    let discrepancies = verify::audit(runner.trace(), scene.stop_order, ending);
    if let Some(first) = discrepancies.first() {
        return Err(format!("the auditor finds, at record {}: {:?}", first.record, first.violation));
    }
    let fits = match verdict {
        Verdict::Almost => found.is_empty(),
        Verdict::Breaks(level) => {
            let right = |(found, at, _): &(Rule, Level, String)| {
                *found == rule && level.is_none_or(|level| level == *at)
            };
            !found.is_empty() && found.iter().all(right)
        }
    };
    if fits {
        return Ok(());
    }
    let mut text = "found".to_owned();
    for (rule, level, offence) in &found {
        let _ = write!(text, " {level} {rule} ({offence});");
    }
    if found.is_empty() {
        text.push_str(" nothing");
    }
    Err(text)
}

fn print(scene: &Scene, runner: &Runner) -> String {
    let (drivers, adapters) = scene.names();
    let mut texts = Vec::new();
    for record in runner.trace() {
        if let Event::Printed(_, number) = record.event {
            let number = number as usize;
            if texts.len() <= number {
                texts.resize(number + 1, String::new());
            }
            texts[number] = runner.text(number as u32).to_owned();
        }
    }
    let mut writer = Writer::new(Names::new(drivers, adapters), Look::PLAIN, Show::default());
    let mut text = writer.head();
    for (number, record) in runner.trace().iter().enumerate() {
        text.extend(writer.next(number, record, &texts));
    }
    text
}
