//! The servers, clusters and proxies that the other tests build on do what they say. The client is
//! plain async-nats.

mod support;

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, Event, Message, ServerError, Subscriber, ToServerAddrs};
use futures_util::StreamExt;
use support::{Cluster, Deployment, PATIENCE, Proxy, Server, client_library, wait_for};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

async fn connect(to: impl ToServerAddrs) -> Client {
    let delay = |_| Duration::from_millis(20);
    let options = ConnectOptions::new().reconnect_delay_callback(delay);
    within("a connection", options.connect(to)).await.unwrap()
}

async fn next(subscriber: &mut Subscriber) -> Message {
    within("a message", subscriber.next()).await.expect("the subscription has ended")
}

/// Connects, and passes on what the client says of its connection.
async fn listen(options: ConnectOptions, url: &str) -> (Client, UnboundedReceiver<Event>) {
    let (events, inbox) = unbounded_channel();
    let options = options.event_callback(move |event| {
        // A test that has heard enough no longer listens.
        let _ = events.send(event);
        std::future::ready(())
    });
    (within("a connection", options.connect(url)).await.unwrap(), inbox)
}

/// Waits for an event of a connection.
async fn expect(events: &mut UnboundedReceiver<Event>, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = within("an event of the connection", events.recv()).await.unwrap();
        if wanted(&event) {
            return event;
        }
    }
}

/// Publishes to the subject until a message arrives, and returns it.
async fn publish_until_heard(from: &Client, subject: &str, to: &mut Subscriber) -> Message {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "nothing arrives on {subject}");
        // While the connection is down, an error is as good as silence.
        let _ = from.publish(subject.to_owned(), "again".into()).await;
        let heard = tokio::time::timeout(Duration::from_millis(50), to.next()).await;
        if let Ok(Some(message)) = heard {
            return message;
        }
    }
}

/// Whether a round trip to the server ends within a short time.
async fn answers(client: &Client, time: Duration) -> bool {
    let ask = client.request("nobody.listens", "".into());
    // The server itself answers that nobody listens.
    tokio::time::timeout(time, ask).await.is_ok()
}

#[tokio::test]
async fn server_passes_messages_and_returns_at_the_same_place_after_a_kill() {
    let Some(mut server) = Server::start() else { return };
    let client = connect(server.url()).await;
    let mut subscriber = client.subscribe("greetings").await.unwrap();
    client.publish("greetings", "hello".into()).await.unwrap();
    assert_eq!(next(&mut subscriber).await.payload, "hello");

    let url = server.url();
    server.kill();
    assert!(TcpStream::connect(server.address()).is_err(), "the server is still there");
    server.restart();
    assert_eq!(server.url(), url);
    publish_until_heard(&client, "greetings", &mut subscriber).await;
}

#[cfg(feature = "jetstream")]
#[tokio::test]
async fn store_survives_a_kill() {
    let Some(mut server) = Server::start() else { return };
    let client = connect(server.url()).await;
    let store = async_nats::jetstream::new(client.clone());
    let config = async_nats::jetstream::stream::Config {
        name: "kept".into(),
        subjects: vec!["kept.>".into()],
        ..Default::default()
    };
    store.create_stream(config).await.unwrap();
    store.publish("kept.one", "1".into()).await.unwrap().await.unwrap();

    server.restart();
    let store = async_nats::jetstream::new(connect(server.url()).await);
    let stream = store.get_stream("kept").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 1);
}

#[tokio::test]
async fn stopped_server_answers_after_it_is_resumed() {
    let Some(server) = Server::start() else { return };
    let client = connect(server.url()).await;
    assert!(answers(&client, PATIENCE).await);
    server.stop();
    assert!(!answers(&client, Duration::from_millis(200)).await);
    server.resume();
    assert!(answers(&client, PATIENCE).await);
}

