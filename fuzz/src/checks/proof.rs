//! Target `payer_proof`: bytes as a payer proof. And proofs made of invoices, for target `mirror`.

use bolt12::secp256k1::{Keypair, Message, PublicKey, XOnlyPublicKey, schnorr};
use bolt12::{
    ChainHash, Disclosure, Expectation, ExpectedPayee, Field, Invoice, Msat, PayerProof, PayerProofBuilder, Preimage,
    Unmet,
};

use super::merkle::{self, Digest};
use super::{errors, keys, messages, naive, walk};

const OMITTED: u64 = 1002;
const MISSING: u64 = 1003;
const LEAVES: u64 = 1004;

/// Whether a proof can show a field of that type. (PPW-2)
fn is_disclosable(number: u64) -> bool {
    matches!(number, 1..=239 | 1_000_000_000..=3_999_999_999)
}

/// Bytes as a payer proof.
pub fn check(data: &[u8]) {
    let Some(proof) = messages::read_signed::<PayerProof>(data) else { return };
    holds(&proof);
    messages::text(&proof, |width| proof.wrapped(width).map(|wrapped| wrapped.to_string()));
    assert_eq!(proof.into_bytes(), data);
}

/// What holds for every proof that was read.
fn holds(proof: &PayerProof) {
    walk::disclosed(proof);
    proof.note().iter().for_each(walk::text);
    assert_eq!(proof.preimage().payment_hash(), proof.payment_hash(), "PPR-2");

    // PPR-5 to PPR-7
    let root = invoice_root(proof.as_bytes()).expect("a root that a naive reader rebuilds");
    verify(proof, Field::SIGNATURE, merkle::digest("invoice", "signature", root), proof.node_id());
    let root = merkle::root_of(proof.tlvs().records()).expect("it has fields");
    verify(proof, Field::PROOF_SIGNATURE, merkle::digest("payer_proof", "proof_signature", root), proof.payer_id());

    for number in (0..=250).chain(proof.tlvs().records().map(|record| record.number())) {
        // The fields of the proof itself, too, are there to see.
        let shown = proof.tlvs().contains(number);
        assert_eq!(proof.disclosure(Field::numbered(number)) == Disclosure::Disclosed, shown, "{number}");
    }
    chain_and_price(proof);
    let payee = ExpectedPayee::NodeId(proof.node_id());
    let chain = proof.chain().unwrap_or(ChainHash::BITCOIN);
    let expectation = Expectation { payee, chain, min_amount: Msat(0), note: proof.note().map(|note| note.as_raw()) };
    // Any amount need not be shown.
    let unshown: Vec<Unmet> = proof.chain().is_none().then_some(Unmet::ChainHidden).into_iter().collect();
    assert_eq!(unmet(proof, &expectation), unshown);
    let some = Expectation { min_amount: Msat(1), ..expectation };
    assert_eq!(unmet(proof, &some).contains(&Unmet::AmountHidden), proof.amount().is_none());
    let stranger = Expectation { payee: ExpectedPayee::NodeId(keys::public()[3]), ..expectation };
    let found = unmet(proof, &stranger);
    assert_eq!(found.contains(&Unmet::WrongNodeId), proof.node_id() != keys::public()[3]);
    let elsewhere = Expectation { chain: ChainHash::from([0x5a; 32]), ..expectation };
    let found = unmet(proof, &elsewhere);
    assert_eq!(found.contains(&Unmet::WrongChain), proof.chain().is_some_and(|chain| chain != elsewhere.chain));
    assert_eq!(found.contains(&Unmet::ChainHidden), proof.chain().is_none());
}

/// What a proof does not show of what is expected.
fn unmet(proof: &PayerProof, expectation: &Expectation<'_>) -> Vec<Unmet> {
    let Err(unmet) = proof.check(expectation) else { return Vec::new() };
    assert!(!unmet.as_slice().is_empty());
    assert_eq!(unmet.to_string().split("; ").count(), unmet.as_slice().len(), "{unmet}");
    unmet.as_slice().to_vec()
}

/// The chain and the price are what is shown; if they are not shown, there must be no doubt.
fn chain_and_price(proof: &PayerProof) {
    if proof.tlvs().contains(Field::INVREQ_CHAIN.number()) {
        assert_eq!(proof.chain(), Some(proof.request().chain()));
    } else if let Some(chain) = proof.chain() {
        assert_eq!(chain, ChainHash::BITCOIN);
        // Either the field is absent, or the offer names no chain (D10).
        let absent = |field| proof.disclosure(field) == Disclosure::Absent;
        assert!(absent(Field::INVREQ_CHAIN) || proof.request().answers_offer() && absent(Field::OFFER_CHAINS));
    }
    let currency = proof.offer().currency();
    if currency.is_some() {
        assert_eq!(proof.offer_amount(), proof.offer().amount());
    } else {
        assert_eq!(proof.offer().amount(), None, "what currency?");
        if proof.offer_amount().is_some() {
            assert_eq!(proof.disclosure(Field::OFFER_CURRENCY), Disclosure::Absent);
        }
    }
}

fn verify(proof: &PayerProof, field: Field, digest: Digest, key: PublicKey) {
    let signature = proof.tlvs().get(field.number()).expect("a signature").value();
    let signature = schnorr::Signature::from_slice(signature).expect("64 bytes");
    let key: XOnlyPublicKey = key.into();
    let verified = keys::context().verify_schnorr(&signature, &Message::from_digest(digest), &key);
    assert!(verified.is_ok(), "{field} is not for what was read");
}

