//! The connection to the server.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::Event;
use async_nats::connection::State;
use bytes::Bytes;
use tokio::sync::watch;

use super::Times;
use crate::requests::AskCommand;
use crate::shared::{Shared, UNREACHABLE};
use crate::snapshot::LinkState;

/// If no mark has returned for this long, the silence of other nodes is no evidence against them.
const SILENT: Duration = Duration::from_millis(900);

/// How often a mark checks whether the server answers.
const MARK: Duration = Duration::from_millis(400);

/// If the client's state has differed from its events for this long, one of them was lost.
const LOST_EVENT: Duration = Duration::from_millis(500);

/// The state of the connection, and the gate of the writer.
pub(super) struct Connection {
    shared: Arc<Shared>,
    /// The number of the connection while the writer may send, 0 while it may not.
    gate: watch::Sender<u64>,
    number: u64,
    up: bool,
    /// Since when it has been up or down.
    since: Instant,
    /// Whether a mark has returned, so that the subscriptions exist.
    subscribed: bool,
    answered: Instant,
    marked: Option<Instant>,
    /// Since when the client's state has differed from its events.
    differs: Option<Instant>,
    /// Whether requests have failed because there was no connection.
    unreachable: bool,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, gate: watch::Sender<u64>) -> Self {
        let now = Instant::now();
        Self {
            shared,
            gate,
            number: 0,
            up: false,
            since: now,
            subscribed: false,
            answered: now,
            marked: None,
            differs: None,
            unreachable: false,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    /// Whether the server has answered recently; otherwise no node can be heard.
    pub(super) fn is_answered(&self, now: Instant) -> bool {
        self.up && now.duration_since(self.answered) < SILENT
    }

    /// Handles an event of the client. Returns whether there is a new connection.
    pub(super) fn client(&mut self, event: &Event) -> bool {
        match event {
            Event::Connected => {
                self.number += 1;
                self.shared.connection.store(self.number, Ordering::Relaxed);
                (self.up, self.subscribed, self.since) = (true, false, Instant::now());
                self.answered = self.since;
                self.shared.outbox.set_online(true);
                self.shared.set_state(LinkState::Regrouping);
                self.send_mark();
                return true;
            }
            Event::Disconnected => self.down(),
            Event::Closed => {
                self.down();
                self.shared.problem("the client has given up connecting".to_owned());
            }
            Event::SlowConsumer(_) => {
                self.shared.slow.fetch_add(1, Ordering::Relaxed);
            }
            Event::ServerError(error) => self.shared.problem(format!("the server says: {error}")),
            Event::ClientError(error) => self.shared.problem(format!("the client says: {error}")),
            _ => {}
        }
        false
    }

    fn down(&mut self) {
        if self.up {
            (self.up, self.since) = (false, Instant::now());
        }
        self.gate.send_replace(0);
        self.shared.outbox.set_online(false);
        self.shared.set_state(LinkState::Disconnected);
    }

    /// Sends a mark that confirms nothing, but shows that the server answers.
    pub(super) fn send_mark(&self) {
        let mark = self.shared.mark(0, 0);
        self.shared.send(self.shared.marks.clone(), Bytes::copy_from_slice(&mark));
    }

    /// Handles a mark that returned.
    pub(super) fn mark(&mut self, mark: u64, round_trip: Duration) {
        if !self.up {
            return;
        }
        (self.subscribed, self.answered) = (true, Instant::now());
        self.shared.outbox.confirm(mark);
        self.shared.status().round_trip = Some(round_trip);
        if self.shared.state() == LinkState::Stalled {
            let online = *self.gate.borrow() > 0;
            self.shared.set_state(if online { LinkState::Online } else { LinkState::Regrouping });
        }
    }

    /// `waits` is whether earlier nodes do not hear this one yet; `paused`, whether the process was
    /// stopped for a while.
    pub(super) fn tick(&mut self, times: &Times, waits: bool, paused: bool) {
        let now = Instant::now();
        self.shared.outbox.expire(now);
        if paused {
            self.answered = now;
        }
        let silent = if self.up { self.answered } else { self.since };
        let silence = now.duration_since(silent);
        if silence <= UNREACHABLE {
            self.unreachable = false;
        } else if !self.unreachable {
            self.unreachable = true;
            for asks in self.shared.asks.values() {
                let _ended = asks.send(AskCommand::Unreachable);
            }
        }
        if !self.up {
            return;
        }
        if silence > UNREACHABLE {
            self.shared.set_state(LinkState::Stalled);
        }
        if self.marked.is_none_or(|marked| now.duration_since(marked) >= MARK) {
            self.marked = Some(now);
            self.send_mark();
        }
        let regrouped = !waits || now.duration_since(self.since) > times.regroup;
        if self.subscribed && *self.gate.borrow() == 0 && regrouped {
            self.gate.send_replace(self.number);
            self.shared.set_state(LinkState::Online);
        }
    }

    /// Compares with the client's own state, since its events can get lost. Returns whether there
    /// is a new connection.
    pub(super) fn compare(&mut self) -> bool {
        let connected = match self.shared.client.connection_state() {
            State::Connected => true,
            State::Disconnected => false,
            State::Pending => self.up,
        };
        if connected == self.up {
            self.differs = None;
            return false;
        }
        // The event may be on its way.
        let since = *self.differs.get_or_insert_with(Instant::now);
        let lost = since.elapsed() > LOST_EVENT;
        lost && self.client(if connected { &Event::Connected } else { &Event::Disconnected })
    }
}
