//! What a replica makes of what it hears, without a server.

use std::path::{Path, PathBuf};

use super::*;
use crate::events::{Config, Live as How};
use crate::logic::layout::Layout;
use crate::logic::model::Model;
use crate::logic::render::{Rendered, Template, render};
use crate::logic::settings;

/// A replica of its own, and what its deployer is asked for.
struct World {
    folder: tempfile::TempDir,
    member: Member,
    inbox: Subscription<Inbox>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = Bus::new();
        let inbox = bus.subscribe::<Inbox>(NAME);
        bus.start();
        let layout = Layout::create(&folder.path().join("here")).unwrap();
        let member = Member {
            bus: bus.clone(),
            node: "here".to_owned(),
            parts: Parts { bus, layout, binary: None },
            components: Handle::current(),
            view: View::default(),
            shares: Shares::default(),
            term: None,
            deciding: JoinSet::new(),
            requested: VecDeque::new(),
            live: None,
        };
        Self { folder, member, inbox }
    }

    /// What `node` has in force in that version: the path of its socket.
    fn made(&self, node: &str) -> (Arc<Config>, Arc<Rendered>) {
        let layout = Layout::create(&self.folder.path().join(node)).unwrap();
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        let settings = settings::parse(Path::new("controller.yaml"), text).unwrap();
        let source = "{{ stats_socket }}".to_owned();
        let template = Template { file: PathBuf::from("t.j2"), source };
        let rendered = render(&settings, &template, &Model::default(), &layout).unwrap();
        (Arc::new(Config { settings, template }), Arc::new(rendered))
    }

    /// Another replica says what it has in force.
    fn hears(&mut self, node: &str, version: (u64, u64)) {
        let (config, rendered) = self.made(node);
        let node = node.to_owned();
        self.member.bus.publish(ConfigDeployed { node, version, config, rendered });
        self.go_on();
    }

    /// Its own executor asks for that in pass 7.
    fn decides(&mut self) {
        let (config, rendered) = self.made("here");
        let inputs = Arc::new(Inputs { pass: 7, config, inventory: Inventory::default() });
        self.member.bus.publish(DeployRequested { inputs, rendered });
        self.go_on();
    }

    /// Its deployer has done that.
    fn deploys(&mut self, pass: u64) {
        let config = PathBuf::new();
        self.member.bus.publish(DeploySucceeded { pass, live: How::Written, config });
        self.go_on();
    }

    fn go_on(&mut self) {
        while let Ok(item) = self.inbox.try_recv() {
            self.member.take(item);
        }
    }

    /// How often its deployer was asked to follow.
    fn follows(&self) -> usize {
        let followed = |it: &&Delivery<DeployRequested>| it.inputs.pass == Inputs::FOLLOWED;
        self.member.requested.iter().filter(followed).count()
    }
}

#[tokio::test]
async fn what_the_leader_has_is_asked_for_with_paths_of_this_replica() {
    let mut world = World::new();
    world.hears("there", (3, 1));
    let asked = &world.member.requested[0].rendered.text;
    assert!(asked.contains("/here/") && !asked.contains("/there/"), "{asked}");
}

#[tokio::test]
async fn an_earlier_version_is_not_followed() {
    let mut world = World::new();
    world.hears("there", (3, 1));
    world.hears("late", (2, 9));
    world.hears("there", (3, 1));
    assert_eq!(world.follows(), 1);
    world.hears("there", (3, 2));
    assert_eq!(world.follows(), 2);
}

#[tokio::test]
async fn what_a_leader_has_begun_and_ended_too_late_is_undone() {
    let mut world = World::new();
    let mut told = world.member.bus.subscriber("test").late().subscribe::<ConfigDeployed>();
    world.member.term = Some(1);
    world.decides();
    world.hears("there", (2, 1));
    assert_eq!(world.follows(), 0, "it leads, as far as it knows");
    world.member.lead(None);
    world.go_on();
    assert_eq!(world.follows(), 1);
    world.deploys(7);
    assert_eq!(world.follows(), 2, "the deployer has put its own in force again");
    let told: Vec<_> = told.try_iter().map(|it| it.node.clone()).collect();
    assert_eq!(told, ["there"], "nobody else hears of it");
}