/// Makes a proof of a paid invoice that shows what is `selected`, and reads it.
pub fn prove(invoice: &Invoice, preimage: Preimage, payer: &Keypair, selected: impl Fn(u64) -> bool, note: &str) {
    let numbers: Vec<u64> = invoice.tlvs().records().map(|record| record.number()).collect();
    let revealed = numbers.iter().copied().filter(|number| is_disclosable(*number) && selected(*number));
    let builder = revealed
        .fold(PayerProofBuilder::minimal(invoice, preimage), |builder, number| builder.reveal(Field::numbered(number)));
    let preview = builder.preview().expect("all of it can be shown");
    assert_eq!(
        preview.revealed.len() + preview.hidden.len(),
        numbers.iter().filter(|number| !is_signature(**number)).count()
    );
    let unsigned = match builder.note(note).build() {
        Ok(unsigned) => unsigned,
        // D7: hashes for every field can take more room than the fields.
        Err(error) => {
            assert!(matches!(error.kind(), bolt12::ErrorKind::TooLong { .. }), "{error:#}");
            return errors::any(&error);
        }
    };
    let proof = unsigned.sign(payer).expect("the payer's key");
    assert_eq!(PayerProof::try_from(proof.as_bytes()).as_ref(), Ok(&proof));
    holds(&proof);
    assert_eq!(proof.note().map_or("", |note| note.as_raw()), note);
    // Nobody is paid in coins of a test network, or in cents, who thinks otherwise.
    assert!(proof.chain().is_none_or(|chain| chain == invoice.request().chain()));
    assert!(proof.offer_amount().is_none_or(|amount| Some(amount) == invoice.offer().amount()));
    assert!(proof.offer().amount().is_none_or(|amount| Some(amount) == invoice.offer().amount()));
    assert_eq!(
        proof.tlvs().get(240).map(|record| record.value()),
        invoice.tlvs().get(240).map(|record| record.value())
    );
    // What the proof says of a field is true.
    for field in (0..=239).chain(numbers).map(Field::numbered) {
        if is_signature(field.number()) {
            // No proof repeats what stands beside the signature.
            let expected = match field.number() {
                240 | 241 => Disclosure::Disclosed,
                _ => Disclosure::HiddenOrAbsent,
            };
            assert_eq!(proof.disclosure(field), expected, "{field}");
            continue;
        }
        let (is_there, is_shown) = (invoice.tlvs().contains(field.number()), preview.revealed.contains(&field));
        match proof.disclosure(field) {
            Disclosure::Disclosed => {
                assert!(is_shown);
                assert_eq!(proof.tlvs().get(field.number()).map(|record| record.as_bytes()), {
                    invoice.tlvs().get(field.number()).map(|record| record.as_bytes())
                });
            }
            Disclosure::Hidden => assert!(is_there && !is_shown, "{field}"),
            Disclosure::Absent => assert!(!is_there, "{field}"),
            Disclosure::HiddenOrAbsent => assert!(!is_shown, "{field}"),
        }
    }
    if let Some(other) = invoice.tlvs().records().map(|record| record.number()).find(|number| is_signature(*number)) {
        let refused = PayerProofBuilder::minimal(invoice, preimage).reveal(Field::numbered(other)).build();
        errors::any(&refused.expect_err("PPW-2"));
    }
    let wrong = Preimage(preimage.0.map(|byte| !byte));
    errors::any(&PayerProofBuilder::minimal(invoice, wrong).build().expect_err("PPW-6"));
}

fn is_signature(number: u64) -> bool {
    (240..=1000).contains(&number)
}

/// The root of the invoice that a proof is about, rebuilt for clarity alone; nothing if the hashes are
/// not just enough. (PPR-5)
pub fn invoice_root(proof: &[u8]) -> Option<Digest> {
    let records = naive::records(proof)?;
    let value =
        |number| records.iter().find(|record| record.number == number).map(|record| &proof[record.value..record.end]);
    let mut nonces = value(LEAVES)?.chunks_exact(32).map(|nonce| Digest::try_from(nonce).expect("32 bytes"));
    let mut missing = value(MISSING)?.chunks_exact(32).map(|hash| Digest::try_from(hash).expect("32 bytes"));

    // Marker and leaf, in ascending order: none where the leaf is hidden.
    let mut leaves = vec![(0, None)];
    let (markers, mut at) = (value(OMITTED).unwrap_or_default(), 0);
    while at < markers.len() {
        let (marker, next) = naive::bigsize(markers, at)?;
        leaves.push((marker, None));
        at = next;
    }
    for record in records.iter().filter(|record| is_disclosable(record.number)) {
        let leaf = merkle::leaf_with_nonce(&proof[record.start..record.end], nonces.next()?);
        leaves.push((record.number, Some(leaf)));
    }
    leaves.sort_by_key(|(number, _)| *number);
    let leaves: Vec<Option<Digest>> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
    let root = rebuild(&leaves, &mut missing)?;
    (nonces.next().is_none() && missing.next().is_none()).then_some(root?)
}

/// The hash over leaves, or nothing within if all of them are hidden; nothing at all if a hash lacks.
fn rebuild(leaves: &[Option<Digest>], missing: &mut impl Iterator<Item = Digest>) -> Option<Option<Digest>> {
    if let [leaf] = leaves {
        return Some(*leaf);
    }
    // SIG-3: as many leaves as the greatest power of two leaves room for stand on the left.
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (left, right) = (rebuild(left, missing)?, rebuild(right, missing)?);
    if left.is_none() && right.is_none() {
        return Some(None);
    }
    let left = left.or_else(|| missing.next())?;
    let right = right.or_else(|| missing.next())?;
    Some(Some(merkle::branch(left, right)))
}
