//! The subject derived from a type's name: `ConfigParsed` is `config.parsed`.
//!
//! A token begins
//!
//! - at an upper-case letter after anything else: `ConfigParsed`, `Http2Ready`;
//! - at the last letter of a run of upper-case letters, if a lower-case letter
//!   follows, so that an acronym is one token: `HTTPRequest`;
//! - after an underscore, which itself is left out: `config_parsed`.

use syn::Ident;
use syn::ext::IdentExt as _;

/// The subject derived from a type's name; empty if the name is all underscores.
pub(crate) fn subject_of(ident: &Ident) -> String {
    dotted(&ident.unraw().to_string())
}

fn dotted(name: &str) -> String {
    let mut subject = String::with_capacity(name.len() + 4);
    let mut letters = name.chars().peekable();
    let mut previous = '_';
    while let Some(letter) = letters.next() {
        if letter != '_' {
            if begins_token(previous, letter, letters.peek().copied()) && !subject.is_empty() {
                subject.push('.');
            }
            subject.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    subject
}

fn begins_token(previous: char, letter: char, next: Option<char>) -> bool {
    let ends_acronym = next.is_some_and(char::is_lowercase);
    previous == '_' || (letter.is_uppercase() && (!previous.is_uppercase() || ends_acronym))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_dotted(pairs: &[(&str, &str)]) {
        for (name, subject) in pairs {
            assert_eq!(dotted(name), *subject, "the subject of `{name}`");
        }
    }

    #[test]
    fn words_become_tokens() {
        assert_dotted(&[
            ("Tick", "tick"),
            ("ConfigParsed", "config.parsed"),
            ("ResourceTypeIndexed", "resource.type.indexed"),
        ]);
    }

    #[test]
    fn acronym_is_one_token() {
        assert_dotted(&[
            ("HTTPRequest", "http.request"),
            ("ParseXML", "parse.xml"),
            ("NewTLSCertificate", "new.tls.certificate"),
            ("ABTest", "ab.test"),
            ("TCP", "tcp"),
            ("A", "a"),
        ]);
    }

    #[test]
    fn digits_stay_with_the_letters_before_them() {
        assert_dotted(&[
            ("Http2Ready", "http2.ready"),
            ("HTTP2Ready", "http2.ready"),
            ("S3Upload", "s3.upload"),
            ("Sha256", "sha256"),
            ("X509CertificateRead", "x509.certificate.read"),
        ]);
    }

    #[test]
    fn underscores_separate_and_leave_no_empty_token() {
        assert_dotted(&[
            ("config_parsed", "config.parsed"),
            ("Config_Parsed", "config.parsed"),
            ("_Config__Parsed_", "config.parsed"),
            ("Stage_2", "stage.2"),
            ("CONFIG_PARSED", "config.parsed"),
            ("__", ""),
        ]);
    }

    #[test]
    fn letters_beyond_ascii_have_cases_too() {
        assert_dotted(&[("ÉtatChangé", "état.changé"), ("ÄÖÜber", "äö.über")]);
    }

    #[test]
    fn raw_identifier_loses_its_prefix() {
        let ident = Ident::new_raw("type", proc_macro2::Span::call_site());
        assert_eq!(subject_of(&ident), "type");
    }
}
