//! The workloads of the performance goals, beside the peers.

fn main() {
    println!("nothing to measure yet: the benchmark comes with the engine work");
}
