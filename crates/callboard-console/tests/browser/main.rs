//! The page in a browser: headless Chromium looks at real consoles of real buses.
//!
//! Chromium is driven by chromiumoxide, over the DevTools protocol. fantoccini would need chromedriver
//! beside the browser, and headless_chrome has a release a year and no async interface.

mod browser;
mod connection;
mod controls;
mod faults;
mod figures;
mod looks;
mod traffic;
