//! That a proof is for one offer and no other, however the payer arranges what it hides.
//!
//! The payee's signature covers a tree in which siblings have no order (SIG-2). So a payer can make more than
//! one proof that shows the same fields: a part of the tree that is hidden may stand on either side of its
//! sibling, and sometimes have another number of leaves. All of them are tried here, for small invoices.

use std::collections::BTreeSet;

use super::long::is_long;
use super::naive::{self, Hash32, Record, branch};
use super::proofs::{
    self, ALWAYS, AMOUNT, Parts, REQUIRED, answer, invoice_with, is_leaf, numbers, subsets, with_always,
};
use bolt12::{
    ChainHash, Disclosure, Expectation, ExpectedPayee, Field, MinorUnits, Msat, Offer, OfferAmount, PayerProof,
    PayerProofBuilder, Unmet,
};

/// A tree as whoever sees a proof knows it.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// The field that is shown, counted from 0.
    Shown(usize),
    Hidden,
    Both(Box<Node>, Box<Node>),
}

impl Node {
    /// The tree over leaves that are shown or hidden.
    fn of(leaves: &[bool], first: usize) -> Self {
        match leaves {
            [true] => Self::Shown(first),
            _ if !leaves.contains(&true) => Self::Hidden,
            _ => {
                let (low, high) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                let below = low.iter().filter(|shown| **shown).count();
                Self::Both(Box::new(Self::of(low, first)), Box::new(Self::of(high, first + below)))
            }
        }
    }

    /// The same for trees that have the same hash: what is hidden comes second.
    fn unordered(&self) -> Self {
        match self {
            Self::Both(low, high) if **low == Self::Hidden => Self::Both(Box::new(high.unordered()), low.clone()),
            Self::Both(low, high) => Self::Both(Box::new(low.unordered()), Box::new(high.unordered())),
            node => node.clone(),
        }
    }
}

/// A number that trees have in common which are the same without their order: to rule out most others at once.
fn shape(leaves: &[bool], first: usize) -> u64 {
    match leaves {
        [true] => 3 + first as u64,
        _ if !leaves.contains(&true) => 1,
        _ => {
            let (low, high) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let below = low.iter().filter(|shown| **shown).count();
            let (low, high) = (shape(low, first), shape(high, first + below));
            let (low, high) = if low == 1 { (high, low) } else { (low, high) };
            (low.rotate_left(25) ^ high).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 2
        }
    }
}

/// The hashes of what is hidden, of a tree in any order: those beside fewer shown fields first.
fn hidden_hashes(leaves: &[(Hash32, bool)], hashes: &mut Vec<Hash32>) -> (Hash32, bool) {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (low, high) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (low, high) = (hidden_hashes(low, hashes), hidden_hashes(high, hashes));
    if low.1 != high.1 {
        hashes.push(if low.1 { high.0 } else { low.0 });
    }
    (branch(low.0, high.0), low.1 || high.1)
}

/// All ways to arrange leaves, of which the first is hidden, with this tree.
fn arrangements(leaves: &[bool], more: usize) -> Vec<Vec<bool>> {
    let tree = Node::of(leaves, 0).unordered();
    let wanted = shape(leaves, 0);
    let shown = leaves.iter().filter(|shown| **shown).count();
    let mut found = Vec::new();
    for len in shown + 1..=leaves.len() + more {
        for bits in (0u32..1 << len).filter(|bits| bits & 1 == 0 && bits.count_ones() as usize == shown) {
            let leaves: [bool; 32] = std::array::from_fn(|at| bits >> at & 1 == 1);
            let leaves = &leaves[..len];
            if shape(leaves, 0) == wanted && Node::of(leaves, 0).unordered() == tree {
                found.push(leaves.to_vec());
            }
        }
    }
    assert!(found.contains(&leaves.to_vec()));
    found
}

/// A proof of the invoice that shows these fields, and says that its leaves are arranged in this way.
///
/// The hashes come in the same order for all arrangements of a tree: each follows those of its sibling.
fn arranged(invoice: &[Record], shown: &BTreeSet<u64>, leaves: &[bool]) -> Parts {
    let mut parts = Parts::of(invoice, shown);
    let joined: Vec<_> = naive::leaves(invoice).iter().map(|leaf| leaf.joined).collect();
    let known: Vec<(Hash32, bool)> = joined
        .into_iter()
        .zip(invoice.iter().filter(is_leaf))
        .map(|(hash, r)| (hash, shown.contains(&r.number)))
        .collect();
    parts.missing.clear();
    hidden_hashes(&known, &mut parts.missing);
    let mut numbers = shown.iter();
    let mut last = 0;
    parts.markers.clear();
    for is_shown in &leaves[1..] {
        if *is_shown {
            last = *numbers.next().unwrap();
        } else {
            last = if last == 239 { 1_000_000_000 } else { last + 1 };
            parts.markers.push(last);
        }
    }
    parts
}

