//! From a TLS section to a certificate.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::super::inventory::Index;
use super::super::manifest::key;
use super::super::placeholder;
use super::Certificate;

/// The certificate and key in the Secret called `name`, for the hosts of its own names.
pub(super) fn certificate(
    index: &Index<'_>,
    namespace: &str,
    name: &str,
) -> Result<Certificate, String> {
    let secret = key(namespace, name);
    let Some(found) = index.secret(namespace, name) else {
        let otherwise = || format!("there is no Secret {secret}");
        return Err(placeholder::explain(name).unwrap_or_else(otherwise));
    };
    let chain =
        part(found, "tls.crt", "CERTIFICATE").map_err(|why| format!("Secret {secret}: {why}"))?;
    let private =
        part(found, "tls.key", "PRIVATE KEY").map_err(|why| format!("Secret {secret}: {why}"))?;
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
    let begins = text.lines().any(|line| {
        line.strip_prefix("-----BEGIN ")
            .is_some_and(|rest| rest.trim_end().trim_end_matches('-').ends_with(label))
    });
    if begins { Ok(text) } else { Err(format!("`{name}` holds no PEM block `{label}`")) }
}
