//! States that other software may have written: with the right MAC, and something in them that this one never writes
//! (EXC-4).

use bolt12::exchange::{Action, Claim, Limit, Payment};
use bolt12::{Error, ErrorKind, MinorUnits, OfferAmount, Rate, Rule, UnixTime};

use super::helpers::{claim, sent};
use super::messages::NOW;
use super::plan::usd;
use super::sides::{
    self, CHAINS, begin, deliver, each_byte_resealed, issuer, own_offer, path_with, payer, point, tea, terms,
};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600);

/// Whatever byte is another, a state is refused, or is what it says.
#[track_caller]
fn check<T>(
    (secret, purpose): ([u8; 32], &str),
    state: &[u8],
    load: impl Fn(&[u8]) -> Result<T, Error>,
    save: impl Fn(&T) -> Vec<u8>,
) {
    for (at, changed) in each_byte_resealed(secret, purpose, state, &[0xff]) {
        match load(&changed) {
            Ok(loaded) => assert_eq!(save(&loaded), changed, "byte {at}"),
            Err(error) => {
                let kind = if at == 0 { ErrorKind::UnknownVersion } else { ErrorKind::InvalidState };
                assert_eq!((error.kind(), error.rule()), (&kind, Rule::Exc4), "byte {at}");
            }
        }
    }
}

/// Payments that ask, are quoted, were made, and have ended.
fn payments() -> [Vec<u8>; 4] {
    let start = || payer().draft(&tea(1), NOW, CHAINS).unwrap().start([3; 32], NOW, DEADLINE).unwrap();
    let (mut payment, mut declined) = (start(), start());
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
    let accepted = issuer().receive(deliver(&asked, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap();
    let (preimage, invoice) = sides::invoice(&accepted);
    let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
    let quoted = payment.to_bytes();
    begin(&mut payment, NOW);
    payment.paid(preimage).unwrap();
    declined.decline().unwrap();
    [in_dollars(), quoted, payment.to_bytes(), declined.to_bytes()]
}

fn in_dollars() -> Vec<u8> {
    let price = OfferAmount::Currency { currency: usd(), amount: MinorUnits(350) };
    let offer = own_offer(&issuer(), 1, |offer| offer.description("coffee").amount(price));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().payer_note("with milk");
    let draft = draft.rate(Rate::per_bitcoin(usd(), "100000").unwrap()).limit(Limit::Tolerance { basis_points: 200 });
    draft.start([4; 32], NOW, DEADLINE).unwrap().to_bytes()
}

/// EXC-4
#[test]
fn a_payment_is_what_its_state_says() {
    for state in payments() {
        check(([2; 32], "payer state"), &state, |bytes| payer().load(bytes), Payment::to_bytes);
    }
}

/// EXC-4
#[test]
fn a_refund_and_its_claim_are_what_their_states_say() {
    let new = payer().new_refund([5; 32]);
    let builder = new.builder("a cup", bolt12::Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    let mut refund = new.publish(builder, NOW).unwrap();
    let mut claimed = claim(&issuer(), &refund.refund().unwrap().clone(), 1);
    let mut claims = vec![claimed.to_bytes()];
    let _ = refund.receive(sent(&mut claimed), NOW).unwrap();
    refund.decline_claim(point(9)).unwrap();
    check(([2; 32], "payer state"), &refund.to_bytes(), |bytes| payer().load(bytes), Payment::to_bytes);
    assert!(claimed.unsendable());
    claims.push(claimed.to_bytes());
    claimed.paid();
    claims.push(claimed.to_bytes());
    for state in claims {
        check(([1; 32], "issuer state"), &state, |bytes| issuer().load_claim(bytes), Claim::to_bytes);
    }
}

/// EXC-4
#[cfg(feature = "async_payments")]
#[test]
fn a_payment_that_is_held_is_what_its_state_says() {
    use super::async_payments::{asleep, held};
    let mut paid = held();
    let bolt12::exchange::AsyncState::Paying(paying) = paid.state() else { panic!("{:?}", paid.state()) };
    let preimage = paying.preimage();
    paid.paid(preimage).unwrap();
    let payer = super::async_payments::payer();
    for payment in [asleep(), held(), paid] {
        let load = |bytes: &[u8]| payer.load_async(bytes);
        check(([0x31; 32], "payer state"), &payment.to_bytes(), load, |payment| payment.to_bytes());
    }
}
