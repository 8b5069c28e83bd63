//! Clients that are many, or do not read, or go away.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use callboard::Bus;
use callboard::testing::block_on;
use callboard_console::Console;

use crate::client::{Stream, Tick, connect, console, exchange, get, start, wait_until};

#[test]
fn no_runtime_is_needed_and_none_is_in_the_way() {
    let bus = Bus::new();
    let console = console(&bus);
    assert_eq!(get(&console, "/").status, 200);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let inside = start(Console::builder(&bus));
        assert_eq!(get(&inside, "/").status, 200);
        inside.shutdown().await;
    });
}

#[test]
fn a_shutdown_ends_streams_and_frees_the_port() {
    let bus = Bus::new();
    let console = console(&bus);
    let address = console.address();
    let mut socket = connect(address);
    write!(socket, "GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    socket.read_exact(&mut [0]).unwrap();
    block_on(console.shutdown());
    let mut rest = Vec::new();
    let _reset = socket.read_to_end(&mut rest);
    TcpListener::bind(address).expect("the port is free");
    drop(bus);
}

#[test]
fn a_console_that_is_dropped_stops() {
    let bus = Bus::new();
    let console = console(&bus);
    let address = console.address();
    drop(console);
    wait_until("it stops", || TcpStream::connect(address).is_err());
}

#[test]
fn a_thousand_connections_cost_a_bounded_number() {
    let bus = Bus::new();
    let console = console(&bus);
    let address = console.address();
    let mut held = Vec::new();
    let mut closed = 0;
    for _ in 0..1_000 {
        let mut socket = connect(address);
        // One that is kept waits for a request; one too many is closed.
        if held.len() < 128 {
            held.push(socket);
        } else {
            closed += usize::from(!matches!(socket.read(&mut [0]), Ok(1..)));
        }
    }
    assert_eq!((held.len(), closed), (128, 872));
    drop(held);
    wait_until("there is room again", || {
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        exchange(address, request.as_bytes())
            .is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"))
    });
}

#[test]
fn streams_leave_room_for_others() {
    let bus = Bus::new();
    let console = console(&bus);
    let streams: Vec<_> = (0..64).map(|_| Stream::open(&console, "/live")).collect();
    assert_eq!(get(&console, "/live").status, 503);
    assert_eq!(get(&console, "/snapshot.json").status, 200);
    drop(streams);
    wait_until("there is room again", || {
        let address = console.address();
        let mut socket = connect(address);
        write!(socket, "GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).is_ok() && status.ends_with(b"200")
    });
}

#[test]
fn a_history_of_many_subscribers_is_bounded_and_says_so() {
    let bus = Bus::new();
    let subscribe = |number| bus.subscriber(format!("s{number}")).capacity(2).subscribe::<Tick>();
    let mut all: Vec<_> = (0..300).map(subscribe).collect();
    bus.start();
    bus.publish(Tick(1));
    all[..299].iter_mut().for_each(|of| drop(of.try_recv().unwrap()));
    let console = console(&bus);
    let history = || get(&console, "/history.json").json()["points"][0].clone();
    wait_until("a point", || !history().is_null());
    let point = history();
    let shown = point["subscribers"].as_object().unwrap();
    assert_eq!((shown.len(), &point["left_out"]), (256, &44.into()));
    assert_eq!(shown["s299"]["queued"], 1, "the worst is there");
}
