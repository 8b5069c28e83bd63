//! The page in a browser: headless Chromium looks at real consoles of real buses.
//!
//! Chromium is driven by chromiumoxide, over the DevTools protocol. fantoccini would need chromedriver
//! beside the browser; headless_chrome is as heavy, and has no async interface.

mod browser;
mod connection;
mod controls;
mod faults;
mod figures;
mod looks;
mod times;
mod traffic;
