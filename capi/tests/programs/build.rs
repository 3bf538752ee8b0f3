//! Building C programs with gcc, and running them.

use std::path::{Path, PathBuf};
use std::process::Command;

use pollback_testkit::programs;

/// How a program is built, and which tool checks it while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// With the shared library; also run under valgrind.
    Shared,
    /// With the static library.
    Static,
    /// With the static library and gcc's address sanitizer.
    Address,
    /// With the static library and gcc's thread sanitizer.
    Thread,
}

/// The system libraries that the static library needs.
const SYSTEM: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

const C: [&str; 2] = ["-std=c11", "-D_POSIX_C_SOURCE=200809L"];

impl Build {
    pub(crate) const ALL: [Self; 4] = [Self::Shared, Self::Static, Self::Address, Self::Thread];
}

pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// A program that was built.
pub(crate) struct Program {
    path: PathBuf,
    build: Build,
    leaks: &'static str,
}

impl Program {
    /// Builds a program from C sources; `None` if there is no compiler.
    pub(crate) fn c(name: &str, sources: &[&str], build: Build) -> Option<Self> {
        let mut command = Command::new(programs::find("gcc")?);
        command.args(C).args(WARNINGS);
        Some(Self::compile(command, name, sources, build))
    }

    /// Builds a program from C++ sources; `None` if there is no compiler.
    pub(crate) fn cpp(name: &str, sources: &[&str], build: Build) -> Option<Self> {
        let mut command = Command::new(programs::find("g++")?);
        command.arg("-std=c++11").args(WARNINGS);
        Some(Self::compile(command, name, sources, build))
    }

    /// Builds a program with a command that has options of its own.
    pub(crate) fn compile(
        mut command: Command,
        name: &str,
        sources: &[&str],
        build: Build,
    ) -> Self {
        // The folder of the library that was built for this test.
        let test = std::env::current_exe().expect("a path");
        let libraries = test.parent().expect("a folder");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{build:?}"));
        command
            .args(["-g", "-O1", "-I"])
            .arg(path("../include"))
            .args(["-I", env!("RUSTLS_INCLUDE")])
            .args(sources.iter().map(|source| path(source)))
            .arg("-o")
            .arg(&program);
        match build {
            Build::Shared => command
                .arg("-L")
                .arg(libraries)
                .args(["-lpollback_c", "-lpthread"])
                .arg(format!("-Wl,-rpath,{}", libraries.display())),
            Build::Static | Build::Address | Build::Thread => {
                command.arg(libraries.join("libpollback_c.a")).args(SYSTEM)
            }
        };
        match build {
            Build::Shared | Build::Static => &mut command,
            Build::Address => command.arg("-fsanitize=address"),
            Build::Thread => command.arg("-fsanitize=thread"),
        };
        let output = command.output().expect("the compiler can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}\n{said}");
        Self {
            path: program,
            build,
            leaks: "full",
        }
    }

    /// A program whose children leak what belonged to threads of their parents.
    pub(crate) fn that_forks(self) -> Self {
        Self {
            leaks: "no",
            ..self
        }
    }

    /// The command to run the program, and for one build another one to run it under valgrind,
    /// which reports a leak or an invalid access as a failure.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let mut commands = vec![self.command()];
        let valgrind = (self.build == Build::Shared).then(|| programs::find("valgrind"));
        if let Some(valgrind) = valgrind.flatten() {
            let mut command = Command::new(valgrind);
            command
                .args(["--quiet", "--error-exitcode=99"])
                .arg(format!("--leak-check={}", self.leaks))
                .args(["--errors-for-leak-kinds=definite,indirect,possible"])
                .arg(&self.path);
            commands.push(command);
        }
        commands
    }

    /// The command to run the program.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// Runs the program in each way, and expects success.
    pub(crate) fn run(&self, arguments: &[&str]) {
        for mut command in self.commands() {
            let output = command.args(arguments).output();
            let output = output.expect("the program can be run");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {said}");
        }
    }
}
