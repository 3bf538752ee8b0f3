//! A single-thread executor that detects a hang without a clock.
//!
//! It is stricter than a real one, within what the contract of [`Future`] allows: every poll gets a
//! new waker, only the waker of the latest poll counts, and a task that was not woken is not
//! polled. A hang is then a state, "tasks remain and none is woken", and not a matter of time.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

/// More polls than any correct test needs.
const POLL_LIMIT: usize = 5_000_000;

/// Runs tasks on the thread of the test.
#[derive(Default)]
pub struct Executor<'a> {
    tasks: Vec<Task<'a>>,
    between_rounds: Option<Box<dyn FnMut() -> bool + 'a>>,
}

/// Represents a spawned task.
pub struct Handle<T> {
    index: usize,
    output: Rc<RefCell<Option<T>>>,
}

struct Task<'a> {
    name: String,
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    paused: bool,
    state: Arc<State>,
}

struct State {
    woken: AtomicBool,
    polls: AtomicUsize,
}

/// The waker of one poll. Wakers of earlier polls do nothing.
struct WakerOfPoll {
    poll: usize,
    state: Arc<State>,
}

impl Wake for WakerOfPoll {
    fn wake(self: Arc<Self>) {
        if self.state.polls.load(Ordering::Acquire) == self.poll {
            self.state.woken.store(true, Ordering::Release);
        }
    }
}

impl<'a> Executor<'a> {
    /// An executor without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task. It runs when [`run`](Self::run) or
    /// [`run_until_stalled`](Self::run_until_stalled) does.
    pub fn spawn<F>(&mut self, name: &str, future: F) -> Handle<F::Output>
    where
        F: Future + 'a,
        F::Output: 'a,
    {
        let output = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&output);
        let state = State {
            woken: AtomicBool::new(true),
            polls: AtomicUsize::new(0),
        };
        self.tasks.push(Task {
            name: name.to_owned(),
            future: Some(Box::pin(async move {
                let value = future.await;
                *slot.borrow_mut() = Some(value);
            })),
            paused: false,
            state: Arc::new(state),
        });
        Handle {
            index: self.tasks.len() - 1,
            output,
        }
    }

    /// Calls `step` after each round in which all woken tasks were polled. The tasks have not
    /// stalled until it returns false.
    pub fn between_rounds(&mut self, step: impl FnMut() -> bool + 'a) {
        self.between_rounds = Some(Box::new(step));
    }

    /// Runs until every task has finished.
    ///
    /// # Panics
    ///
    /// If tasks remain and none of them will be woken, or if polls never end.
    pub fn run(&mut self) {
        self.run_until_stalled();
        let mut left = String::new();
        for task in self.tasks.iter().filter(|task| task.future.is_some()) {
            let polls = task.state.polls.load(Ordering::Relaxed);
            write!(left, " {:?} (polled {polls} times)", task.name).expect("a string grows");
        }
        assert!(
            left.is_empty(),
            "stalled: no task will be woken. Unfinished:{left}"
        );
    }

    /// Runs until no task is woken, and returns whether all have finished.
    ///
    /// # Panics
    ///
    /// If polls never end.
    pub fn run_until_stalled(&mut self) -> bool {
        let mut polls = 0;
        while self.poll_each_woken() | self.step() {
            polls += 1;
            assert!(
                polls < POLL_LIMIT,
                "spinning: still not finished after {polls} rounds"
            );
        }
        self.tasks.iter().all(|task| task.future.is_none())
    }

    /// Drops the future of a task that may not have finished.
    pub fn cancel<T>(&mut self, handle: &Handle<T>) {
        self.tasks[handle.index].future = None;
    }

    /// Stops polling a task, and keeps its future alive.
    pub fn pause<T>(&mut self, handle: &Handle<T>) {
        self.tasks[handle.index].paused = true;
    }

    /// How often a task was polled.
    pub fn polls<T>(&self, handle: &Handle<T>) -> usize {
        self.tasks[handle.index].state.polls.load(Ordering::Relaxed)
    }

    fn step(&mut self) -> bool {
        // Tasks woken by the step are polled in a round of their own.
        let more = self.between_rounds.as_mut().is_some_and(|step| step());
        more || self.tasks.iter().any(Task::is_runnable)
    }

    fn poll_each_woken(&mut self) -> bool {
        let mut polled = false;
        for task in &mut self.tasks {
            polled |= task.poll_if_woken();
        }
        polled
    }
}

impl Task<'_> {
    fn is_runnable(&self) -> bool {
        self.future.is_some() && !self.paused && self.state.woken.load(Ordering::Acquire)
    }

    fn poll_if_woken(&mut self) -> bool {
        let Some(future) = &mut self.future else {
            return false;
        };
        if self.paused || !self.state.woken.swap(false, Ordering::AcqRel) {
            return false;
        }
        let poll = self.state.polls.fetch_add(1, Ordering::AcqRel) + 1;
        let waker = Waker::from(Arc::new(WakerOfPoll {
            poll,
            state: Arc::clone(&self.state),
        }));
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            // Dropped at once, as by a real executor, so that whatever the task owns is closed.
            self.future = None;
        }
        true
    }
}

impl<T> Handle<T> {
    /// Whether the output is available and has not been taken.
    pub fn is_finished(&self) -> bool {
        self.output.borrow().is_some()
    }

    /// Takes the output of a finished task.
    ///
    /// # Panics
    ///
    /// If the task has not finished, or the output was taken before.
    pub fn take(&self) -> T {
        self.output
            .borrow_mut()
            .take()
            .expect("the task has finished")
    }
}

/// Runs one future to completion.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut executor = Executor::new();
    let handle = executor.spawn("the only task", future);
    executor.run();
    handle.take()
}

/// Runs two futures to completion, each as a task of its own.
pub fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let mut executor = Executor::new();
    let first = executor.spawn("the first task", first);
    let second = executor.spawn("the second task", second);
    executor.run();
    (first.take(), second.take())
}
