//! What a request may be answered with.

use callboard::{Event, Request};
use std::collections::BTreeMap;
use std::marker::PhantomData;

#[derive(Debug)]
struct Table<K, V, F>(PhantomData<(BTreeMap<K, V>, F)>);

impl Event for Table<u8, u16, fn() -> u8> {
    const TYPE: &'static str = "table";
}

#[derive(Debug, Request)]
#[request(response = Table<u8, u16, fn() -> u8>, type = "table.read")]
struct ReadTable;

#[test]
fn response_may_be_a_type_with_commas_and_arrows() {
    fn answer_of<Q: Request>(_: &Q) -> &'static str {
        Q::Response::TYPE
    }
    assert_eq!(answer_of(&ReadTable), "table");
    assert_eq!(ReadTable::TYPE, "table.read");
}
