//! CloudEvents go out to, and come in from, programs that are no nodes.

use std::process::{Command, Stdio};

use crate::support::{Server, client_library, wait_for};
use crate::world::{Node, Order, order, soon};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_goes_out_and_comes_in_once() {
    let Some(server) = Server::start() else { return };
    let a =
        Node::start(&server.url(), "a", |link| link.export_cloudevents::<Order>("orders")).await;
    let b =
        Node::start(&server.url(), "b", |link| link.import_cloudevents::<Order>("orders")).await;
    let mut orders = b.bus.subscribe::<Order>("audit");
    // The import was subscribed to before `connect` returned, but the server may not have it.
    b.until("b to be online", |link| link.state == callboard_nats::LinkState::Online).await;
    a.bus.publish(order(1));
    assert_eq!(*soon("the event", orders.recv()).await.unwrap(), order(1));
    let client = async_nats::connect(server.url()).await.unwrap();
    for bad in ["", "{}", r#"{"specversion":"1.0","id":"1","source":"/x","type":"other"}"#] {
        client.publish("orders", bad.into()).await.unwrap();
    }
    let good = r#"{"specversion":"1.0","id":"7","source":"/x","type":"order.placed","data":{"id":7,"text":"seven"}}"#;
    for _ in 0..3 {
        client.publish("orders", good.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    assert_eq!(soon("the event", orders.recv()).await.unwrap().text, "seven");
    b.until("the account", |link| link.cloudevents[0].duplicates == 2).await;
    let account = &b.link.snapshot().cloudevents[0];
    assert_eq!((account.events, account.refused), (2, 3));
    assert!(orders.is_empty());
}

/// Publishes one CloudEvent in each mode, then prints the data of the first that it hears.
const FOREIGN: &str = r#"
import asyncio, json, sys
import nats

async def main():
    client = await nats.connect(sys.argv[1])
    heard = asyncio.get_event_loop().create_future()
    async def hear(message):
        event = json.loads(message.data)
        assert event["specversion"] == "1.0" and event["id"] and event["source"] == "/test/a", event
        if not heard.done():
            heard.set_result(event)
    await client.subscribe("orders.out", cb=hear)
    event = {"specversion": "1.0", "id": "s", "source": "/python", "type": "order.placed",
             "data": {"id": 1, "text": "structured"}}
    await client.publish("orders.in", json.dumps(event).encode())
    headers = {"ce-specversion": "1.0", "ce-id": "b", "ce-source": "%2Fpython",
               "ce-type": "order.placed", "ce-datacontenttype": "application/json"}
    await client.publish("orders.in", b'{"id": 2, "text": "binary"}', headers=headers)
    await client.flush()
    print(json.dumps((await asyncio.wait_for(heard, 20))["data"]))
    await client.close()

asyncio.run(main())
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_ours_understands_and_is_understood() {
    let (Some(server), Some(library)) = (Server::start(), client_library()) else { return };
    let a = Node::start(&server.url(), "a", |link| {
        link.export_cloudevents::<Order>("orders.out").import_cloudevents::<Order>("orders.in")
    })
    .await;
    let mut orders = a.bus.subscribe::<Order>("audit");
    a.until("a to be online", |link| link.state == callboard_nats::LinkState::Online).await;
    let python = Command::new("python3")
        .env("PYTHONPATH", library)
        .args(["-c", FOREIGN, &server.url()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for text in ["structured", "binary"] {
        assert_eq!(soon("an event", orders.recv()).await.unwrap().text, text);
    }
    // What came in is not sent out again; this is.
    a.bus.publish(order(3));
    let output = tokio::task::spawn_blocking(|| python.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success());
    let heard: Order = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(heard, order(3));
    wait_for("the account", || (a.link.snapshot().cloudevents.len() == 2).then_some(()));
}