/// How many leaves are hidden before each shown field, and behind the last; `invreq_metadata` is not counted.
fn hidden_in_gaps(leaves: &[bool]) -> Vec<usize> {
    leaves[1..].split(|shown| *shown).map(<[bool]>::len).collect()
}

/// The types of the gaps, without those at their ends.
fn gaps(shown: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let starts = [0].into_iter().chain(shown.iter().copied());
    starts.zip(shown.iter().copied().chain([4_000_000_000])).collect()
}

fn may_hold_offer_fields((before, after): (u64, u64)) -> bool {
    (1..=79).any(|number| before < number && number < after)
        || (before + 1).max(1_000_000_000) <= (after - 1).min(1_999_999_999)
}

fn room((before, after): (u64, u64)) -> u64 {
    let in_range = |first: u64, last: u64| (after.min(last + 1)).saturating_sub((before + 1).max(first));
    in_range(1, 239) + in_range(1_000_000_000, 3_999_999_999)
}

/// Whether some invoice has this arrangement: what no invoice lacks has a place, and no gap is overfull.
fn is_possible(shown: &BTreeSet<u64>, leaves: &[bool]) -> bool {
    gaps(shown).into_iter().zip(hidden_in_gaps(leaves)).all(|(gap, hidden)| {
        let required = REQUIRED.iter().filter(|number| gap.0 < **number && **number < gap.1).count();
        required <= hidden && hidden as u64 <= room(gap)
    })
}

/// Whether the arrangement hides something where an offer's field could stand.
fn hides_offer_field(shown: &BTreeSet<u64>, leaves: &[bool]) -> bool {
    gaps(shown).into_iter().zip(hidden_in_gaps(leaves)).any(|(gap, hidden)| hidden > 0 && may_hold_offer_fields(gap))
}

/// Whether the arrangement hides something where this field could stand.
fn hides(number: u64, shown: &BTreeSet<u64>, leaves: &[bool]) -> bool {
    let could_stand = |(before, after): (u64, u64)| before < number && number < after;
    gaps(shown).into_iter().zip(hidden_in_gaps(leaves)).any(|(gap, hidden)| hidden > 0 && could_stand(gap))
}

/// All that a payer can say about how the leaves of an invoice are arranged, lies included.
fn claims(invoice: &[Record], shown: &BTreeSet<u64>) -> Vec<Vec<bool>> {
    let mut claims = arrangements(&leaves(invoice, shown), 1);
    // A gap without room for what is hidden in it is refused as such (PPR-3).
    claims.retain(|leaves| {
        gaps(shown).into_iter().zip(hidden_in_gaps(leaves)).all(|(gap, hidden)| hidden as u64 <= room(gap))
    });
    claims
}

/// The offer whose fields these are.
fn offer(records: &[Record], without: &[u64]) -> Offer {
    let is_offers = |number: u64| matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999);
    let fields = records.iter().filter(|r| is_offers(r.number) && !without.contains(&r.number));
    Offer::try_from(fields.flat_map(|record| record.bytes.clone()).collect::<Vec<_>>()).unwrap()
}

fn expectation(offer: &Offer) -> Expectation<'_> {
    Expectation { payee: ExpectedPayee::Offer(offer), chain: ChainHash::BITCOIN, min_amount: Msat(1), note: None }
}

/// What a proof does not show of what is expected.
fn unmet(proof: &PayerProof, expectation: &Expectation<'_>) -> Vec<Unmet> {
    proof.check(expectation).err().map_or(Vec::new(), |unmet| unmet.as_slice().to_vec())
}

/// This payee, on this chain.
fn on_chain(chain: ChainHash) -> Expectation<'static> {
    Expectation { payee: ExpectedPayee::NodeId(proofs::issuer().public_key()), chain, min_amount: Msat(1), note: None }
}

/// A fixed price, or one that the payer names.
fn priced() -> Vec<(u64, Vec<u8>)> {
    vec![(8, vec![1]), (10, b"tea".to_vec()), answer()[0].clone()]
}

fn with(fields: &[(u64, Vec<u8>)], more: &[u64]) -> Vec<Record> {
    invoice_with(fields.iter().cloned().chain(more.iter().map(|number| (*number, vec![*number as u8; 3]))))
}

