use std::task::{Context, Poll, Waker};

use intentcast_sim::scenario::{Bandwidth, Partition, Scenario};

use super::*;
use crate::clock::MILLISECOND;
use crate::node::peer;
use crate::transport::address;

/// Two nodes that listen, a hundred milliseconds apart.
struct Two;

impl Two {
    fn with(change: impl FnOnce(&mut Scenario)) -> Self {
        let mut scenario = Scenario::of(2);
        scenario.topology.dials = 1;
        change(&mut scenario);
        lay(Rc::new(Plan::of(&scenario, 1).unwrap()));
        for node in 0..2 {
            on(|network| network.listen(node, peer(1, node)));
        }
        Self
    }

    fn new() -> Self {
        Self::with(|_| {})
    }

    /// Dials from the first to the second, and waits until both are connected.
    fn connect(&self) -> usize {
        let connection = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
        pass(300 * MILLISECOND);
        assert!(matches!(
            on(|network| network.poll_dial(connection, &mut cx())),
            Poll::Ready(Ok(_))
        ));
        let call = on(|network| network.poll_call(1, &mut cx()));
        let plan = on(|network| network.plan.clone());
        assert_eq!(call, Poll::Ready((connection, peer(1, 0), address(&plan, 0))));
        connection
    }
}

fn on<R>(act: impl FnOnce(&mut Network) -> R) -> R {
    with(act).unwrap()
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Lets time pass from parcel to parcel.
fn pass(time: Nanos) {
    let end = clock::now() + time;
    while let Some(next) = on(|network| network.next()).filter(|next| *next <= end) {
        clock::advance(next);
        on(Network::arrive);
    }
    clock::advance(end);
}

fn write(stream: usize, side: Side, bytes: &[u8]) -> usize {
    match on(|network| network.poll_write(stream, side, bytes, &mut cx())) {
        Poll::Ready(Ok(written)) => written,
        other => panic!("{other:?}"),
    }
}

/// How much of a stream can be read now; none at its end.
fn read(stream: usize, side: Side) -> Option<usize> {
    let mut buffer = [0; 64 << 10];
    match on(|network| network.poll_read(stream, side, &mut buffer, &mut cx())) {
        Poll::Ready(Ok(0)) => None,
        Poll::Ready(Ok(read)) => Some(read),
        Poll::Ready(Err(error)) => panic!("{error}"),
        Poll::Pending => Some(0),
    }
}

fn accept(connection: usize, side: Side) -> usize {
    match on(|network| network.poll_stream(connection, side, &mut cx())) {
        Poll::Ready(Ok(stream)) => stream,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_takes_a_latency_and_a_round_trip() {
    let _two = Two::new();
    let connection = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
    pass(299 * MILLISECOND);
    assert!(on(|network| network.poll_dial(connection, &mut cx())).is_pending());
    assert!(on(|network| network.poll_call(1, &mut cx())).is_pending());
    pass(MILLISECOND);
    let answer = on(|network| network.poll_dial(connection, &mut cx()));
    assert!(matches!(answer, Poll::Ready(Ok(who)) if who == peer(1, 1)));
    assert!(on(|network| network.poll_call(1, &mut cx())).is_ready());
}

#[test]
fn nobody_answers_where_nobody_is() {
    let _two = Two::new();
    on(|network| network.leave(1));
    let connection = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
    pass(199 * MILLISECOND);
    assert!(on(|network| network.poll_dial(connection, &mut cx())).is_pending());
    pass(MILLISECOND);
    assert!(matches!(
        on(|network| network.poll_dial(connection, &mut cx())),
        Poll::Ready(Err(_))
    ));
    assert!(
        on(|network| network.dial(0, peer(1, 0), 2)).is_none(),
        "there is no third node"
    );
}

#[test]
fn bytes_arrive_after_the_latency_and_announce_their_stream() {
    let connection = Two::new().connect();
    let stream = on(|network| network.open_stream(connection, Side::Listener)).unwrap();
    pass(200 * MILLISECOND);
    let unheard = on(|network| network.poll_stream(connection, Side::Dialler, &mut cx()));
    assert!(unheard.is_pending(), "who opens a stream and says nothing is not heard");
    write(stream, Side::Listener, b"hello");
    pass(99 * MILLISECOND);
    assert!(on(|network| network.poll_stream(connection, Side::Dialler, &mut cx())).is_pending());
    pass(MILLISECOND);
    assert_eq!(accept(connection, Side::Dialler), stream);
    assert_eq!(read(stream, Side::Dialler), Some(5));
    assert_eq!(write(stream, Side::Dialler, b"and back"), 8);
    pass(100 * MILLISECOND);
    assert_eq!(read(stream, Side::Listener), Some(8));
    on(|network| network.end_stream(stream, Side::Dialler));
    assert_eq!(read(stream, Side::Listener), Some(0));
    pass(100 * MILLISECOND);
    assert_eq!(read(stream, Side::Listener), None);
}

#[test]
fn bytes_wait_before_a_narrow_line_at_both_ends() {
    // A byte each microsecond.
    let line = |up_bps, down_bps| Two::with(|scenario| scenario.links.bandwidth = Some(Bandwidth { up_bps, down_bps }));
    for (up, down, expected) in [(8e6, 8e9, 103), (8e9, 8e6, 103), (8e6, 8e6, 104)] {
        let connection = line(up, down).connect();
        let stream = on(|network| network.open_stream(connection, Side::Dialler)).unwrap();
        // Three milliseconds' worth: at both lines, the second and third wait for one more.
        for _ in 0..3 {
            write(stream, Side::Dialler, &[0; 1_000]);
        }
        pass(expected * MILLISECOND - 1);
        accept(connection, Side::Listener);
        assert!(read(stream, Side::Listener) < Some(3_000), "{expected}");
        pass(MILLISECOND / 10);
        assert!(read(stream, Side::Listener) >= Some(1_000), "{expected}");
        clear();
    }
}

#[test]
fn nothing_is_overtaken_and_nothing_is_lost_on_a_bad_line() {
    let two = Two::with(|scenario| (scenario.links.jitter, scenario.links.loss) = (1.0, 0.3));
    let connection = two.connect();
    let stream = on(|network| network.open_stream(connection, Side::Dialler)).unwrap();
    for number in 0..=255 {
        write(stream, Side::Dialler, &[number]);
        pass(MILLISECOND);
    }
    pass(60_000 * MILLISECOND);
    accept(connection, Side::Listener);
    let mut buffer = [0; 256];
    let read = on(|network| network.poll_read(stream, Side::Listener, &mut buffer, &mut cx()));
    assert!(matches!(read, Poll::Ready(Ok(256))));
    assert!(buffer.iter().zip(0..=255).all(|(got, sent)| *got == sent));
}

#[test]
fn what_was_said_before_somebody_went_is_heard() {
    let connection = Two::new().connect();
    let stream = on(|network| network.open_stream(connection, Side::Dialler)).unwrap();
    write(stream, Side::Dialler, b"last words");
    on(|network| {
        network.drop_stream(stream, Side::Dialler);
        network.hang_up(connection, Side::Dialler);
    });
    pass(100 * MILLISECOND);
    assert_eq!(accept(connection, Side::Listener), stream);
    assert_eq!(read(stream, Side::Listener), Some(10));
    assert_eq!(read(stream, Side::Listener), None);
    let gone = on(|network| network.poll_stream(connection, Side::Listener, &mut cx()));
    assert!(matches!(gone, Poll::Ready(Err(_))));
    let written = on(|network| network.poll_write(stream, Side::Listener, b"?", &mut cx()));
    assert!(matches!(written, Poll::Ready(Err(_))), "nobody reads");
}

#[test]
fn what_nobody_holds_is_forgotten() {
    let two = Two::new();
    let connection = two.connect();
    let stream = on(|network| network.open_stream(connection, Side::Dialler)).unwrap();
    write(stream, Side::Dialler, b"x");
    pass(100 * MILLISECOND);
    accept(connection, Side::Listener);
    on(|network| {
        network.drop_stream(stream, Side::Listener);
        network.hang_up(connection, Side::Listener);
        network.drop_stream(stream, Side::Dialler);
        network.hang_up(connection, Side::Dialler);
        // A dial that is given up, and one that is never taken.
        let abandoned = network.dial(0, peer(1, 0), 1).unwrap();
        network.abandon(abandoned);
    });
    let untaken = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
    pass(300 * MILLISECOND);
    on(|network| {
        network.abandon(untaken);
        network.leave(1);
    });
    pass(1_000 * MILLISECOND);
    on(|network| {
        assert!(network.connections.is_empty());
        assert!(network.streams.is_empty());
        assert!(network.stations.iter().all(|station| station.slots.is_empty()));
        assert!(network.next().is_none());
    });
}

#[test]
fn a_partition_breaks_connections_and_refuses_dials_until_it_heals() {
    let cut = |share| Partition {
        start_s: 1.0,
        stop_s: 2.0,
        share,
        regions: Vec::new(),
    };
    let two = Two::with(|scenario| scenario.partition = vec![cut(0.5)]);
    // The seed may have put both on one side.
    let is_cut = on(|network| network.plan.is_cut(1_500 * MILLISECOND, 0, 1));
    let connection = two.connect();
    clock::advance(1_000 * MILLISECOND);
    on(Network::tear);
    let broken = on(|network| network.poll_stream(connection, Side::Dialler, &mut cx()));
    assert_eq!(matches!(broken, Poll::Ready(Err(_))), is_cut);
    let dial = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
    pass(300 * MILLISECOND);
    let answer = on(|network| network.poll_dial(dial, &mut cx()));
    assert_eq!(matches!(answer, Poll::Ready(Err(_))), is_cut);
    clock::advance(2_000 * MILLISECOND);
    let dial = on(|network| network.dial(0, peer(1, 0), 1)).unwrap();
    pass(300 * MILLISECOND);
    assert!(matches!(
        on(|network| network.poll_dial(dial, &mut cx())),
        Poll::Ready(Ok(_))
    ));
}

#[test]
fn what_was_said_and_heard_is_counted_by_node() {
    let connection = Two::new().connect();
    let stream = on(|network| network.open_stream(connection, Side::Dialler)).unwrap();
    write(stream, Side::Dialler, b"\x13/multistream/1.0.0\n\x0f/meshsub/1.2.0\n");
    // One payload of three bytes, on a topic of one letter.
    write(stream, Side::Dialler, b"\x0a\x12\x08\x12\x03abc\x22\x01t");
    let [said, heard] = on(|network| {
        let traffic: Vec<Traffic> = network.traffic().copied().collect();
        [traffic[0], traffic[1]]
    });
    assert_eq!(
        (said.said.payloads, said.said.payload_bytes, said.said.other_bytes),
        (1, 11, 36)
    );
    assert_eq!(heard.heard, (11, 36));
    assert_eq!(on(|network| network.payloads_arrived()), 0);
    pass(100 * MILLISECOND);
    assert_eq!(on(|network| network.payloads_arrived()), 1);
}
