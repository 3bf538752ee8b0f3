//! Programs that check the transports themselves.

use crate::build::{Build, Program};

#[test]
fn transports_work_as_documented() {
    for build in Build::ALL {
        let Some(program) = Program::c("checks", &["tests/checks.c"], build) else {
            return;
        };
        program.run(&[]);
    }
}

#[test]
fn transports_survive_forks_signals_and_exits() {
    // The thread sanitizer does not support threads that are started in a forked child.
    for build in [Build::Shared, Build::Static, Build::Address] {
        let Some(program) = Program::c("processes", &["tests/processes.c"], build) else {
            return;
        };
        let program = program.that_forks();
        program.run(&[]);
        // Not under valgrind, which has limits of its own.
        let output = program.command().arg("lack").output();
        let output = output.expect("the program can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{build:?}: {said}");
    }
}

#[test]
fn a_cpp_program_can_use_them() {
    for build in Build::ALL {
        let Some(program) = Program::cpp("plus", &["tests/plus.cpp"], build) else {
            return;
        };
        program.run(&[]);
    }
}

#[test]
fn attempts_leak_nothing() {
    let Some(program) = Program::c("steady", &["tests/steady.c"], Build::Shared) else {
        return;
    };
    // Not under valgrind, which counts memory in its own way. `.ci/ffi` makes many more.
    let output = program.command().arg("100000").output();
    let output = output.expect("the program can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
