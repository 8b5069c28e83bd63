//! The lockstep runner's part about receiving.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use callboard::{Phase, TryRecvError};

use crate::asking::Stage;
use crate::events::{InHand, Kind};
use crate::program::How;
use crate::reader;
use crate::run::{Manner, Runner, Step, pick, same};
use crate::run_asking::OpenCall;
use crate::sub::{Item, Sub};

impl Runner {
    /// Compares what was received, and takes it in hand.
    fn received(&mut self, id: usize, (got, in_hand): reader::Item, model: Option<Item>) -> Step {
        let now = self.model.timestamp();
        same("what was received", Some(&got), model.as_ref().map(|item| item.got(now)).as_ref())?;
        let Some(item) = model else { return Ok(()) };
        match (in_hand, item.request) {
            (InHand::Call(call), Some(request)) => {
                self.model.set_stage(request, id, Stage::Handling);
                self.calls.push(OpenCall { call, question: item.value, request, sub: id });
            }
            (event @ InHand::Event(_), None) => self.kept.push((event, item.value)),
            _ => {}
        }
        Ok(())
    }

    fn all_received(&mut self, id: usize, items: Vec<reader::Item>, model: Vec<Item>) -> Step {
        same("how many were received", items.len(), model.len())?;
        for (item, model) in items.into_iter().zip(model) {
            self.received(id, item, Some(model))?;
        }
        Ok(())
    }

    pub(crate) fn receive(&mut self, slot: usize, how: How, keep: bool) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let handle = &mut self.handles[slot];
        let id = handle.id;
        let now = self.model.timestamp();
        let closed = self.model.phase == Phase::Closed;
        let queued = self.model.sub(id).queue.len();
        let parks = match how {
            How::BlockingRecv | How::BlockingBatch(_) => queued == 0,
            How::Iter(limit) => queued < limit,
            _ => false,
        };
        if parks && !closed {
            return Ok(());
        }
        let items = handle.reader.receive(how, keep);
        let sub = self.model.sub(id);
        let over = if closed { TryRecvError::Closed } else { TryRecvError::Empty };
        let asked = !matches!(how, How::RecvMany(0) | How::TryIter(0) | How::Iter(0));
        let waits = asked && queued == 0 && !matches!(how, How::TryIter(_) | How::Iter(_));
        if waits {
            sub.work.ask(now);
            // A future that is given up takes its waker with it.
            let futures = [How::Recv, How::RecvTimeout].contains(&how)
                || matches!(how, How::RecvMany(_) | How::Batch(_));
            if futures && !closed {
                sub.asleep = false;
                self.handles[slot].waiting = false;
            }
            return same("why nothing was received", items.err(), Some(over));
        }
        let items = items.map_err(|error| format!("nothing was received: {error}"))?;
        let expected = match how {
            How::TryIter(limit) | How::Iter(limit) => take(sub, limit, now),
            How::RecvMany(limit) => take(sub, limit.min(queued), now),
            How::TryBatch(limit) | How::Batch(limit) | How::BlockingBatch(limit) => {
                // A batch may end before the queue does.
                let most = limit.min(queued);
                let count = items.len();
                let fair = count <= most && count >= most.min(1);
                same("whether a batch has a fair part of what is queued", fair, true)?;
                sub.work.begin_batch(now);
                let expected: Vec<_> = (0..count).map_while(|_| sub.next_of_batch()).collect();
                // Who is told that there is no next has asked for it; until then it has a batch.
                if count < limit {
                    sub.work.ask(now);
                }
                expected
            }
            _ => take(sub, 1, now),
        };
        self.all_received(id, items, expected)
    }

    pub(crate) fn poll(&mut self, slot: usize) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let now = self.model.timestamp();
        let handle = &mut self.handles[slot];
        handle.flag.lower();
        let waker = Waker::from(Arc::clone(&handle.flag));
        let polled = handle.reader.poll(&waker);
        handle.waiting = polled.is_pending();
        let id = handle.id;
        let sub = self.model.sub(id);
        let model = sub.recv(now);
        sub.asleep = polled.is_pending();
        self.ended_or_received(id, polled, model)
    }

    fn ended_or_received(
        &mut self,
        id: usize,
        polled: Poll<Option<reader::Item>>,
        model: Option<Item>,
    ) -> Step {
        let ended = matches!(polled, Poll::Ready(None));
        let over = model.is_none() && self.model.phase == Phase::Closed;
        same("whether it has ended", ended, over)?;
        match polled {
            Poll::Ready(Some(item)) => self.received(id, item, model),
            _ => same("what was received", None, model.map(|item| item.got(None))),
        }
    }

    pub(crate) fn recv_while(&mut self, slot: usize, event: (Kind, u8), again: bool) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let mut handle = self.handles.remove(slot);
        handle.flag.lower();
        let waker = Waker::from(Arc::clone(&handle.flag));
        let (id, now) = (handle.id, self.model.timestamp());
        let mut model = self.model.sub(id).recv(now);
        let waits = model.is_none() && self.model.phase != Phase::Closed;
        let mut meanwhile = Ok(false);
        let flag = Arc::clone(&handle.flag);
        let publish = &mut || {
            self.model.sub(id).asleep = true;
            meanwhile = self.publish(event.0, event.1, Manner::Plain).and_then(|()| {
                let woken = !self.model.sub(id).asleep;
                same("whether recv was woken", flag.raised(), woken).map(|()| true)
            });
        };
        let polled = handle.reader.recv_while(&waker, publish, again);
        handle.waiting = false;
        self.handles.insert(slot, handle);
        same("whether recv waited", meanwhile?, waits)?;
        let sub = self.model.sub(id);
        (sub.asleep, sub.work.roused) = (false, false);
        if !waits {
            return self.ended_or_received(id, polled, model);
        }
        if again {
            model = sub.recv(now);
        }
        self.ended_or_received(id, polled, model)
    }

    pub(crate) fn serve(&mut self, slot: usize) -> Step {
        let Some(slot) = pick(slot, self.handles.len()) else { return Ok(()) };
        let handle = self.handles.remove(slot);
        let now = self.model.timestamp();
        let sub = self.model.sub(handle.id);
        let expected = take(sub, usize::MAX, now);
        let items = handle.reader.serve();
        self.all_received(handle.id, items, expected)?;
        self.model.unsubscribe(handle.id);
        Ok(())
    }

    /// What is kept is what it was.
    pub(crate) fn compare_kept(&self) -> Step {
        for (kept, value) in &self.kept {
            if let InHand::Event(look) = kept {
                same("an event that was kept", &look(), Rc::as_ref(value))?;
            }
        }
        Ok(())
    }
}

fn take(sub: &mut Sub, limit: usize, now: Option<std::time::Instant>) -> Vec<Item> {
    std::iter::from_fn(|| sub.recv(now)).take(limit).collect()
}
