//! Reading items from the queue, one by one.

use std::task::{Context, Poll};

use super::Burst;
use crate::engine::Next;
use crate::error::TryRecvError;
use crate::event::{Receipt, Received};
use crate::subscription::{EventSet, Subscription};

/// An item as it was read.
pub(super) struct Read<T> {
    pub(super) burst: Burst<T>,
    pub(super) is_call: bool,
}

impl<S: EventSet> Subscription<S> {
    /// Waits for the next item, and takes it with its metadata.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Read<S::Item>>> {
        let now = self.core.moment();
        loop {
            // Counts this read, so that the task yields regularly.
            self.may_go_on();
            if self.should_yield(context) {
                return Poll::Pending;
            }
            let Poll::Ready(next) = self.poll_ready(now, context) else {
                return Poll::Pending;
            };
            let read = match next {
                Next::Log => S::take_logged(&mut self.reader, now).map(|item| {
                    let missed = item.receipt().map_or(0, Receipt::missed);
                    Read { burst: Burst::new(item, missed), is_call: false }
                }),
                Next::Found => match self.reader.take_found(now) {
                    Ok(taken) => {
                        let (missed, is_call) = (taken.receipt.missed(), taken.call.is_some());
                        Some(Read { burst: Burst::new(S::item(taken), missed), is_call })
                    }
                    Err(TryRecvError::Closed) => return Poll::Ready(None),
                    // The event was a call that has since been withdrawn.
                    Err(TryRecvError::Empty) => None,
                },
                Next::Empty => None,
                Next::Closed => return Poll::Ready(None),
            };
            self.core.changed.notify_all();
            if read.is_some() {
                return Poll::Ready(read);
            }
        }
    }
}
