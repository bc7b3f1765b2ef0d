//! Runs are kept in a browser: all or nothing, and added to without being written anew.
#![cfg(target_family = "wasm")]

use convoke::train::Store;
use convoke_web::storage::Storage;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// A database that nothing has been written to.
async fn fresh(name: &str) -> Storage {
    let storage = Storage::open_as(name).await.unwrap();
    for folder in storage.folders().await.unwrap() {
        storage.remove(&folder).await.unwrap();
    }
    storage
}

#[wasm_bindgen_test]
async fn what_is_put_is_there_for_another_time() {
    fresh("test-put").await.folder("a").put("x", vec![1, 2, 3]).await.unwrap();
    let again = Storage::open_as("test-put").await.unwrap().folder("a");
    assert_eq!(again.get("x").await.unwrap(), Some(vec![1, 2, 3]));
    again.put("x", vec![9]).await.unwrap();
    assert_eq!(again.get("x").await.unwrap(), Some(vec![9]), "an entry is replaced as a whole");
    assert_eq!(again.get("y").await.unwrap(), None);
    again.put("x", Vec::new()).await.unwrap();
    assert_eq!(again.get("x").await.unwrap(), Some(Vec::new()), "an empty entry is one");
}

#[wasm_bindgen_test]
async fn a_log_grows_and_is_cut() {
    let store = fresh("test-append").await.folder("run");
    for line in ["one\n", "two\n", "", "three\n"] {
        store.append("log", line.as_bytes()).await.unwrap();
    }
    assert_eq!(store.get("log").await.unwrap(), Some(b"one\ntwo\nthree\n".to_vec()));
    store.truncate("log", 6).await.unwrap();
    store.append("log", b"!").await.unwrap();
    assert_eq!(store.get("log").await.unwrap(), Some(b"one\ntw!".to_vec()));
    store.truncate("log", 1000).await.unwrap();
    store.truncate("nothing", 0).await.unwrap();
    // Another handle, which has not seen the entry grow, goes on where it ends.
    let other = Storage::open_as("test-append").await.unwrap().folder("run");
    other.append("log", b"?").await.unwrap();
    assert_eq!(other.get("log").await.unwrap(), Some(b"one\ntw!?".to_vec()));
    assert_eq!(other.bytes().await.unwrap(), 8);
}

#[wasm_bindgen_test]
async fn names_and_folders_do_not_mix() {
    let storage = fresh("test-names").await;
    let (a, ab) = (storage.folder("a"), storage.folder("ab"));
    for (store, name) in [(&a, "x"), (&a, "xy"), (&ab, "x")] {
        store.put(name, name.as_bytes().to_vec()).await.unwrap();
        store.append(name, b"+").await.unwrap();
    }
    assert_eq!(a.list().await.unwrap(), ["x", "xy"]);
    a.delete("x").await.unwrap();
    a.delete("never").await.unwrap();
    assert_eq!(a.list().await.unwrap(), ["xy"]);
    assert_eq!(a.get("xy").await.unwrap(), Some(b"xy+".to_vec()));
    assert_eq!(storage.folders().await.unwrap(), ["a", "ab"]);
    storage.remove("a").await.unwrap();
    assert_eq!(storage.folders().await.unwrap(), ["ab"]);
    assert_eq!(ab.get("x").await.unwrap(), Some(b"x+".to_vec()));
}
