//! Numbers of things in words.

/// `1 file`, `2 files`; `noun` is in the singular.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match noun {
        _ if number == 1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_is_singular() {
        let told = [count(0, "file"), count(1, "file"), count(2, "file"), count(1, "ingress")];
        assert_eq!(told, ["0 files", "1 file", "2 files", "1 ingress"]);
        assert_eq!(count(3, "ingress"), "3 ingresses");
    }
}
