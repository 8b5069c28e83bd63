//! From a TLS section to a certificate.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::networking::v1::IngressTLS;

use super::super::inventory::Index;
use super::super::manifest::key;
use super::Certificate;

/// The certificate `tls` asks for.
pub(super) fn certificate(
    index: &Index<'_>,
    namespace: &str,
    tls: &IngressTLS,
) -> Result<Certificate, String> {
    let Some(name) = &tls.secret_name else {
        return Err("tls: no secretName".to_owned());
    };
    let secret = key(namespace, name);
    let Some(found) = index.secret(namespace, name) else {
        return Err(format!("there is no Secret {secret}"));
    };
    let chain =
        part(found, "tls.crt", "CERTIFICATE").map_err(|why| format!("Secret {secret}: {why}"))?;
    let private =
        part(found, "tls.key", "PRIVATE KEY").map_err(|why| format!("Secret {secret}: {why}"))?;
    let hosts = tls.hosts.clone().unwrap_or_default();
    if let Some(host) = hosts.iter().find(|host| host.contains(char::is_whitespace)) {
        return Err(format!("tls: `{host}` is not a host name"));
    }
    Ok(Certificate {
        secret,
        hosts,
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
