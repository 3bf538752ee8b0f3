//! Measures what each peer needs for each row of work, prints it and writes it to files.
//!
//! Each sample is taken in a process of its own, so that none is affected by the heap of another.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs};

use clap::{Parser, Subcommand};
use pollback_peers::contenders::{self, CONTENDERS, Contender, SIZED};
use pollback_peers::cost::Cost;
use pollback_peers::report::{Arriving, FirstByte, Line, Spread, Waiting, files, pictures, table};
use pollback_peers::work::{self, Beginning, ROWS, Row};

/// The same work on pollback and on its peers, in one run.
#[derive(Parser)]
struct Options {
    /// How often every peer runs every row
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run only this row; may be given more than once
    #[arg(long, value_name = "ROW", value_parser = row_names())]
    only: Vec<String>,
    /// The folder for the CSV and SVG files
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    out: PathBuf,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Take one sample and print its nanoseconds
    #[command(hide = true)]
    Sample {
        row: String,
        peer: String,
        units: usize,
    },
}

const IDLE: &str = "idle";
const LINK: &str = "link";
const FIRST_BYTE: &str = "first-byte";

fn row_names() -> Vec<&'static str> {
    let names = ROWS.iter().map(|row| row.name);
    names.chain([IDLE, LINK, FIRST_BYTE]).collect()
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match &options.task {
        Some(Task::Sample { row, peer, units }) => sample(row, peer, *units),
        None => compare(options),
    }
}

fn sample(row: &str, peer: &str, units: usize) -> Result<(), Box<dyn Error>> {
    let row = Row::named(row).ok_or("no such row")?;
    let contender = contenders::named(peer).ok_or("no such peer")?;
    let cost = contender.workload.timed(row, units)?;
    println!("{} {}", cost.processor.as_nanos(), cost.wall.as_nanos());
    Ok(())
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&options.out)?;
    let asked = |name: &str| options.only.is_empty() || options.only.iter().any(|row| row == name);

    let mut lines = lines(|row| asked(row.name))?;
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        take_round(&mut lines)?;
    }
    if !lines.is_empty() {
        print!("{}", table::Work(&lines));
        files::write_work(&options.out, &lines)?;
        pictures::draw_work(&options.out, &lines)?;
    }
    if asked(IDLE) {
        let waiting = waiting()?;
        print!("{}", table::Memory(&waiting));
        files::write_memory(&options.out, &waiting)?;
        pictures::draw_memory(&options.out, &waiting)?;
    }
    if asked(LINK) {
        let arriving = arriving()?;
        print!("{}", table::Link(&arriving));
        files::write_link(&options.out, &arriving)?;
    }
    if asked(FIRST_BYTE) {
        let answers = answers(options.rounds)?;
        print!("{}", table::FirstBytes(&answers));
        files::write_first_bytes(&options.out, &answers)?;
    }
    println!("\nwritten to {}", options.out.display());
    Ok(())
}

/// Creates the lines with their counts, still without samples.
fn lines(asked: impl Fn(&Row) -> bool) -> io::Result<Vec<Line>> {
    let rows = ROWS.iter().filter(|row| asked(row));
    rows.flat_map(|row| CONTENDERS.iter().map(move |contender| (row, contender)))
        .map(|(row, contender)| {
            Ok(Line {
                row,
                peer: contender.name,
                samples: Vec::new(),
                units: contender.units(row),
                counted: contender.workload.counted(row, row.counted)?,
            })
        })
        .collect()
}

/// Takes one sample of each line; the order of the peers of a row differs from round to round.
fn take_round(lines: &mut [Line]) -> Result<(), Box<dyn Error>> {
    for row in lines.chunk_by_mut(|one, other| one.row.name == other.row.name) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        fastrand::shuffle(&mut order);
        for place in order {
            let cost = take_sample(&row[place])?;
            row[place].samples.push(cost);
        }
    }
    Ok(())
}

fn take_sample(line: &Line) -> Result<Cost, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?)
        .args(["sample", line.row.name, line.peer])
        .arg(line.units.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let (processor, wall) = text.trim().split_once(' ').ok_or("a sample has failed")?;
    Ok(Cost {
        processor: Duration::from_nanos(processor.parse()?),
        wall: Duration::from_nanos(wall.parse()?),
        ..Cost::default()
    })
}

fn waiting() -> io::Result<Vec<Waiting>> {
    let waiting = |contender: &Contender| {
        Ok(Waiting {
            peer: contender.name,
            idle: contender.workload.idle()?,
        })
    };
    CONTENDERS.iter().map(waiting).collect()
}

fn arriving() -> io::Result<Vec<Arriving>> {
    let arriving = |contender: &Contender| {
        Ok(Arriving {
            peer: contender.name,
            arrival: contender.workload.link()?,
        })
    };
    CONTENDERS.iter().chain([&SIZED]).map(arriving).collect()
}

/// The median of this many rounds.
fn answers(rounds: u32) -> io::Result<Vec<FirstByte>> {
    type Measure = fn(Beginning) -> io::Result<Duration>;
    let contenders: [(&str, Measure); 2] = [
        ("pollback", work::first_byte),
        (contenders::BASELINE, work::first_byte_of_tokio_rustls),
    ];
    let mut answers = Vec::new();
    for beginning in Beginning::ALL {
        for (peer, measure) in contenders {
            let times: io::Result<Vec<_>> = (0..rounds).map(|_| measure(beginning)).collect();
            let milliseconds = times?.into_iter().map(|time| time.as_secs_f64() * 1e3);
            answers.push(FirstByte {
                peer,
                beginning,
                milliseconds: Spread::of(milliseconds),
            });
        }
    }
    Ok(answers)
}
