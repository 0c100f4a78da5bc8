//! The effect of the policy on all users, before the user of a login is known.

use super::*;
use crate::network::address;

const NOW: UnixTime = UnixTime::from_seconds(1_763_640_000);

fn keeps_everybody_out(change: impl FnOnce(&mut EnforcePolicy)) -> bool {
    let mut enforce = Policy::default().enforce;
    change(&mut enforce);
    enforce.keeps_everybody_out(NOW)
}

#[test]
fn a_policy_keeps_everybody_out_only_if_nobody_at_all_could_get_in() {
    let second = Duration::from_secs(1);
    assert!(keeps_everybody_out(|_| {}));
    assert!(keeps_everybody_out(|enforce| enforce.from = Some(NOW)));
    assert!(!keeps_everybody_out(|enforce| {
        enforce.from = Some(NOW.after(second));
    }));
    assert!(!keeps_everybody_out(|enforce| enforce.grace = second));
    let staff = || vec!["staff".to_owned()];
    assert!(!keeps_everybody_out(|enforce| {
        enforce.groups = Groups::Named(staff());
    }));
    assert!(!keeps_everybody_out(|enforce| {
        enforce.exempt_groups = staff();
    }));
    assert!(!keeps_everybody_out(|enforce| {
        enforce.exempt_users = vec!["backup".to_owned()];
    }));
}

#[test]
fn an_address_is_in_the_first_network_that_holds_it_or_in_none() {
    let network = |text| Network::parse(text).unwrap();
    let mut trust = TrustPolicy::default();
    let inside = address("10.1.2.3").unwrap();
    assert_eq!(trust.network_of(inside), None);
    trust.networks = ["192.0.2.0/24", "10.1.0.0/16", "10.0.0.0/8"]
        .map(network)
        .to_vec();
    assert_eq!(trust.network_of(inside), Some(network("10.1.0.0/16")));
    let outside = address("203.0.113.1").unwrap();
    assert_eq!(trust.network_of(outside), None);
}
