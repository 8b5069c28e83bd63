//! Asking in order to answer, apart from the call.

use std::fmt;
use std::sync::Arc;

use super::{Call, Request, RequestBuilder};
use crate::engine::{Invocation, Origin, Scope};
use crate::registry::Core;

/// What a request needs that is made in order to answer a call, where the call itself is not at hand.
/// Get one from [`Call::context`].
#[derive(Clone)]
pub struct CallContext {
    core: Arc<Core>,
    origin: Origin,
    invocation: Arc<Invocation>,
}

impl<Q: Request> Call<Q> {
    /// What a request needs that is made in order to answer this call, for tasks that do not have
    /// the call: [`CallContext::request`] is [`Call::request`].
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
        let origin = Scope::current_origin().caused_by(self.stamp().as_cause());
        let core = Arc::clone(&self.exchange.core);
        CallContext { core, origin, invocation: self.invocation() }
    }
}

impl CallContext {
    /// Opens a request made in order to answer the call. [`Call::askers`] shows the asker under this
    /// name; a circle is told by the responder's.
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
