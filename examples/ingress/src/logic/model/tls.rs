//! From a TLS section to a certificate.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::super::inventory::Index;
use super::super::manifest::key;
use super::super::placeholder;
use super::super::problem::Severity;
use super::Certificate;

/// Why a Secret is of no use.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is none of that name: the reference is wrong.
    Missing(String),
    /// It is there, and has been reported where it is written.
    Rejected(String),
    /// It holds no certificate or no key.
    Broken(String),
}

impl Fault {
    /// Why, for a message.
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Missing(reason) | Self::Rejected(reason) | Self::Broken(reason) => reason,
        }
    }

    /// A rejected Secret is an error already.
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Missing(_) | Self::Broken(_) => Severity::Error,
            Self::Rejected(_) => Severity::Warning,
        }
    }
}

/// The certificate and key in the Secret called `name`, for the hosts of its own names.
pub(super) fn certificate(
    index: &Index<'_>,
    namespace: &str,
    name: &str,
) -> Result<Certificate, Fault> {
    let secret = key(namespace, name);
    let Some(found) = index.secret(namespace, name) else {
        if let Some(place) = index.rejected("Secret", &secret) {
            return Err(Fault::Rejected(format!("Secret {secret} was rejected at {place}")));
        }
        let otherwise = || format!("there is no Secret {secret}");
        return Err(Fault::Missing(placeholder::explain(name).unwrap_or_else(otherwise)));
    };
    let broken = |why| Fault::Broken(format!("Secret {secret}: {why}"));
    let chain = part(found, "tls.crt", "CERTIFICATE").map_err(broken)?;
    let private = part(found, "tls.key", "PRIVATE KEY").map_err(broken)?;
    Ok(Certificate {
        secret,
        hosts: Vec::new(),
        pem: format!("{}\n{}\n", chain.trim_end(), private.trim_end()),
    })
}

/// One entry of a Secret, which must hold a PEM block of the `label` kind.
fn part(secret: &Secret, name: &str, label: &str) -> Result<String, String> {
    let plain = secret.string_data.as_ref().and_then(|data| data.get(name));
    let text = match plain {
        Some(text) => text.clone(),
        None => {
            let data = secret.data.as_ref().and_then(|data| data.get(name));
            let ByteString(bytes) = data.ok_or_else(|| format!("no `{name}`"))?;
            String::from_utf8(bytes.clone()).map_err(|_| format!("`{name}` is not text"))?
        }
    };
    match pem(&text, label) {
        true => Ok(text),
        false => Err(format!("`{name}` holds no whole PEM block `{label}`")),
    }
}

/// Whether `text` has a PEM block of the `label` kind, from its begin to its end. One that is cut
/// short would make HAProxy refuse the configuration as a whole.
fn pem(text: &str, label: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let kind = lines.find_map(|line| {
        let kind = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        // HAProxy cannot ask for the password of an encrypted key.
        (kind.ends_with(label) && !kind.contains("ENCRYPTED")).then_some(kind)
    });
    let Some(kind) = kind else { return false };
    let end = format!("-----END {kind}-----");
    let mut body = String::new();
    for line in lines {
        if line == end {
            // Every one starts with the tag of an ASN.1 sequence, which is an `M` in base64.
            let data = body.trim_end_matches('=');
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
            return body.len().is_multiple_of(4)
                && data.starts_with('M')
                && data.chars().all(plain);
        }
        body += line;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn only_a_whole_block_is_one() {
        let block =
            "text\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\nIA==\n-----END EC PRIVATE KEY-----\n";
        assert!(pem(block, "PRIVATE KEY"));
        assert!(!pem(block, "CERTIFICATE"));
        for (from, to) in
            [("IA==", "IA="), ("MHcCAQEE\nIA==\n", ""), ("MHc", "..."), ("END EC", "END RSA")]
        {
            assert!(!pem(&block.replace(from, to), "PRIVATE KEY"), "{to}");
        }
    }
}
