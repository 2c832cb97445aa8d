//! The work that proofs are grows in proportion to the records of their invoices.

use alloc::vec;
use core::time::Duration;

use bitcoin::constants::ChainHash;
use secp256k1::Keypair;

use super::{Expectation, ExpectedPayee, PayerProof, PayerProofBuilder, Preimage};
use crate::error::Field;
use crate::field::{BlindedPath, PayInfo};
use crate::invoice::{Invoice, InvoiceBuilder};
use crate::invoice_request::RefundBuilder;
use crate::offer::OfferBuilder;
use crate::signature::context;
use crate::units::{Msat, UnixTime};
use crate::work::steps;

const PREIMAGE: Preimage = Preimage([0x77; 32]);
const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(context(), &[number; 32]).unwrap()
}

/// An invoice with so many records that nobody knows, most of them empty or short.
fn invoice(records: u64) -> Invoice {
    let (payer, payee) = (key(1), key(2).public_key());
    let refund = RefundBuilder::new("work", Msat(1_000), payer.public_key(), [0x10; 16]).build().unwrap();
    let accepted = refund.accept(NOW, &[ChainHash::BITCOIN], payee).unwrap();
    let path = BlindedPath::new(payee.into(), payee, [(payee, &[7; 16][..])]).unwrap();
    let payinfo = PayInfo::new(0, 0, 80, 1, 1_000_000);
    let builder = InvoiceBuilder::new(accepted, NOW, PREIMAGE.payment_hash()).add_path(path, &payinfo);
    let builder = builder.relative_expiry(Duration::from_secs(60));
    let fields = (0..records).map(|at| (3_500_000_001 + 2 * at, vec![7; at as usize % 5]));
    let builder = fields.fold(builder, |builder, (number, value)| builder.custom_field(number, value));
    builder.build().unwrap().sign(&key(2)).unwrap()
}

/// A proof that shows none of those records, or every fourth.
fn build(invoice: &Invoice, every_fourth: bool) -> PayerProof {
    let numbers = invoice.tlvs().records().map(|record| record.number());
    let shown = numbers.filter(|number| every_fourth && *number > 3_500_000_000 && number % 8 == 1);
    let minimal = PayerProofBuilder::minimal(invoice, PREIMAGE);
    let builder = shown.fold(minimal, |builder, number| builder.reveal(Field::numbered(number)));
    builder.build().unwrap().sign(&key(1)).unwrap()
}

/// Work that grew with the square would be 16 times as much for four times as many records.
fn is_linear(what: &str, run: impl Fn(&Invoice, bool)) {
    for every_fourth in [false, true] {
        let [few, many] = [500, 2000].map(|records| {
            let invoice = invoice(records);
            steps(|| run(&invoice, every_fourth))
        });
        assert!(few > 0 && many <= few * 5, "{what}: {few} steps for 500 records, {many} for 2000");
    }
}

#[test]
fn building_takes_work_in_proportion_to_the_records() {
    is_linear("building", |invoice, every_fourth| drop(build(invoice, every_fourth)));
}

#[test]
fn reading_takes_work_in_proportion_to_the_records() {
    is_linear("building and reading", |invoice, every_fourth| {
        let proof = build(invoice, every_fourth);
        let reading = steps(|| assert!(PayerProof::try_from(proof.as_bytes()).is_ok()));
        // Each record is read, hashed with its nonce, and joined: some steps for each, and no more.
        let records = invoice.tlvs().len() as u64;
        assert!(reading > records && reading < records * 20, "{reading} steps for {records} records");
    });
}

#[test]
fn asking_takes_work_in_proportion_to_the_records() {
    let offer = OfferBuilder::new(key(2).public_key()).description("work").build().unwrap();
    let expectation =
        Expectation { payee: ExpectedPayee::Offer(&offer), chain: ChainHash::BITCOIN, min_amount: Msat(1), note: None };
    is_linear("building and asking", |invoice, every_fourth| {
        let proof = build(invoice, every_fourth);
        let asking = steps(|| {
            for number in [10, 89, 3_000_000_003] {
                proof.disclosure(Field::numbered(number));
            }
            assert!(proof.check(&expectation).is_err());
        });
        let records = invoice.tlvs().len() as u64;
        assert!(asking < records * 40, "{asking} steps for {records} records");
    });
}
