//! Saved states: a crash at any point loses nothing and never pays twice (EXC-4), and only what was saved is loaded.

use bolt12::exchange::{Action, Limit, Payee, Payer};
use bolt12::{ErrorKind, HumanReadableName, MinorUnits, Msat, OfferAmount, Rate, UnixTime};
use proptest::prelude::*;

use super::long::seeds;
use super::messages::NOW;
use super::network::Faults;
use super::plan::Setup;
use super::sides::{self, CHAINS, deliver, own_offer, path_with, terms};
use super::world::World;

/// EXC-4, EXC-8: every prefix of every run is replayed. Wherever whoever is at work loses its memory, all is paid in
/// the end, and once: that is checked in the world.
#[test]
fn a_crash_at_any_point_loses_nothing() {
    let mut crashes = 0;
    for seed in seeds(0..12, 4) {
        let setup = Setup { purchases: 1, ..Setup::new(seed) };
        let steps = World::new(setup).run().outcome.steps;
        assert!(steps > 20, "{steps}");
        for crash_at in 1..=steps {
            let world = World::new(Setup { crash_at: Some(crash_at), ..setup }).run();
            let outcome = world.outcome;
            assert_eq!((outcome.crashes, outcome.begun, outcome.paid), (1, 2, 2), "seed {seed} crashes at {crash_at}");
            assert_eq!(outcome.claims_paid, 1);
            crashes += 1;
        }
    }
    assert!(crashes > 100, "{crashes}");
}

/// EXC-4: the same where nobody and nothing can be trusted: much is not paid, and nothing twice.
#[test]
fn a_crash_at_any_point_among_faults_pays_nothing_twice() {
    for seed in seeds(100..104, 1) {
        let faults = Faults::all(100);
        let setup = Setup { purchases: 2, faults, willing: false, ..Setup::new(seed) };
        let steps = World::new(setup).run().outcome.steps;
        for crash_at in 1..=steps {
            let outcome = World::new(Setup { crash_at: Some(crash_at), ..setup }).run().outcome;
            assert_eq!((outcome.crashes, outcome.begun), (1, 3), "seed {seed} crashes at {crash_at}");
        }
    }
}

/// Every way to damage some bytes: cut off, one longer, and each bit flipped.
fn damaged(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flipped = |bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    let longer = [[bytes, &[0]].concat(), [&[1], bytes].concat()];
    // All bits of the start, where the version is (one with a higher number is newer), and one of each other byte.
    let bits = (0..32).chain((4..bytes.len()).map(|at| at * 8 + at % 8));
    cut.chain(longer).chain(bits.map(flipped)).collect()
}

fn refused<T: std::fmt::Debug>(loaded: Result<T, bolt12::Error>) {
    assert_eq!(loaded.unwrap_err().kind(), &ErrorKind::InvalidState);
}