/// The leaves of an invoice, as a proof shows them.
fn leaves(invoice: &[Record], shown: &BTreeSet<u64>) -> Vec<bool> {
    invoice.iter().filter(is_leaf).map(|record| shown.contains(&record.number)).collect()
}

/// Another offer has more fields; the payer hides them and says that something else is hidden.
#[test]
fn an_offer_with_more_fields_is_not_taken_for_this_one() {
    let (mut proofs, mut lies) = (0, 0);
    let features = || [priced(), vec![(12, vec![2])]].concat();
    for (records, extra) in [
        (with(&answer(), &[18]), vec![18]),
        (with(&priced(), &[14, 18]), vec![14, 18]),
        (with(&priced(), &[1_000_000_001]), vec![1_000_000_001]),
        (with(&priced(), &[77, 1_999_999_999]), vec![77, 1_999_999_999]),
        // Here both come to stand behind the payer's key.
        (with(&features(), &[14, 18]), vec![14, 18]),
    ] {
        let this = offer(&records, &extra);
        let this_fields: Vec<u64> = this.tlvs().records().map(|record| record.number()).collect();
        let free: Vec<u64> =
            numbers(&records).into_iter().filter(|n| ![0, 170].contains(n) && !ALWAYS.contains(n)).collect();
        let free: Vec<u64> = free.into_iter().filter(|n| !this_fields.contains(n) && !extra.contains(n)).collect();
        for chosen in subsets(&free) {
            let shown = with_always(&records, chosen.into_iter().chain(this_fields.iter().copied()).chain([170]));
            for claimed in claims(&records, &shown) {
                let claimed = &claimed;
                let proof = match arranged(&records, &shown, claimed).proof() {
                    Ok(proof) => proof,
                    Err(error) => panic!("{shown:?}, {claimed:?}: {error:#}"),
                };
                let mut expected = vec![Unmet::OfferMayHaveMore];
                expected.extend(proof.chain().is_none().then_some(Unmet::ChainHidden));
                assert_eq!(unmet(&proof, &expectation(&this)), expected, "{shown:?}, {claimed:?}");
                proofs += 1;
                lies += usize::from(!hides_offer_field(&shown, claimed));
            }
        }
    }
    assert!(proofs > 200 && lies > 20, "{proofs} proofs, of which {lies} are lies");
}