#[tokio::test]
async fn lame_duck_tells_its_clients_and_ends() {
    let Some(mut server) = Server::start() else { return };
    let (client, mut events) = listen(ConnectOptions::new(), &server.url()).await;
    assert!(answers(&client, PATIENCE).await);
    server.lame_duck();
    expect(&mut events, |event| matches!(event, Event::LameDuckMode)).await;
    server.wait_for_end();
}

#[tokio::test]
async fn servers_end_with_the_process_that_started_them() {
    if Server::start().is_none() {
        return;
    }
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_server_until_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("server at ").map(|(_, address)| address.to_owned()))
        .expect("the process says where its server is");
    assert!(TcpStream::connect(&address).is_ok());
    holder.kill().unwrap();
    holder.wait().unwrap();
    wait_for("the end of the server", || TcpStream::connect(&address).is_err().then_some(()));
}

#[test]
#[ignore = "the process that the test above kills"]
fn holds_a_server_until_killed() {
    let server = Server::start().expect("the test above has found one");
    println!("server at {}", server.address());
    let mut line = String::new();
    // Returns only if the test above dies.
    std::io::stdin().read_line(&mut line).unwrap();
}

#[tokio::test]
async fn proxy_passes_freezes_cuts_and_heals() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let (client, mut events) = listen(ConnectOptions::new(), &proxy.url()).await;
    assert!(answers(&client, PATIENCE).await);

    proxy.freeze();
    assert!(!answers(&client, Duration::from_millis(200)).await);
    proxy.heal();
    assert!(answers(&client, PATIENCE).await);

    let mut subscriber = client.subscribe("greetings").await.unwrap();
    proxy.cut();
    assert!(TcpStream::connect(proxy.address()).is_err(), "the proxy accepts connections");
    expect(&mut events, |event| matches!(event, Event::Disconnected)).await;
    proxy.heal();
    publish_until_heard(&client, "greetings", &mut subscriber).await;
}

#[tokio::test]
async fn proxy_delays_and_throttles() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    let client = connect(proxy.url()).await;
    assert!(answers(&client, PATIENCE).await);

    let delay = Duration::from_millis(80);
    proxy.delay(delay);
    let begun = Instant::now();
    assert!(answers(&client, PATIENCE).await);
    assert!(begun.elapsed() >= 2 * delay, "a round trip took {:?}", begun.elapsed());
    proxy.heal();

    proxy.throttle(100_000);
    let begun = Instant::now();
    client.publish("greetings", vec![0; 50_000].into()).await.unwrap();
    assert!(answers(&client, PATIENCE).await);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(450), "50 kB at 100 kB/s took {took:?}");
}

#[tokio::test]
async fn proxy_works_while_the_runtime_of_the_test_is_blocked() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(&server.address());
    // This runtime has one thread, and the test occupies it.
    let mut line = String::new();
    BufReader::new(TcpStream::connect(proxy.address()).unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("INFO {"), "{line}");
}

#[tokio::test]
async fn cluster_of_three_survives_the_kill_of_each_server_in_turn() {
    let Some(mut cluster) = Cluster::start(3) else { return };
    let urls = cluster.urls();
    let (publisher, subscriber) = (connect(&*urls).await, connect(&*urls).await);
    let mut subscriber = subscriber.subscribe("greetings").await.unwrap();
    for index in 0..3 {
        publish_until_heard(&publisher, "greetings", &mut subscriber).await;
        cluster.kill(index);
        publish_until_heard(&publisher, "greetings", &mut subscriber).await;
        cluster.restart(index);
    }
    publish_until_heard(&publisher, "greetings", &mut subscriber).await;
}

#[tokio::test]
async fn cluster_passes_messages_from_server_to_server() {
    let Some(cluster) = Cluster::start_unadvertised(3) else { return };
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let (from, to) = (cluster.node(from), cluster.node(to));
        let (publisher, reader) = (connect(from.url()).await, connect(to.url()).await);
        assert_eq!(publisher.server_info().server_name, from.name());
        assert!(publisher.server_info().connect_urls.is_empty(), "addresses are advertised");
        let mut subscriber = reader.subscribe("greetings").await.unwrap();
        publish_until_heard(&publisher, "greetings", &mut subscriber).await;
    }
}

