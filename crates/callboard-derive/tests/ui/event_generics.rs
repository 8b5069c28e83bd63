use callboard::Event;

#[derive(Debug, Event)]
struct Changed<T> {
    new: T,
}

#[derive(Debug, Event)]
struct Sampled<const N: usize> {
    values: [u32; N],
}

#[derive(Debug, Event)]
enum Mixed<'a, T> {
    Borrowed(&'a T),
}

// One mistake, one error: the type can be used.
fn publish(_: impl Event) {}

fn main() {
    publish(Changed { new: 1 });
}
