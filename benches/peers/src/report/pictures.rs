//! The results as charts: groups of horizontal bars.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Line, Waiting, baseline_of};
use crate::contenders::{BASELINE, CONTENDERS};
use crate::work::{Held, Idle};

const WIDTH: u32 = 900;
/// Where bars begin, and the length of the baseline's bar.
const LEFT: i32 = 150;
const BASELINE_LENGTH: f64 = 300.0;
/// Longer bars are truncated here, and labelled accordingly.
const LONGEST: f64 = 1.85;
const BAR: i32 = 15;
const GAP: i32 = 34;
const HEAD: i32 = 50;

/// Bars that are compared with each other.
struct Group {
    title: String,
    bars: Vec<Bar>,
}

struct Bar {
    peer: &'static str,
    /// Of the baseline.
    ratio: f64,
    label: String,
}

/// Draws `processor.svg`, `clock.svg` and `calls.svg` into a folder.
pub fn draw_work(folder: &Path, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let median = |line: &Line| line.wall().median;
    let clock = groups(lines, Line::is_by_the_clock, "us", median, Line::ratio);
    let title = "Elapsed time without TCP_NODELAY, in microseconds (median)";
    draw(&folder.join("clock.svg"), title, &clock)?;

    let median = |line: &Line| line.processor().median;
    let by_processor = |line: &Line| !line.is_by_the_clock();
    let processor = groups(lines, by_processor, "us", median, Line::ratio);
    let title = "Processor time of both ends, in microseconds (median)";
    draw(&folder.join("processor.svg"), title, &processor)?;

    let answered = |line: &Line| {
        let calls = line.counted.calls;
        line.per_unit(calls.reads.answered + calls.writes.answered)
    };
    let ratio = |line: &Line, baseline: &Line| answered(line) / answered(baseline);
    let calls = groups(lines, |_| true, "calls", answered, ratio);
    let title = "Reads and writes of the transports of both ends";
    draw(&folder.join("calls.svg"), title, &calls)
}

/// Draws `memory.svg` into a folder.
pub fn draw_memory(folder: &Path, waiting: &[Waiting]) -> Result<(), Box<dyn Error>> {
    let group = |end: &str, held: fn(&Idle) -> Held| {
        let heap = |waiting: &Waiting| held(&waiting.idle).heap;
        let baseline = waiting.iter().find(|waiting| waiting.peer == BASELINE);
        let whole = heap(baseline.expect("the baseline is present")) as f64;
        let bars = waiting.iter().map(|waiting| Bar {
            peer: waiting.peer,
            ratio: heap(waiting) as f64 / whole,
            label: format!("{} bytes", heap(waiting)),
        });
        Group {
            title: format!("{end}, waiting in a read after one echo of 16 KiB"),
            bars: bars.collect(),
        }
    };
    let groups = [
        group("client", |idle| idle.client),
        group("server", |idle| idle.server),
    ];
    let title = "Heap of an idle connection";
    draw(&folder.join("memory.svg"), title, &groups)
}

fn groups(
    lines: &[Line],
    wanted: impl Fn(&Line) -> bool,
    what: &str,
    figure: impl Fn(&Line) -> f64,
    ratio: impl Fn(&Line, &Line) -> f64,
) -> Vec<Group> {
    lines
        .chunk_by(|one, other| one.row.name == other.row.name)
        .filter(|lines| wanted(&lines[0]))
        .map(|lines| {
            let row = lines[0].row;
            let baseline = baseline_of(lines, &lines[0]);
            let bars = lines.iter().map(|line| Bar {
                peer: line.peer,
                ratio: ratio(line, baseline),
                label: format!("{:.1}", figure(line)),
            });
            Group {
                title: format!("{}: {what} per {}", row.title, row.unit.name()),
                bars: bars.collect(),
            }
        })
        .collect()
}

fn draw(path: &Path, title: &str, groups: &[Group]) -> Result<(), Box<dyn Error>> {
    let bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = HEAD + 10 + GAP * i32::try_from(groups.len())? + BAR * i32::try_from(bars)?;
    let area = SVGBackend::new(path, (WIDTH, u32::try_from(height)?)).into_drawing_area();
    area.fill(&WHITE)?;
    area.draw(&Text::new(title.to_owned(), (10, 12), font(18)))?;
    let mut y = HEAD;
    for group in groups {
        area.draw(&Text::new(group.title.clone(), (10, y), font(14)))?;
        y += GAP - BAR + 2;
        for bar in &group.bars {
            let right = LEFT + (bar.ratio.min(LONGEST) * BASELINE_LENGTH) as i32;
            let corners = [(LEFT, y), (right, y + BAR - 2)];
            area.draw(&Rectangle::new(corners, colour(bar.peer).filled()))?;
            let name = font(12).pos(Pos::new(HPos::Right, VPos::Center));
            let label = font(12).pos(Pos::new(HPos::Left, VPos::Center));
            let middle = y + BAR / 2;
            area.draw(&Text::new(bar.peer.to_owned(), (LEFT - 6, middle), name))?;
            let cut = if bar.ratio > LONGEST { ", cut" } else { "" };
            let ratio = format!("{}  ({:.2} x{cut})", bar.label, bar.ratio);
            area.draw(&Text::new(ratio, (right + 6, middle), label))?;
            y += BAR;
        }
        y += BAR - 2;
    }
    area.present()?;
    Ok(())
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

fn colour(peer: &str) -> RGBColor {
    const COLOURS: [RGBColor; 6] = [
        RGBColor(31, 119, 180),
        RGBColor(120, 178, 219),
        RGBColor(255, 127, 14),
        RGBColor(255, 187, 120),
        RGBColor(148, 148, 148),
        RGBColor(205, 205, 205),
    ];
    let place = CONTENDERS
        .iter()
        .position(|contender| contender.name == peer);
    COLOURS[place.unwrap_or(0) % COLOURS.len()]
}
