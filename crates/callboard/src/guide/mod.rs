#![doc = include_str!("guide.md")]

#[doc = include_str!("choosing.md")]
pub mod choosing {}

#[doc = include_str!("starting.md")]
pub mod starting {}

#[doc = include_str!("asking.md")]
pub mod asking {}

#[doc = include_str!("components.md")]
pub mod components {}

#[doc = include_str!("handlers.md")]
pub mod handlers {}

#[doc = include_str!("publishing.md")]
pub mod publishing {}

#[doc = include_str!("time.md")]
pub mod time {}

#[doc = include_str!("shutdown.md")]
pub mod shutdown {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("watching.md")]
pub mod watching {}

#[doc = include_str!("contracts.md")]
pub mod contracts {}

#[doc = include_str!("wiring.md")]
pub mod wiring {}

#[doc = include_str!("processes.md")]
pub mod processes {}

#[doc = include_str!("extending.md")]
pub mod extending {}
