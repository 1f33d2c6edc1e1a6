//! Polls what is ready, one after another in the order in which it was woken, until nothing is.
//!
//! There are two kinds of jobs: tasks, which libp2p spawns and this module owns, and nodes, which somebody else owns
//! and polls when asked to. All of it belongs to one thread.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use slab::Slab;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Node(u32),
    Task(usize),
}

/// What wakes a job. It holds nothing of the job itself, so that dropping it runs no code of libp2p's.
struct Bell {
    job: Job,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // One thread: the flag is atomic only because a waker has to be.
        if !self.rung.swap(true, Ordering::Relaxed) {
            READY.with_borrow_mut(|ready| ready.push_back(self.clone()));
        }
    }
}

struct Running {
    /// Away while it is polled.
    task: Option<Task>,
    bell: Arc<Bell>,
}

thread_local! {
    static READY: RefCell<VecDeque<Arc<Bell>>> = const { RefCell::new(VecDeque::new()) };
    static TASKS: RefCell<Slab<Running>> = const { RefCell::new(Slab::new()) };
}

/// Runs a task, beginning when those that are ready already have had their turn.
pub fn spawn(task: Task) {
    let bell = TASKS.with_borrow_mut(|tasks| {
        let slot = tasks.vacant_entry();
        let bell = bell(Job::Task(slot.key()));
        slot.insert(Running {
            task: Some(task),
            bell: bell.clone(),
        });
        bell
    });
    bell.wake();
}

/// What wakes a node.
pub fn node(index: u32) -> Waker {
    Waker::from(bell(Job::Node(index)))
}

fn bell(job: Job) -> Arc<Bell> {
    Arc::new(Bell {
        job,
        rung: AtomicBool::new(false),
    })
}

/// Polls until nothing is ready, nodes by `poll_node`, and says how many polls it took.
pub fn run(mut poll_node: impl FnMut(u32, &mut Context<'_>)) -> u64 {
    let mut polls = 0;
    while let Some(bell) = READY.with_borrow_mut(VecDeque::pop_front) {
        bell.rung.store(false, Ordering::Relaxed);
        polls += 1;
        match bell.job {
            Job::Node(index) => poll_node(index, &mut Context::from_waker(&Waker::from(bell))),
            Job::Task(id) => poll_task(id, bell),
        }
    }
    polls
}

fn poll_task(id: usize, bell: Arc<Bell>) {
    let task = TASKS.with_borrow_mut(|tasks| {
        let running = tasks.get_mut(id)?;
        // The slot may belong to another task by now, which the old one's waker must not wake.
        let is_its = Arc::ptr_eq(&running.bell, &bell);
        is_its.then(|| running.task.take()).flatten()
    });
    let Some(mut task) = task else { return };
    let waker = Waker::from(bell);
    if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
        TASKS.with_borrow_mut(|tasks| tasks.remove(id));
        // It goes last: what it lets go of may wake, or end, others.
        drop(task);
    } else {
        TASKS.with_borrow_mut(|tasks| tasks[id].task = Some(task));
    }
}

/// Drops every task.
pub fn clear() {
    // One at a time, and outside of the list: a task that goes may wake others.
    while let Some(running) = TASKS.with_borrow_mut(|tasks| {
        let id = tasks.iter().next().map(|(id, _)| id);
        id.map(|id| tasks.remove(id))
    }) {
        drop(running);
    }
    READY.with_borrow_mut(VecDeque::clear);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::Poll;

    use super::*;

    #[test]
    fn what_is_woken_first_is_polled_first_and_once() {
        let order = Arc::new(Mutex::new(Vec::new()));
        for name in 0..3 {
            let order = order.clone();
            let mut polled = false;
            spawn(Box::pin(std::future::poll_fn(move |cx| {
                order.lock().unwrap().push(name);
                if !std::mem::replace(&mut polled, true) {
                    // Waking twice is waking once.
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            })));
        }
        let node = node(9);
        node.wake_by_ref();
        let mut nodes = Vec::new();
        assert_eq!(run(|index, _| nodes.push(index)), 7);
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 0, 1, 2]);
        assert_eq!(nodes, [9]);
    }

    #[test]
    fn a_waker_of_a_task_that_has_ended_wakes_no_other() {
        let kept = Arc::new(Mutex::new(None));
        let keep = kept.clone();
        spawn(Box::pin(std::future::poll_fn(move |cx| {
            *keep.lock().unwrap() = Some(cx.waker().clone());
            Poll::Ready(())
        })));
        run(|_, _| {});
        let polls = Arc::new(Mutex::new(0));
        let count = polls.clone();
        spawn(Box::pin(std::future::poll_fn(move |_| {
            *count.lock().unwrap() += 1;
            Poll::<()>::Pending
        })));
        run(|_, _| {});
        kept.lock().unwrap().take().unwrap().wake();
        run(|_, _| {});
        assert_eq!(*polls.lock().unwrap(), 1);
        clear();
    }
}