/// EXC-4: what is damaged, newer, of another kind or of another secret is not guessed at.
#[test]
fn only_what_was_saved_is_loaded() {
    let (issuer, payer) = (Payee::new([1; 32]), Payer::new([1; 32]));
    let stranger = (Payee::new([9; 32]), Payer::new([9; 32]));

    let world = World::new(Setup { purchases: 2, ..Setup::new(7) }).run();
    let mut phases = std::collections::BTreeSet::new();
    for (party, bytes) in &world.trace {
        let payer = world.payer(*party);
        let payment = payer.load(bytes).unwrap();
        assert_eq!(&payment.to_bytes(), bytes);
        assert_eq!(format!("{:?}", payer.load(&payment.to_bytes()).unwrap()), format!("{payment:?}"));
        refused(stranger.1.load(bytes));
        if phases.insert(format!("{:?}", payment.state()).chars().take(4).collect::<String>()) {
            damaged(bytes).iter().for_each(|bytes| refused(payer.load(bytes)));
        }
    }
    assert_eq!(phases.into_iter().collect::<Vec<_>>(), ["Aski", "Paid", "Payi", "Quot"]);

    // The issuer's, and those of a claim.
    let offer = own_offer(&issuer, 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let mut payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let received = issuer.receive(deliver(&asked, 0x70)).unwrap();
    let received_bytes = received.to_bytes();
    let accepted = received.accept(&terms(NOW, None)).unwrap();
    let accepted_bytes = accepted.to_bytes();
    let new = payer.new_refund([5; 32]);
    let refund = new.builder("a cup that broke", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    let published = new.publish(refund, NOW).unwrap();
    let claimed = issuer.claim(published.refund().unwrap(), NOW, CHAINS).unwrap();
    let invoice = claimed.invoice(bolt12::Preimage([8; 32]).payment_hash());
    let invoice = invoice.add_path(super::messages::path(1), &super::messages::payinfo()).build().unwrap();
    let claim = claimed.sign(invoice, UnixTime(NOW.0 + 60), Default::default()).unwrap();
    let claim_bytes = claim.to_bytes();

    assert_eq!(issuer.load_received(&received_bytes).unwrap().to_bytes(), received_bytes);
    assert_eq!(issuer.load_accepted(&accepted_bytes).unwrap().to_bytes(), accepted_bytes);
    assert_eq!(issuer.load_claim(&claim_bytes).unwrap().to_bytes(), claim_bytes);
    for bytes in damaged(&received_bytes) {
        refused(issuer.load_received(&bytes));
    }
    for bytes in damaged(&accepted_bytes) {
        refused(issuer.load_accepted(&bytes));
    }
    for bytes in damaged(&claim_bytes) {
        refused(issuer.load_claim(&bytes));
    }
    // Of another kind, and of another secret.
    let payment_bytes = payment.to_bytes();
    for bytes in [&accepted_bytes, &claim_bytes, &payment_bytes] {
        refused(issuer.load_received(bytes));
    }
    for bytes in [&received_bytes, &claim_bytes, &payment_bytes] {
        refused(issuer.load_accepted(bytes));
    }
    for bytes in [&received_bytes, &accepted_bytes, &payment_bytes] {
        refused(issuer.load_claim(bytes));
    }
    for bytes in [&received_bytes, &accepted_bytes, &claim_bytes] {
        refused(payer.load(bytes));
    }
    refused(stranger.0.load_received(&received_bytes));
    refused(stranger.0.load_accepted(&accepted_bytes));
    refused(stranger.0.load_claim(&claim_bytes));

    // From newer software: authentic, and not understood.
    let newer = |purpose, bytes: &[u8]| sides::reseal([1; 32], purpose, bytes, |fields| fields[0] += 1);
    let unknown = |error: bolt12::Error| assert_eq!(error.kind(), &ErrorKind::UnknownVersion);
    unknown(issuer.load_received(&newer("issuer state", &received_bytes)).unwrap_err());
    unknown(issuer.load_accepted(&newer("issuer state", &accepted_bytes)).unwrap_err());
    unknown(issuer.load_claim(&newer("issuer state", &claim_bytes)).unwrap_err());
    unknown(payer.load(&newer("payer state", &payment_bytes)).unwrap_err());
    // With more or less in it than it should hold.
    refused(payer.load(&sides::reseal([1; 32], "payer state", &payment_bytes, |fields| fields.push(0))));
    for len in (2..payment_bytes.len() - 16).step_by(7) {
        assert!(
            payer.load(&sides::reseal([1; 32], "payer state", &payment_bytes, |fields| fields.truncate(len))).is_err()
        );
    }

    // EXC-2: what one replica accepted, another answers, in the same bytes.
    let replica = Payee::new([1; 32]);
    let loaded = replica.load_accepted(&accepted_bytes).unwrap();
    assert_eq!(sides::invoice(&loaded).1.as_bytes(), sides::invoice(&accepted).1.as_bytes());
}

/// A payment with a name, a note, and a price in dollars, before it asks.
fn named() -> Vec<u8> {
    let usd = "USD".parse().unwrap();
    let price = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
    let offer = own_offer(&Payee::new([2; 32]), 2, |offer| offer.description("tea").amount(price));
    let draft = Payer::new([1; 32]).draft(&offer, NOW, CHAINS).unwrap().payer_note("with milk");
    let draft = draft.bip_353_name(HumanReadableName::new("alice", "example.com").unwrap());
    let draft = draft.rate(Rate::per_bitcoin(usd, "100000").unwrap()).limit(Limit::Tolerance { basis_points: 200 });
    draft.start([4; 32], NOW, UnixTime(NOW.0 + 600)).unwrap().to_bytes()
}

/// A name without a user was loaded as no name at all.
#[test]
fn half_a_name_is_refused() {
    let payer = Payer::new([1; 32]);
    for part in ["alice", "example.com"] {
        let half = sides::reseal([1; 32], "payer state", &named(), |fields| {
            let name = [&[part.len() as u8], part.as_bytes()].concat();
            let at = fields.windows(name.len()).position(|bytes| bytes == name).unwrap();
            fields.splice(at..at + name.len(), [0]);
        });
        assert!(payer.load(&half).is_err(), "{part}");
    }
}

proptest! {
    /// Whatever a state says that has the right MAC, it is what it says, and no step panics.
    #[test]
    fn what_is_loaded_goes_on(at in any::<prop::sample::Index>(), byte in any::<u8>(), now in any::<u64>()) {
        let payer = Payer::new([1; 32]);
        let changed = sides::reseal([1; 32], "payer state", &named(), |fields| {
            let at = at.index(fields.len());
            fields[at] = byte;
        });
        let Ok(mut payment) = payer.load(&changed) else { return Ok(()) };
        prop_assert_eq!(payment.to_bytes(), changed);
        for now in [NOW, UnixTime(now), UnixTime(u64::MAX)] {
            let _ = payment.state();
            let _ = payment.poll(now);
            prop_assert!(payer.load(&payment.to_bytes()).is_ok());
        }
        let _ = payment.decline();
        prop_assert!(payer.load(&payment.to_bytes()).is_ok());
    }
}