#[tokio::test]
async fn foreign_client_exchanges_messages_with_ours() {
    let Some(server) = Server::start() else { return };
    let Some(library) = client_library() else { return };
    let script = "
import asyncio, sys, nats
async def main():
    link = await nats.connect(sys.argv[1])
    answer = await link.request('greetings', b'from python', timeout=20)
    assert answer.data == b'from rust', answer.data
    await link.close()
asyncio.run(main())
";
    let client = connect(server.url()).await;
    let mut subscriber = client.subscribe("greetings").await.unwrap();
    client.flush().await.unwrap();
    assert!(answers(&client, PATIENCE).await);
    let mut python = Command::new("python3")
        .args(["-c", script, &server.url()])
        .env("PYTHONPATH", library)
        .spawn()
        .unwrap();
    let message = next(&mut subscriber).await;
    assert_eq!(message.payload, "from python");
    client.publish(message.reply.unwrap(), "from rust".into()).await.unwrap();
    client.flush().await.unwrap();
    assert!(wait_for("the end of the script", || python.try_wait().unwrap()).success());
}

/// What the server says when it refuses something.
fn is_violation(event: &Event, subject: &str) -> bool {
    let Event::ServerError(ServerError::Other(said)) = event else { return false };
    said.to_lowercase().contains("permissions violation") && said.contains(subject)
}

#[tokio::test]
async fn shipped_configuration_holds_nodes_to_their_names() {
    let Some(deployment) = Deployment::start() else { return };
    let url = deployment.url();
    let (eu_1, mut events) = listen(deployment.options("eu-1"), &url).await;
    let eu_2 = within("a connection", deployment.options("eu-2").connect(&url)).await.unwrap();
    let mut all = eu_2.subscribe("cb.shop.e.>").await.unwrap();
    let mut directed = eu_2.subscribe("cb.shop.n.*.eu-2").await.unwrap();
    assert!(hears_itself(&eu_2).await);

    for subject in ["cb.shop.e.eu-2.prices", "cb.shop.n.eu-3.eu-2", "cb.shop.s.eu-3", "orders"] {
        eu_1.publish(subject, "forged".into()).await.unwrap();
        expect(&mut events, |event| is_violation(event, subject)).await;
    }
    eu_1.publish("cb.shop.e.eu-1.prices", "own".into()).await.unwrap();
    eu_1.publish("cb.shop.n.eu-1.eu-2", "own".into()).await.unwrap();
    // A forged message would have come first: the server keeps the order of a connection.
    assert_eq!(next(&mut all).await.payload, "own");
    assert_eq!(next(&mut directed).await.payload, "own");

    for subject in ["cb.shop.n.*.eu-2", "cb.shop.n.>", "_INBOX_eu-2.>", "cb.shop.>"] {
        let _refused = eu_1.subscribe(subject).await.unwrap();
        expect(&mut events, |event| is_violation(event, subject)).await;
    }
}

/// The stream of the durable lanes.
#[cfg(feature = "jetstream")]
fn durable_stream() -> async_nats::jetstream::stream::Config {
    async_nats::jetstream::stream::Config {
        name: "cb_shop".into(),
        subjects: vec!["cb.shop.d.>".into()],
        ..Default::default()
    }
}