/// An offer is recognised exactly if no invoice for another one could have led to the same proof.
#[test]
fn an_offer_is_recognised_unless_there_might_be_more_to_it() {
    let mut seen = [0, 0];
    for records in [
        with(&answer(), &[]),
        with(&answer(), &[89]),
        with(&answer(), &[3_000_000_001]),
        with(&priced(), &[]),
        with(&priced(), &[18, 84]),
        with(&priced(), &[89, 171]),
        with(&priced(), &[2_000_000_001, 3_000_000_001]),
        with(&[(8, vec![1]), (10, b"tea".to_vec()), answer()[0].clone(), (82, AMOUNT.to_vec())], &[]),
    ] {
        let this = offer(&records, &[]);
        let offers: Vec<u64> = this.tlvs().records().map(|record| record.number()).collect();
        let free: Vec<u64> = numbers(&records).into_iter().filter(|n| ![0, 170].contains(n)).collect();
        let free: Vec<u64> = free.into_iter().filter(|n| !offers.contains(n) && !ALWAYS.contains(n)).collect();
        for chosen in subsets(&free) {
            let shown = with_always(&records, chosen.into_iter().chain(offers.iter().copied()).chain([170]));
            let leaves = leaves(&records, &shown);
            let real = arrangements(&leaves, 3);
            let suspect = real.iter().any(|leaves| is_possible(&shown, leaves) && hides_offer_field(&shown, leaves));
            let proof: PayerProof = Parts::of(&records, &shown).proof().unwrap();
            let mut expected = if suspect { vec![Unmet::OfferMayHaveMore] } else { Vec::new() };
            expected.extend(proof.chain().is_none().then_some(Unmet::ChainHidden));
            if shown.contains(&162) && !shown.contains(&160) && !suspect {
                // Who shows the fees and hides the paths may be suspected without need.
                continue;
            }
            assert_eq!(unmet(&proof, &expectation(&this)), expected, "{shown:?}");
            seen[usize::from(suspect)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 30), "{seen:?}");
}

/// Who hides only the paths to the payee leaves no doubt, whatever else the invoice holds.
#[test]
fn an_offer_is_recognised_if_only_the_paths_to_the_payee_are_hidden() {
    for count in 0..40u64 {
        let mut fields = priced();
        for at in 0..count {
            let number = [23, 93, 179, 1_000_000_001, 2_000_000_001, 3_000_000_001][at as usize % 6] + 2 * (at / 6);
            fields.push((number, vec![7; 3]));
        }
        let records = invoice_with(fields);
        let shown = numbers(&records).into_iter().filter(|number| ![0, 160, 162].contains(number)).collect();
        let proof = Parts::of(&records, &shown).proof().unwrap();
        assert_eq!(proof.check(&expectation(&offer(&records, &[]))), Ok(()), "{shown:?}");
    }
}

/// All choices of what to show of an invoice but its amount, which is shown, and these fields, which are hidden.
fn choices(invoice: &[Record], hidden: &[u64]) -> Vec<BTreeSet<u64>> {
    let free: Vec<u64> =
        numbers(invoice).into_iter().filter(|n| ![0, 170].contains(n) && !ALWAYS.contains(n)).collect();
    let free: Vec<u64> = free.into_iter().filter(|number| !hidden.contains(number)).collect();
    subsets(&free).map(|chosen| with_always(invoice, chosen.into_iter().chain([170]))).collect()
}

fn chain(number: u64, chain: ChainHash) -> (u64, Vec<u8>) {
    (number, chain.to_bytes().to_vec())
}

/// Invoices that were paid on a test network, which their offers name (D10).
fn on_signet() -> Vec<Vec<Record>> {
    let invoice_chain = || chain(80, ChainHash::SIGNET);
    vec![
        with(&[&answer()[..], &[invoice_chain(), chain(2, ChainHash::SIGNET)]].concat(), &[]),
        with(&[priced(), vec![invoice_chain(), chain(2, ChainHash::SIGNET)]].concat(), &[84]),
        with(&[priced(), vec![invoice_chain(), chain(2, ChainHash::SIGNET)]].concat(), &[18]),
    ]
}

/// Where the invoice names its chain, that is all there is to show.
#[test]
fn the_chain_of_a_test_network_is_shown_by_its_field_alone() {
    for more in [&[][..], &[10], &[18, 89]] {
        let chains = [chain(80, ChainHash::SIGNET), chain(2, ChainHash::SIGNET)];
        let invoice = proofs::read(&with(&[&answer()[..], &chains].concat(), more));
        let minimal = || PayerProofBuilder::minimal(&invoice, proofs::preimage());
        let proof = minimal().show_chain().build().unwrap().sign(&proofs::payer()).unwrap();
        assert_eq!(proof, minimal().reveal(Field::INVREQ_CHAIN).build().unwrap().sign(&proofs::payer()).unwrap());
        assert_eq!(proof.chain(), Some(ChainHash::SIGNET));
    }
}

#[test]
fn a_test_network_that_is_shown_is_what_was_paid_on() {
    for records in on_signet() {
        for mut shown in choices(&records, &[80]) {
            shown.insert(80);
            let proof = Parts::of(&records, &shown).proof().unwrap();
            assert_eq!(proof.chain(), Some(ChainHash::SIGNET), "{shown:?}");
            assert_eq!(unmet(&proof, &on_chain(ChainHash::SIGNET)), []);
            assert_eq!(unmet(&proof, &on_chain(ChainHash::BITCOIN)), [Unmet::WrongChain]);
            assert_eq!(unmet(&proof, &on_chain(ChainHash::TESTNET3)), [Unmet::WrongChain]);
        }
    }
}

/// The payer hides `invreq_chain`, and says that something else is hidden, on the other side of a shown field.
#[test]
fn a_test_network_that_is_hidden_is_never_taken_for_bitcoin() {
    let (mut proofs, mut lies) = (0, 0);
    // All choices for the first invoice, and of each other one in eight.
    for (records, step) in on_signet().into_iter().zip([1, 8, 8]) {
        for shown in choices(&records, &[80]).into_iter().step_by(if is_long() { 1 } else { step }) {
            for claimed in claims(&records, &shown) {
                let proof = arranged(&records, &shown, &claimed).proof().unwrap();
                assert_eq!(proof.chain(), None, "{shown:?}, {claimed:?}");
                for expected in [ChainHash::BITCOIN, ChainHash::SIGNET] {
                    assert_eq!(unmet(&proof, &on_chain(expected)), [Unmet::ChainHidden], "{shown:?}, {claimed:?}");
                }
                proofs += 1;
                lies += usize::from(!hides(80, &shown, &claimed));
            }
        }
    }
    assert!(proofs > 200 && lies > 20, "{proofs} proofs, of which {lies} are lies");
}

/// What a proof says to be `invreq_metadata` may be another field, if the metadata may be elsewhere: here the chain
/// takes its place, and a whole quarter of the tree moves behind what it stands before.
#[test]
fn the_chain_does_not_pass_for_the_metadata() {
    let fields = [priced(), vec![chain(2, ChainHash::SIGNET), chain(80, ChainHash::SIGNET)]].concat();
    let records = with(&fields, &[]);
    let shown = BTreeSet::from([22, 88, 160, 168, 176]);
    let really = [[0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 1, 0]].concat();
    let claimed = [[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 1, 0]].concat();
    let leaves_of = |bits: Vec<u8>| -> Vec<bool> { bits.into_iter().chain([1]).map(|bit| bit == 1).collect() };
    assert_eq!(leaves(&records, &shown), leaves_of(really));
    let proof = arranged(&records, &shown, &leaves_of(claimed)).proof().unwrap();
    assert_eq!(proof.disclosure(Field::INVREQ_CHAIN), Disclosure::Absent);
    assert_eq!(proof.chain(), None);
}

/// An invoice without `invreq_chain` was paid with bitcoin, and a proof shows it exactly if no invoice with that
/// field could have led to the same proof.
#[test]
fn bitcoin_is_shown_where_the_chain_cannot_be_hidden() {
    let first = |records: &[Record]| *numbers(records).range(1..).next().unwrap();
    let (mut seen, mut needless) = ([0, 0], 0);
    for records in [with(&answer(), &[]), with(&answer(), &[84]), with(&answer(), &[86]), with(&priced(), &[])] {
        for shown in choices(&records, &[]) {
            let real = arrangements(&leaves(&records, &shown), 3);
            let may_hide =
                |number| real.iter().any(|leaves| is_possible(&shown, leaves) && hides(number, &shown, leaves));
            // What answers an offer is on another chain only if the offer names one (D10).
            let suspect = may_hide(80) && (!shown.contains(&22) || may_hide(2));
            let proof = Parts::of(&records, &shown).proof().unwrap();
            if !suspect && (shown.contains(&162) && !shown.contains(&160) || !shown.contains(&first(&records))) {
                // As for offers, a suspicion without need: of who shows the fees and hides the paths, and of what is
                // hidden beside the metadata, which cannot move.
                needless += usize::from(proof.chain().is_none());
                continue;
            }
            assert_eq!(proof.chain(), (!suspect).then_some(ChainHash::BITCOIN), "{shown:?}");
            let expected = if suspect { vec![Unmet::ChainHidden] } else { Vec::new() };
            assert_eq!(unmet(&proof, &on_chain(ChainHash::BITCOIN)), expected, "{shown:?}");
            let expected = if suspect { Unmet::ChainHidden } else { Unmet::WrongChain };
            assert_eq!(unmet(&proof, &on_chain(ChainHash::SIGNET)), [expected], "{shown:?}");
            seen[usize::from(suspect)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
    assert!(needless <= 22, "{needless} needless suspicions");
}

/// The same for `offer_currency`: cents are never taken for millisatoshi.
#[test]
fn a_price_in_a_hidden_currency_is_no_price() {
    let usd = || (6, b"USD".to_vec());
    let (mut proofs, mut lies) = (0, 0);
    for records in [
        with(&[priced(), vec![usd()]].concat(), &[]),
        with(&[priced(), vec![usd(), chain(2, ChainHash::SIGNET)]].concat(), &[]),
        with(&[priced(), vec![usd()]].concat(), &[4]),
    ] {
        for mut shown in choices(&records, &[6, 8]) {
            shown.insert(8);
            for claimed in claims(&records, &shown) {
                let proof = arranged(&records, &shown, &claimed).proof().unwrap();
                assert_eq!((proof.offer_amount(), proof.offer().amount()), (None, None), "{shown:?}, {claimed:?}");
                proofs += 1;
                lies += usize::from(!hides(6, &shown, &claimed));
            }
            shown.insert(6);
            let proof = Parts::of(&records, &shown).proof().unwrap();
            let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(1) };
            assert_eq!((proof.offer_amount(), proof.offer().amount()), (Some(price), Some(price)), "{shown:?}");
        }
    }
    assert!(proofs > 200 && lies > 20, "{proofs} proofs, of which {lies} are lies");
    // Where nothing can be hidden, no currency means bitcoin.
    let records = with(&priced(), &[]);
    let proof = Parts::of(&records, &with_always(&records, [8, 10, 22, 170])).proof().unwrap();
    assert_eq!((proof.offer_amount(), proof.offer().amount()), (Some(OfferAmount::Bitcoin(Msat(1))), None));
}
