//! The page on which the controller's bus can be watched.

use std::io::Write;

use callboard::Bus;
use callboard_console::{Console, ConsoleBuilder, Error};
use serde_json::json;

use crate::cli::{Mode, Options, Place};
use crate::logic::line::Format;

/// Serves the console, unless it is off, and tells where. One pass is over before anybody could look.
pub(crate) fn open(bus: &Bus, options: &Options) -> Result<Option<Console>, String> {
    let builder = Console::builder(bus).title("ingress");
    let (console, note) = match (&options.console, options.mode) {
        (Place::Off, _) | (Place::Usual, Mode::Once) => return Ok(None),
        (Place::At(place), _) => {
            (builder.bind(place).spawn().map_err(|error| error.to_string())?, "")
        }
        (Place::Usual, Mode::Watch) => usual(builder).map_err(|error| error.to_string())?,
    };
    let url = console.url();
    let line = match options.format {
        Format::Human => format!("console: {url}{note}"),
        Format::Json => json!({"event": "console", "url": url, "message": note.trim()}).to_string(),
    };
    // As with the narrative: where nobody reads there is nobody to tell.
    let _ = writeln!(anstream::stdout(), "{line}");
    Ok(Some(console))
}

/// At the usual address, or at a free port with a note.
fn usual(builder: ConsoleBuilder) -> Result<(Console, &'static str), Error> {
    match builder.clone().spawn() {
        Err(error) if error.is_address_in_use() => {
            Ok((builder.bind("127.0.0.1:0").spawn()?, "  (port 4870 is taken)"))
        }
        usual => Ok((usual?, "")),
    }
}
