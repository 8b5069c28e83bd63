//! Nested requests without access to the call.

use std::fmt;
use std::sync::Arc;

use super::{Call, Request, RequestBuilder};
use crate::engine::{Invocation, Origin};
use crate::registry::Core;

/// Makes nested requests on behalf of a call, in code that does not have the call. Created by
/// [`Call::context`].
#[derive(Clone)]
pub struct CallContext {
    core: Arc<Core>,
    origin: Origin,
    invocation: Arc<Invocation>,
}

impl<Q: Request> Call<Q> {
    /// Returns a handle for nested requests, for tasks that do not have the call:
    /// [`CallContext::request`] works like [`Call::request`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request, RequestError};
    /// # #[derive(Debug, Event)]
    /// # struct Answer;
    /// # #[derive(Debug, Request)]
    /// # #[request(response = Answer)]
    /// # struct Question;
    /// # let bus = Bus::new();
    /// # let mut a = bus.responder::<Question>("a");
    /// # bus.start();
    /// # let asked = std::thread::spawn({
    /// #     let bus = bus.clone();
    /// #     move || bus.request(Question).expect(["a"]).gather_blocking()
    /// # });
    /// # let call = a.blocking_recv().unwrap();
    /// let context = call.context();
    /// let elsewhere = std::thread::spawn(move || {
    ///     context.request(Question, "helper").expect(["a"]).gather_blocking()
    /// });
    /// let chain = vec!["a".into(), "a".into()];
    /// assert_eq!(elsewhere.join().unwrap().unwrap_err(), RequestError::Cycle { chain });
    /// # call.respond(Answer);
    /// # assert!(asked.join().unwrap().unwrap().is_complete());
    /// ```
    pub fn context(&self) -> CallContext {
        let origin = self.origin_of_nested();
        let core = Arc::clone(&self.exchange.core);
        CallContext { core, origin, invocation: self.invocation() }
    }
}

impl CallContext {
    /// Opens a nested request, made in order to answer the call. [`Call::askers`] shows the asker
    /// under `name`; a reported cycle shows the responder's name.
    pub fn request<P: Request>(&self, request: P, name: impl AsRef<str>) -> RequestBuilder<P> {
        let asker = self.invocation.helped_by(name.as_ref().into());
        RequestBuilder::new(Arc::clone(&self.core), request, self.origin, Some(Arc::new(asker)))
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext").field("responder", &self.invocation.name).finish()
    }
}
