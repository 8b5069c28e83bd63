//! The server that the shipped configuration makes: TLS, and nodes that the server holds to their
//! names.

use std::fs;
use std::path::PathBuf;

use async_nats::ConnectOptions;
use nkeys::KeyPair;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair as CertificateKey};
use tempfile::TempDir;

use super::binary::{Binary, skipped};
use super::server::{self, Server};

/// The configuration that is shipped.
const CONFIG: &str = include_str!("../../server/nats-server.conf");

/// The nodes that it admits.
pub(crate) const NODES: [&str; 3] = ["eu-1", "eu-2", "eu-3"];

/// A server with the shipped configuration, the seeds of its nodes, and the certificate of the
/// authority that its clients trust.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// The server, on a port of its own.
    pub(crate) server: Server,
    nodes: Vec<KeyPair>,
    operator: KeyPair,
    folder: TempDir,
}

impl Deployment {
    /// Starts the server. `None` if there is no `nats-server`, or one that is too old for the
    /// configuration.
    pub(crate) fn start() -> Option<Self> {
        if !Binary::find()?.can_disable_stalls() {
            skipped("the shipped configuration needs nats-server 2.11 or later");
            return None;
        }
        let folder = server::folder();
        certify(&folder);
        let nodes: Vec<KeyPair> = NODES.iter().map(|_| KeyPair::new_user()).collect();
        let operator = KeyPair::new_user();
        let mut environment: Vec<(String, String)> = Vec::new();
        for (name, key) in NODES.iter().zip(&nodes) {
            let variable = name.to_uppercase().replace('-', "_");
            environment.push((format!("CB_NKEY_{variable}"), key.public_key()));
        }
        environment.push(("CB_NKEY_OPERATOR".to_owned(), operator.public_key()));
        for (variable, file) in [("CB_TLS_CERT", "server.pem"), ("CB_TLS_KEY", "server-key.pem")] {
            let path = folder.path().join(file).display().to_string();
            environment.push((variable.to_owned(), path));
        }
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let server = Server::start_in(CONFIG, &environment)?;
        Some(Self { server, nodes, operator, folder })
    }

    /// Where clients connect, with TLS.
    pub(crate) fn url(&self) -> String {
        format!("tls://localhost:{}", self.server.port())
    }

    /// The certificate that clients trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The seed with which a node proves who it is.
    pub(crate) fn seed(&self, node: &str) -> String {
        let index = NODES.iter().position(|it| *it == node).expect("a node of the configuration");
        self.nodes[index].seed().expect("a pair of keys has a seed")
    }

    /// What a node connects with.
    pub(crate) fn options(&self, node: &str) -> ConnectOptions {
        self.secured(self.seed(node), node)
    }

    /// What the operator connects with, who creates streams.
    pub(crate) fn operator(&self) -> ConnectOptions {
        self.secured(self.operator.seed().expect("a pair of keys has a seed"), "operator")
    }

    /// What somebody with another seed connects with.
    pub(crate) fn stranger(&self, node: &str) -> ConnectOptions {
        let seed = KeyPair::new_user().seed().expect("a pair of keys has a seed");
        self.secured(seed, node)
    }

    fn secured(&self, seed: String, name: &str) -> ConnectOptions {
        ConnectOptions::with_nkey(seed)
            .require_tls(true)
            .add_root_certificates(self.authority())
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .name(name)
    }
}

/// Writes an authority and a certificate of the server that it signed.
fn certify(folder: &TempDir) {
    let write = |name: &str, text: String| {
        fs::write(folder.path().join(name), text).expect("failed to write a certificate");
    };
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = CertificateKey::generate().expect("failed to generate a key");
    write("authority.pem", authority.self_signed(&key).expect("failed to sign").pem());
    let issuer = Issuer::new(authority, key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let server = CertificateParams::new(names).expect("names of a server");
    let key = CertificateKey::generate().expect("failed to generate a key");
    write("server.pem", server.signed_by(&key, &issuer).expect("failed to sign").pem());
    write("server-key.pem", key.serialize_pem());
}
