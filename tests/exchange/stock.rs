//! Offers that sell once, or so many times, or were withdrawn (EXC-23).

use bolt12::exchange::{
    Action, ExpectedPayment, Limit, OffersMessage, Payee, Payer, ReceivedRequest, Refused, Stock, TakenPayments,
};
use bolt12::{ErrorKind, Msat, Offer, OfferBuilder, Quantity, Rule, UnixTime};
use proptest::prelude::*;

use super::messages::NOW;
use super::sides::{CHAINS, deliver, own_offer, terms};

fn payee() -> Payee {
    Payee::new([1; 32])
}

fn painting() -> Offer {
    own_offer(&payee(), 1, |offer| offer.description("a painting").amount_msat(Msat(1_000)))
}

fn prints(offer: OfferBuilder) -> OfferBuilder {
    offer.description("a print").amount_msat(Msat(1_000)).quantity_max(Quantity::Unlimited)
}

/// A request by a payer of its own.
fn request(offer: &Offer, quantity: Option<u64>, payer: u8) -> ReceivedRequest {
    let draft = Payer::new([payer; 32]).draft(offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(Msat(1_000_000)));
    let draft = quantity.into_iter().fold(draft, |draft, quantity| draft.quantity(quantity));
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    payee().receive(deliver(&asked, 0x70)).unwrap()
}

fn expected(offer: &Offer, quantity: Option<u64>, payer: u8) -> ExpectedPayment {
    request(offer, quantity, payer).accept(&terms(NOW, None)).unwrap().expected_payment()
}

/// What the payer is told.
fn told(refused: &Refused) -> &bolt12::InvoiceError {
    match &refused.answer().unwrap().message {
        OffersMessage::InvoiceError(error) => error,
        other => panic!("{other:?}"),
    }
}

// EXC-23
#[test]
fn what_there_is_once_is_sold_once() {
    let offer = painting();
    let mut stock = Stock::new();
    stock.set(&offer, 1);
    // Two ask, and both get an invoice: a request reserves nothing.
    let [first, second] = [5, 6].map(|payer| stock.check(request(&offer, None, payer)).unwrap());
    let [first, second] = [first, second].map(|it| it.accept(&terms(NOW, None)).unwrap().expected_payment());
    let mut taken = TakenPayments::new();
    taken.take(&first, b"one", NOW).unwrap();
    stock.take(&first).unwrap();
    assert_eq!(stock.left(offer.id()), Some(0));
    // The money of the second goes back, also after a crash.
    let mut stock = payee().load_stock(&stock.to_bytes(&payee())).unwrap();
    taken.take(&second, b"two", NOW).unwrap();
    let error = stock.take(&second).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::SoldOut, Rule::Exc23));
    // What is told again takes nothing.
    assert_eq!(taken.take(&first, b"three", NOW).unwrap_err().kind(), &ErrorKind::AlreadyTaken);
    // Whoever asks now is told.
    let refused = stock.check(request(&offer, None, 7)).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::SoldOut);
    assert_eq!(told(&refused).error().unwrap().as_raw(), "everything of this offer has been sold");
    assert!(!refused.is_cheap());
    // There is another one after all.
    stock.set(&offer, 1);
    assert!(stock.check(request(&offer, None, 7)).is_ok());
}

#[test]
fn what_was_withdrawn_is_not_sold() {
    let offer = painting();
    let mut stock = Stock::new();
    let open = expected(&offer, None, 5);
    stock.withdraw(&offer);
    let stock_again = payee().load_stock(&stock.to_bytes(&payee())).unwrap();
    assert_eq!(stock, stock_again);
    let refused = stock.check(request(&offer, None, 6)).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::Withdrawn, Rule::Exc23));
    assert_eq!(told(&refused).error().unwrap().as_raw(), "this offer was withdrawn by its issuer: ask for a new one");
    assert_eq!(stock.take(&open).unwrap_err().kind(), &ErrorKind::Withdrawn);
    // Other offers sell as always.
    let other = own_offer(&payee(), 1, prints);
    assert_eq!(stock.left(other.id()), None);
    assert!(stock.check(request(&other, Some(3), 6)).is_ok());
    assert!(stock.take(&expected(&other, Some(3), 6)).is_ok());
}

#[test]
fn more_than_is_left_is_answered_with_what_is() {
    let offer = own_offer(&payee(), 1, prints);
    let mut stock = Stock::new();
    stock.set(&offer, 5);
    assert!(stock.check(request(&offer, Some(5), 5)).is_ok());
    let refused = stock.check(request(&offer, Some(6), 5)).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::QuantityTooLarge { max: 5 });
    assert_eq!(told(&refused).suggested_quantity(), Some(5));
    // Nothing is taken of what is too much.
    assert!(stock.take(&expected(&offer, Some(6), 5)).is_err());
    assert_eq!(stock.left(offer.id()), Some(5));
}

#[test]
fn an_offer_that_has_expired_can_be_forgotten() {
    let until = UnixTime(NOW.0 + 60);
    let mut stock = Stock::new();
    let offer = own_offer(&payee(), 1, |offer| prints(offer).absolute_expiry(until));
    stock.set(&offer, 1);
    stock.set(&painting(), 1);
    stock.forget_before(until);
    assert_eq!(stock.left(offer.id()), Some(1));
    stock.forget_before(UnixTime(until.0 + 1));
    assert_eq!((stock.left(offer.id()), stock.left(painting().id())), (None, Some(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// EXC-23: whoever asks for how much, and in whatever order the money comes, no more is sold than there was.
    #[test]
    fn no_more_is_sold_than_there_was(items in 0u64..20, asked in proptest::collection::vec(1u64..8, 1..8)) {
        let offer = own_offer(&payee(), 1, prints);
        let mut stock = Stock::new();
        stock.set(&offer, items);
        let mut sold = 0;
        for (quantity, payer) in asked.iter().zip(10u8..) {
            let before = stock.clone();
            let payment = expected(&offer, Some(*quantity), payer);
            match stock.take(&payment) {
                Ok(()) => sold += quantity,
                Err(_) => {
                    prop_assert!(sold + quantity > items);
                    prop_assert_eq!(&stock, &before);
                }
            }
            prop_assert_eq!(stock.left(offer.id()), Some(items - sold));
            let saved = stock.to_bytes(&payee());
            prop_assert_eq!(payee().load_stock(&saved), Ok(stock.clone()));
            prop_assert!(Payee::new([9; 32]).load_stock(&saved).is_err());
        }
    }
}
