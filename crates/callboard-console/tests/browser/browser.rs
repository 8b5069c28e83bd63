//! A browser that shows one page, and what can be asked of it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams,
};
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures_util::{FutureExt, StreamExt};
use serde_json::Value;

/// How long anything that is waited for may take, unless the test says otherwise. The machine may be
/// busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const FLAGS: [&str; 9] = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// Notes what must not happen: a script that fails, and what the page's own policy forbids.
const WATCH_FOR_ERRORS: &str = "
    window.wrong = [];
    addEventListener('error', (event) => wrong.push(event.message ?? 'something did not load'), true);
    addEventListener('unhandledrejection', (event) => wrong.push(String(event.reason)));
    document.addEventListener('securitypolicyviolation', (event) =>
        wrong.push(`${event.violatedDirective} forbids ${event.blockedURI}`));";

/// A page that is being looked at.
pub(crate) struct View {
    page: Page,
}

/// Runs a test with a page of its own, in a fresh browser. One at a time: several browsers on a small
/// machine only wait for each other.
pub(crate) fn look_at<T: Future<Output = ()>>(test: impl FnOnce(View) -> T) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    static PROFILE: AtomicU32 = AtomicU32::new(0);
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let number = PROFILE.fetch_add(1, Ordering::Relaxed);
    let name = format!("callboard-console-{}-{number}", std::process::id());
    let profile = std::env::temp_dir().join(name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(run(&profile, test));
    drop(runtime);
    let _gone = std::fs::remove_dir_all(&profile);
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

async fn run<T: Future<Output = ()>>(
    profile: &Path,
    test: impl FnOnce(View) -> T,
) -> std::thread::Result<()> {
    let config = BrowserConfig::builder()
        .chrome_executable(chromium())
        .user_data_dir(profile)
        .no_sandbox()
        .viewport(None)
        .launch_timeout(Duration::from_secs(60))
        .request_timeout(Duration::from_secs(60))
        .args(FLAGS.map(|flag| flag.trim_start_matches('-')))
        .build()
        .unwrap();
    let (mut browser, mut handler) = Browser::launch(config).await.unwrap();
    let events = tokio::spawn(async move { while handler.next().await.is_some() {} });
    let page = browser.new_page("about:blank").await.unwrap();
    page.evaluate_on_new_document(WATCH_FOR_ERRORS).await.unwrap();
    let view = View { page: page.clone() };
    view.size(1280, 900).await;
    let outcome = AssertUnwindSafe(async {
        test(view).await;
        let view = View { page };
        assert_eq!(
            view.get("wrong").await,
            serde_json::json!([]),
            "something went wrong in the page"
        );
    });
    let outcome = outcome.catch_unwind().await;
    let _closed = browser.close().await;
    let _ended = browser.wait().await;
    events.abort();
    outcome
}

impl View {
    /// Opens a console, and waits for its first figures.
    pub(crate) async fn open(&self, url: &str) {
        self.page.goto(url).await.unwrap();
        self.until("document.body.dataset.state === 'known'").await;
    }

    /// The width and height of the window, in pixels.
    pub(crate) async fn size(&self, width: i64, height: i64) {
        let metrics = SetDeviceMetricsOverrideParams::new(width, height, 1.0, false);
        self.page.execute(metrics).await.unwrap();
    }

    /// Whether the system likes it `light` or `dark`.
    pub(crate) async fn prefers(&self, scheme: &str) {
        let feature = MediaFeature::new("prefers-color-scheme", scheme);
        self.page.emulate_media_features(vec![feature]).await.unwrap();
    }

    /// What an expression is in the page.
    pub(crate) async fn get(&self, expression: &str) -> Value {
        let result = self.page.evaluate(expression).await;
        let result = result.unwrap_or_else(|error| panic!("`{expression}`: {error}"));
        result.value().cloned().unwrap_or(Value::Null)
    }

    /// The text of the first element that matches.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("document.querySelector('{selector}').textContent")).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression is true, and returns what it is.
    pub(crate) async fn until(&self, expression: &str) -> Value {
        self.within(PATIENCE, expression).await
    }

    /// Waits until an expression is true, for some time at most.
    pub(crate) async fn within(&self, time: Duration, expression: &str) -> Value {
        let milliseconds = time.as_millis();
        let wait = format!(
            "new Promise((resolve) => {{
                const end = performance.now() + {milliseconds};
                const look = () => {{
                    const is = ({expression});
                    if (is || performance.now() > end) resolve(is);
                    else setTimeout(look, 20);
                }};
                look();
            }})"
        );
        let is = self.get(&wait).await;
        let never = matches!(is, Value::Null | Value::Bool(false));
        if never || is == "" || is == 0 {
            let page = self.get("document.body.innerText").await;
            let page = page.as_str().unwrap_or_default();
            panic!("after {time:?} this is not so: {expression}\nthe page says:\n{page}");
        }
        is
    }

    /// Clicks on the first element that matches.
    pub(crate) async fn click(&self, selector: &str) {
        self.get(&format!("document.querySelector('{selector}').click()")).await;
    }

    /// Writes into a field.
    pub(crate) async fn write(&self, selector: &str, text: &str) {
        let text = serde_json::to_string(text).unwrap();
        self.get(&format!(
            "(() => {{
                const field = document.querySelector('{selector}');
                field.value = {text};
                field.dispatchEvent(new Event('input', {{ bubbles: true }}));
                field.dispatchEvent(new Event('change', {{ bubbles: true }}));
            }})()"
        ))
        .await;
    }

    /// Scrolls to the first element that matches.
    pub(crate) async fn scroll_to(&self, selector: &str) {
        self.get(&format!(
            "document.querySelector('{selector}').scrollIntoView({{ behavior: 'instant' }})"
        ))
        .await;
    }

    /// Presses a key on the element that has the focus.
    pub(crate) async fn press(&self, key: &str) {
        let focused = self.page.find_element(":focus").await.unwrap();
        focused.press_key(key).await.unwrap();
    }
}

/// Where Chromium is: what `CHROMIUM` names, or the first of its names in the search path.
fn chromium() -> PathBuf {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return path.into();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let paths = std::env::split_paths(&folders);
    let mut all = paths.flat_map(|folder| names.map(|name| folder.join(name)));
    all.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "these tests look at the console in Chromium, and there is none in PATH: run `apt-get \
             install --no-install-recommends chromium`, or name one in the variable CHROMIUM"
        )
    })
}