#[cfg(feature = "jetstream")]
#[tokio::test]
async fn shipped_configuration_lets_nodes_use_a_stream_that_the_operator_made() {
    let Some(deployment) = Deployment::start() else { return };
    let url = deployment.url();
    let operator = within("a connection", deployment.operator().connect(&url)).await.unwrap();
    async_nats::jetstream::new(operator).create_stream(durable_stream()).await.unwrap();

    let eu_1 = within("a connection", deployment.options("eu-1").connect(&url)).await.unwrap();
    let eu_1 = async_nats::jetstream::new(eu_1);
    let stored = eu_1.publish("cb.shop.d.eu-1.prices", "own".into()).await.unwrap();
    within("an acknowledgement", stored.into_future()).await.unwrap();

    let (eu_2, mut events) = listen(deployment.options("eu-2"), &url).await;
    let eu_2 = async_nats::jetstream::new(eu_2);
    let stream = eu_2.get_or_create_stream(durable_stream()).await.unwrap();
    let consumer = async_nats::jetstream::consumer::pull::Config {
        durable_name: Some("eu-2".into()),
        filter_subject: "cb.shop.d.>".into(),
        ..Default::default()
    };
    let consumer = stream.create_consumer(consumer).await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    let message = within("a stored message", messages.next()).await.unwrap().unwrap();
    assert_eq!(message.payload, "own");
    within("an acknowledgement", message.double_ack()).await.unwrap();

    let mut forging = durable_stream();
    forging.name = "forging".into();
    let task = tokio::spawn(async move { eu_2.create_stream(forging).await.is_ok() });
    expect(&mut events, |event| is_violation(event, "$JS.API.STREAM.CREATE.forging")).await;
    task.abort();
}

/// The server answers where a message asks it to, and checks no permission for that. So a node can
/// have the server's own words appear under another node's name, and have a stored message delivered
/// to any subscription. But it chooses neither those words nor the message's subject.
#[cfg(feature = "jetstream")]
#[tokio::test]
async fn server_answers_under_any_name_with_its_own_words_only() {
    let Some(deployment) = Deployment::start() else { return };
    let url = deployment.url();
    let operator = within("a connection", deployment.operator().connect(&url)).await.unwrap();
    async_nats::jetstream::new(operator).create_stream(durable_stream()).await.unwrap();
    let eu_1 = within("a connection", deployment.options("eu-1").connect(&url)).await.unwrap();
    let eu_2 = within("a connection", deployment.options("eu-2").connect(&url)).await.unwrap();
    let mut system = eu_2.subscribe("cb.shop.s.*").await.unwrap();
    assert!(hears_itself(&eu_2).await);

    let forged = "cb.shop.s.eu-3";
    eu_1.publish_with_reply("cb.shop.d.eu-1.prices", forged, "mine".into()).await.unwrap();
    let message = next(&mut system).await;
    assert_eq!((&*message.subject, &message.payload[..1]), (forged, &b"{"[..]), "{message:?}");

    let pull = async_nats::jetstream::consumer::pull::Config::default();
    let stream = async_nats::jetstream::new(eu_1.clone()).get_stream("cb_shop").await.unwrap();
    let consumer = stream.create_consumer(pull).await.unwrap();
    let ask = format!("$JS.API.CONSUMER.MSG.NEXT.cb_shop.{}", consumer.cached_info().name);
    eu_1.publish_with_reply(ask, forged, "1".into()).await.unwrap();
    let message = next(&mut system).await;
    assert_eq!((&*message.subject, &*message.payload), ("cb.shop.d.eu-1.prices", &b"mine"[..]));
}

/// Whether a node's subscriptions are in place: a message to itself comes back.
async fn hears_itself(client: &Client) -> bool {
    let mut marks = client.subscribe("cb.shop.m.eu-2").await.unwrap();
    client.publish("cb.shop.m.eu-2", "mark".into()).await.unwrap();
    next(&mut marks).await.payload == "mark"
}

#[tokio::test]
async fn shipped_configuration_refuses_strangers() {
    let Some(deployment) = Deployment::start() else { return };
    let url = deployment.url();
    let refused = deployment.stranger("eu-1").connect(&url).await;
    assert_eq!(refused.unwrap_err().kind(), async_nats::ConnectErrorKind::AuthorizationViolation);
    let anonymous = ConnectOptions::new()
        .require_tls(true)
        .add_root_certificates(deployment.authority())
        .connect(&url)
        .await;
    assert!(anonymous.is_err(), "a client without credentials is admitted");
    let trusting_others = ConnectOptions::with_nkey(deployment.seed("eu-1")).require_tls(true);
    assert!(trusting_others.connect(&url).await.is_err(), "an unknown authority is trusted");
}
