//! Every transaction of the store, by the tests that also run over a directory and over memory.

use crate::Test;
use crate::parts::cluster::{Cluster, remove};
use otp_fleet::keeper::{ACCOUNTS, EtcdKeeper};
use otp_store::Seal;
use otp_store::trial::{Bench, transactions};
use std::cell::RefCell;
use std::sync::Mutex;

/// A test gets only a type, so the keeper that it runs over is stored here.
static OPENED: Mutex<Option<EtcdKeeper>> = Mutex::new(None);

thread_local! {
    /// The function that begins a new fleet, on the thread that runs the tests.
    static ANEW: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// The members, as a place for records.
struct Etcd;

impl Bench for Etcd {
    type Keeper = EtcdKeeper;

    fn empty() -> Self {
        ANEW.with_borrow(|anew| anew.as_ref().unwrap()());
        Self
    }

    fn store(&self) -> EtcdKeeper {
        OPENED.lock().unwrap().clone().unwrap()
    }

    fn sealed_store(&self, seal: Seal) -> EtcdKeeper {
        self.store().sealed_by(seal)
    }
}

pub fn all() -> Vec<Test> {
    let one = |(name, test): (&'static str, fn())| -> Test {
        let run = move |cluster: &mut Cluster| {
            let root = cluster.client("root");
            *OPENED.lock().unwrap() = Some(cluster.keeper());
            ANEW.set(Some(Box::new(move || remove(&root, ACCOUNTS))));
            test();
        };
        (name.to_owned(), Box::new(run))
    };
    transactions::<Etcd>().into_iter().map(one).collect()
}
