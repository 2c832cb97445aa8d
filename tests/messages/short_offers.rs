//! How long the text of an offer is, and what makes it short: the table of the guide (EXC-24).

use bolt12::exchange::{IncomingMessage, MessageArrival, NewOffer, OffersMessageKind, PathId, Payee, Payer};
use bolt12::onion::{BlindedPathBuilder, PathHop};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ChainHash, Direction, ErrorKind, Msat, Offer, OfferBuilder, Rule, ShortChannelId, UnixTime};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).unwrap()
}

fn peer() -> PublicKey {
    key(2).public_key()
}

const CHANNEL: ShortChannelId = ShortChannelId(900_000 << 40 | 1_234 << 16 | 1);

type Choice = fn(BlindedPathBuilder<'static>) -> BlindedPathBuilder<'static>;

/// A path through a peer, made of choices.
fn path(new: &NewOffer, hop: impl Into<PathHop>, choose: Choice) -> BlindedPath<'static> {
    let path = BlindedPathBuilder::own(&key(1)).through(hop).path_id(new.path_id(0).as_ref());
    choose(path).build([7; 32]).unwrap()
}

fn as_is(path: BlindedPathBuilder<'static>) -> BlindedPathBuilder<'static> {
    path
}

fn from_channel(path: BlindedPathBuilder<'static>) -> BlindedPathBuilder<'static> {
    path.unpadded_end().introduction_by_channel(CHANNEL, Direction::NodeOne)
}

fn said(offer: OfferBuilder) -> OfferBuilder {
    offer.description("a cup of coffee").issuer("Café Zwölf").amount_msat(Msat(3_500_000))
}

#[test]
fn the_guide_says_how_long_offers_are() {
    let payee = Payee::new([1; 32]);
    let (long, short) = (payee.new_offer([7; 16]), payee.new_offer([7; 16]).short());
    let channel = || PathHop::new(peer()).by_channel(CHANNEL);
    let with_key = OfferBuilder::new(long.issuer_id());
    let offers = [
        ("a key of its own, one path through a peer, with a dummy hop", &long, {
            with_key.clone().add_path(path(&long, peer(), |path| path.dummy_hops(1)))
        }),
        ("the same without the dummy hop", &long, with_key.add_path(path(&long, peer(), as_is))),
        ("only the path, no key: `OfferBuilder::with_paths`", &long, {
            OfferBuilder::with_paths([path(&long, peer(), as_is)])
        }),
        ("`new_offer(nonce).short()`", &short, OfferBuilder::with_paths([path(&short, peer(), as_is)])),
        ("`BlindedPathBuilder::unpadded_end`", &short, {
            OfferBuilder::with_paths([path(&short, peer(), |path| path.unpadded_end())])
        }),
        ("`PathHop::by_channel`", &short, {
            OfferBuilder::with_paths([path(&short, channel(), |path| path.unpadded_end())])
        }),
        ("`introduction_by_channel`", &short, OfferBuilder::with_paths([path(&short, channel(), from_channel)])),
        ("the last three with a key of its own", &short, {
            OfferBuilder::new(short.issuer_id()).add_path(path(&short, channel(), from_channel))
        }),
    ];
    let guide = include_str!("../../docs/guide/getting-paid.md");
    for (choice, new, offer) in offers {
        let len = new.text_len(offer.clone()).unwrap();
        let built = new.build(offer.clone()).unwrap();
        assert_eq!((built.to_string().len(), built.text_len()), (len, len));
        let with_text = new.text_len(said(offer)).unwrap();
        let row = format!("| {choice} | {len} | {with_text} | {} |", built.as_bytes().len());
        assert!(guide.contains(&row), "the guide lacks: {row}");
    }
    // What another wallet writes: the offers of the vectors of bLIP 42, without their chain.
    for offer in
        include_str!("../data/contacts.tsv").lines().nth(1).unwrap().split('\t').filter(|it| it.starts_with("lno1"))
    {
        let offer: Offer = offer.parse().unwrap();
        let path = offer.paths().unwrap().iter().next().unwrap();
        let bare = OfferBuilder::with_paths([path.into_owned()]).build().unwrap();
        let row = format!(
            "| Phoenix (only a path, whose last hop has no data) | {} | | {} |",
            bare.text_len(),
            bare.as_bytes().len()
        );
        assert!(guide.contains(&row), "the guide lacks: {row}");
    }
}

/// An offer with a text, and the path id in it.
fn short_offer(payee: &Payee, nonce: [u8; 16]) -> (Offer, PathId) {
    let new = payee.new_offer(nonce).short();
    let path = path(&new, peer(), as_is);
    (new.build(said(OfferBuilder::new(new.issuer_id()).add_path(path))).unwrap(), new.path_id(0))
}

fn asked(offer: &Offer, arrival: MessageArrival) -> IncomingMessage {
    let draft = Payer::new([2; 32]).draft(offer, NOW, &[ChainHash::BITCOIN]).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let bolt12::exchange::Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let reply_path = BlindedPathBuilder::new(peer()).path_id([9; 32]).build([8; 32]).unwrap();
    IncomingMessage {
        kind: OffersMessageKind::InvoiceRequest,
        bytes: asked.message.as_bytes().to_vec(),
        arrival,
        reply_path: Some(reply_path),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    // EXC-24, RQR-6, RQR-7: a short offer is recognised like any other, and nothing else is.
    #[test]
    fn a_short_offer_is_recognised(nonce: [u8; 16], at: prop::sample::Index, bit in 0u8..8) {
        let payee = Payee::new([1; 32]);
        let (offer, path_id) = short_offer(&payee, nonce);
        prop_assert!(payee.is_own(&offer));
        prop_assert!(!Payee::new([9; 32]).is_own(&offer));
        prop_assert_eq!(offer.metadata().map(<[u8]>::len), Some(16));
        // In the onion it is 16 bytes; software that puts 32 there is right too.
        prop_assert_eq!(path_id.as_ref().len(), 16);
        for bytes in [path_id.as_ref(), &path_id.0[..]] {
            prop_assert_eq!(MessageArrival::path(Some(bytes)), MessageArrival::Path(path_id));
        }
        let request = asked(&offer, MessageArrival::path(Some(path_id.as_ref())));
        prop_assert!(payee.receive(request.clone()).is_ok());
        let mut other = path_id;
        other.0[at.index(32)] ^= 1 << bit;
        let refused = payee.receive(IncomingMessage { arrival: MessageArrival::Path(other), ..request }).unwrap_err();
        prop_assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongArrival, Rule::Rqr7));
        // No bit of the offer can be changed.
        let mut bytes = offer.as_bytes().to_vec();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(changed) = Offer::try_from(bytes) {
            prop_assert!(!payee.is_own(&changed));
        }
    }
}

// EXC-24: what is short is no start of what is long.
#[test]
fn short_and_long_do_not_mix() {
    let payee = Payee::new([1; 32]);
    let nonce = [[7; 8], [0; 8]].concat().try_into().unwrap();
    let (long, short) = (payee.new_offer(nonce), payee.new_offer(nonce).short());
    // One has the same key, and path ids of which the other's are the start: whoever has the nonce is the issuer.
    assert_eq!(long.issuer_id(), short.issuer_id());
    let offer =
        |new: &NewOffer| new.build(OfferBuilder::new(new.issuer_id()).add_path(path(new, peer(), as_is))).unwrap();
    let (long, short) = (offer(&long), offer(&short));
    assert!(payee.is_own(&long) && payee.is_own(&short));
    let cut = |offer: &Offer, metadata: &[u8]| {
        let builder = OfferBuilder::new(offer.issuer_id().unwrap()).metadata(metadata);
        builder.add_path(offer.paths().unwrap().iter().next().unwrap().into_owned()).build().unwrap()
    };
    let metadata = long.metadata().unwrap();
    // Of a nonce that ends in zeros, which only its issuer chooses, the halves can be put together.
    let halves = cut(&long, &[&metadata[..8], &metadata[16..24]].concat());
    assert!(payee.is_own(&halves));
    for len in [8, 15, 17, 24, 31] {
        assert!(!payee.is_own(&cut(&long, &metadata[..len])), "{len} bytes");
    }
    assert!(!payee.is_own(&cut(&long, &metadata[..16])));
    assert!(MessageArrival::path(Some(&[1; 17])) == MessageArrival::OtherPath);
}
