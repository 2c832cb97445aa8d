//! With a peer that behaves as Core Lightning was seen to, and with what was seen of others.

use std::sync::Arc;

use bolt12::exchange::{IncomingMessage, MaxAmount, MessageArrival, OffersMessageKind, Payee, Payer, Terms};
use bolt12::onion::{Contents, OnionMessageBuilder, Peeled};
use bolt12::secp256k1::Keypair;
use bolt12::{
    BlindedPath, ChainHash, Feature, Invoice, InvoiceError, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Refund,
    Rule, UnixTime,
};
use tokio::net::TcpStream;

use crate::cln::{MAX_HTLC, Mood, Running, random};
use crate::naive::{self, Record, record, truncated};
use crate::node::eventually;
use crate::{Shop, naive_onion, wallet};

/// The two lengths of packets.
const SMALL: usize = 1_366;
const LARGE: usize = 32_834;

/// A peer connection, compulsory bits, gossip and pings in between; a reply path that starts at the peer; nothing but
/// TLVs 2, 4 and 64; a payer id of its own each time; its invoice.
#[tokio::test]
async fn it_is_asked_as_it_wants_and_its_invoice_is_checked() {
    let running = Running::start(90, Mood::Issues, true).await;
    for with_path in [false, true] {
        let text = running.offer(with_path).to_string();
        let invoices = [
            wallet(&[&text, "--peer", &running.peer()]).await.unwrap(),
            wallet(&[&text, "--peer", &running.peer()]).await.unwrap(),
        ];
        // Otherwise the second request would be answered with the first invoice, which does not fit.
        assert_ne!(invoices[0].payer_id(), invoices[1].payer_id());
        let invoice: &Invoice = &invoices[0];
        assert!(invoice.features().unwrap().contains(Feature::MULTI_PART_OPTIONAL));
        assert_eq!(invoice.payment_paths().next().unwrap().1.htlc_maximum_msat, MAX_HTLC);
        assert_eq!(invoice.node_id(), running.id());
    }
    running.cln.look(|state| {
        assert_eq!(state.tlvs, vec![vec![2, 4, 64]; 4]);
        assert_eq!(state.sizes, [SMALL; 4]);
        assert_eq!(state.dropped, 0);
    });
}

/// Without an issuer id, the end of its path signs (IVR-9).
#[tokio::test]
async fn the_end_of_its_path_signs_for_an_offer_without_an_issuer_id() {
    let running = Running::start(94, Mood::Issues, true).await;
    let path = running.offer_path();
    let end = path.hops().last().unwrap().blinded_node_id.public_key().unwrap();
    let offer = OfferBuilder::with_paths([path]).description("tea").amount_msat(Msat(9_000)).build().unwrap();
    let invoice = wallet(&[&offer.to_string(), "--peer", &running.peer()]).await.unwrap();
    assert_eq!(invoice.node_id(), end);
    assert_ne!(invoice.node_id(), running.id());
}

/// Its invoices for prices in dollars expire after ten minutes. Others were seen to send one twice, with a reply path
/// and an odd field among the signatures: one is taken, and nothing is said (EXC-4, MSG-4, SIG-1).
#[tokio::test]
async fn its_invoices_in_dollars_expire_soon_and_may_come_twice() {
    let running = Running::start(95, Mood::Repeats, true).await;
    let usd = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(350) };
    let offer = OfferBuilder::new(running.id()).description("tea").amount(usd).add_path(running.offer_path());
    let text = offer.build().unwrap().to_string();
    let invoice = wallet(&[&text, "--peer", &running.peer(), "--rate", "100000"]).await.unwrap();
    assert_eq!((invoice.amount(), invoice.relative_expiry().as_secs()), (Msat(3_500_000), 600));
    assert!(invoice.tlvs().contains(241));
    running.cln.look(|state| assert_eq!((&state.tlvs[..], state.answers.len()), (&[vec![2, 4, 64]][..], 0)));
}

/// More than five times the price is a mistake, it says.
#[tokio::test]
async fn it_refuses_to_be_paid_too_much() {
    let running = Running::start(96, Mood::Issues, true).await;
    let text = running.offer(false).to_string();
    let ask = |amount: &'static str| {
        let words = [text.clone(), "--peer".into(), running.peer(), "--amount".into(), amount.into()];
        async move { wallet(&words.each_ref().map(|word| &word[..])).await }
    };
    assert_eq!(ask("45sat").await.unwrap().amount(), Msat(45_000));
    let failure = ask("46sat").await.unwrap_err();
    assert_eq!(failure.code(), "refused");
    assert!(failure.text().contains("Amount vastly exceeds price"), "{}", failure.text());
}

/// Its errors are a text that quotes the whole request: long, and in the larger of the two onions.
#[tokio::test]
async fn its_long_errors_are_shown_escaped() {
    let running = Running::start(91, Mood::Refuses, true).await;
    let text = running.offer(true).to_string();
    let note = "a long note ".repeat(200);
    let failure = wallet(&[&text, "--peer", &running.peer(), "--note", &note]).await.unwrap_err();
    assert_eq!(failure.code(), "refused");
    // Of a long text, both ends are kept: the reason comes last.
    assert!(failure.text().len() > 1_000);
    assert!(failure.text().contains("Invoice request lnr1"), "{}", failure.text());
    running.cln.look(|state| assert_eq!(state.sizes, [LARGE]));
    assert!(failure.text().contains("out of tea") && !failure.text().contains('\u{202e}'), "{}", failure.text());
}

/// A node that never heard of onion messages is told apart.
#[tokio::test]
async fn a_peer_without_onion_messages_is_named() {
    let running = Running::start(92, Mood::Issues, false).await;
    let text = running.offer(false).to_string();
    let failure = wallet(&[&text, "--peer", &running.peer()]).await.unwrap_err();
    assert_eq!(failure.code(), "no_onion_messages");
}

/// The request it writes for an offer: features present and empty, metadata of 16 bytes, and perhaps an odd TLV
/// among the signatures, which is not signed. The chain is there whenever it is not that of bitcoin.
fn request(offer: &Offer, payer: &Keypair, more: Option<Record>, odd: bool) -> Vec<u8> {
    let mut records = vec![record(0, &[0x77; 16])];
    records.extend(naive::parse(offer.as_bytes()).unwrap());
    records.extend(more);
    records.extend([record(84, &[]), record(88, &payer.public_key().serialize())]);
    let mut records = naive::sign("invoice_request", records, payer);
    if odd {
        records.push(record(241, &[1, 2, 3]));
    }
    naive::concat(&records)
}

/// Such a peer that has been connected to the shop for a while.
async fn customer(seed: u8, open: &Shop) -> Running {
    let running = Running::start(seed, Mood::Issues, true).await;
    let stream = TcpStream::connect(open.address).await.unwrap().into_std().unwrap();
    tokio::spawn(lightning_net_tokio::setup_outbound(Arc::clone(&running.peers), open.node_id, stream));
    eventually("a connection", || running.peers.peer_by_node_id(&open.node_id)).await;
    // Who has just connected is not heard so often.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    running
}

impl Running {
    /// Its reply path: itself alone when others know it, else the destination and itself. Nobody is told more than
    /// where to go, and nothing is padded.
    fn reply_path(&self, open: &Shop, is_known: bool, path_id: [u8; 32]) -> BlindedPath<'static> {
        let end = (self.id(), record(6, &path_id).bytes);
        let start = (open.node_id, record(4, &self.id().serialize()).bytes);
        if is_known { naive_onion::path(&[end], random()) } else { naive_onion::path(&[start, end], random()) }
    }

    /// Asks over the offer's path if it has one, else directly, with an empty TLV 4.
    fn ask(&self, open: &Shop, request: &[u8], reply_path: &BlindedPath<'_>) {
        let path = open.offer.paths().and_then(|paths| paths.iter().next());
        let contents = Contents::InvoiceRequest(request);
        let message = match &path {
            Some(path) => OnionMessageBuilder::over(path, contents),
            None => OnionMessageBuilder::to_node(open.node_id, contents),
        };
        self.cln.send(message.reply_path(reply_path).build(random()).unwrap());
    }

    async fn answers(&self, count: usize) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.peers.process_events();
        eventually("all answers", || self.cln.look(|state| (state.answers.len() == count).then_some(()))).await;
        self.cln.look(|state| state.answers.clone())
    }
}

/// It asks our issuer: directly with an empty TLV 4 or over the offer's path, with a reply path that starts at the
/// issuer itself (MSG-5) or at the peer, eight times at once. Each is answered, and no answer comes faster than it
/// takes them.
#[tokio::test]
async fn it_asks_and_is_answered_at_its_pace() {
    for way in [&["--price", "25sat"][..], &["--price", "25sat", "--hide"]] {
        let open = crate::shop(way).await;
        let running = customer(93, &open).await;
        for number in 0..8u8 {
            let request = request(&open.offer, &crate::key(0x20 + number), None, number % 2 == 1);
            let reply_path = running.reply_path(&open, number % 4 < 2, [number; 32]);
            assert_eq!(reply_path.hops().count(), if number % 4 < 2 { 1 } else { 2 });
            running.ask(&open, &request, &reply_path);
        }
        for (number, (bytes, path_id)) in running.answers(8).await.into_iter().enumerate() {
            let invoice = Invoice::try_from(bytes).unwrap();
            assert_eq!(invoice.payer_id(), crate::key(0x20 + number as u8).public_key());
            assert_eq!(path_id.as_deref(), Some(&[number as u8; 32][..]));
        }
        running.cln.look(|state| {
            assert_eq!((&state.tlvs, state.dropped), (&vec![vec![4, 66]; 8], 0));
            assert_eq!(state.sizes, [SMALL; 8]);
        });
    }
}

/// What we refuse is told it in TLV 68, over either kind of reply path; what came by the wrong way is not answered.
#[tokio::test]
async fn it_is_told_what_is_refused() {
    let open = crate::shop(&["--price", "25sat"]).await;
    let running = customer(97, &open).await;
    let much = request(&open.offer, &crate::key(0x30), Some(record(82, &truncated(200_000))), false);
    let own_path = naive_onion::path(&[(running.id(), record(6, &[3; 32]).bytes)], random());
    let probe = OfferBuilder::new(open.node_id).description("tea").amount_msat(Msat(25_000)).build().unwrap();
    running.ask(&open, &request(&probe, &crate::key(0x31), None, false), &own_path);
    for is_known in [true, false] {
        running.ask(&open, &much, &running.reply_path(&open, is_known, [u8::from(is_known); 32]));
    }
    let answers = running.answers(2).await;
    assert_eq!(answers.iter().map(|(_, path_id)| path_id.clone().unwrap()[0]).collect::<Vec<_>>(), [1, 0]);
    for (bytes, _) in answers {
        let told = InvoiceError::try_from(bytes).unwrap();
        assert_eq!(told.erroneous_field().unwrap().number(), 82);
        assert!(!told.error().unwrap().as_raw().is_empty());
    }
    running.cln.look(|state| assert_eq!(state.tlvs, [[4, 68]; 2]));
}

/// One implementation sends a request over several ways at once, each with a reply path of its own: all of them are
/// answered alike (EXC-2).
#[tokio::test]
async fn the_same_request_may_come_over_several_ways() {
    let open = crate::shop(&["--price", "25sat", "--hide"]).await;
    let running = customer(98, &open).await;
    // It names the chain and the amount always.
    let payer = crate::key(0x30);
    let mut records = naive::parse(&request(&open.offer, &payer, None, false)).unwrap();
    records.retain(|record| record.number != 240 && record.number != 84);
    let place = records.partition_point(|record| record.number < 80);
    let chain = record(80, ChainHash::BITCOIN.as_ref());
    records.splice(place..place, [chain, record(82, &truncated(25_000))]);
    let request = naive::concat(&naive::sign("invoice_request", records, &payer));
    for number in 0..3 {
        running.ask(&open, &request, &running.reply_path(&open, number > 0, [number; 32]));
    }
    let answers = running.answers(3).await;
    for (number, (bytes, path_id)) in answers.into_iter().enumerate() {
        let invoice = Invoice::try_from(bytes).unwrap();
        assert_eq!((invoice.amount(), invoice.payer_id()), (Msat(25_000), payer.public_key()));
        assert_eq!(path_id.as_deref(), Some(&[number as u8; 32][..]));
    }
}

/// It names the chain where that is not that of bitcoin (RQR-13, D10), as our issuer expects it.
#[test]
fn it_names_another_chain_than_bitcoin() {
    let issuer = Payee::new([5; 32]);
    let new = issuer.new_offer([6; 16]);
    let builder = OfferBuilder::new(crate::key(1).public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = new.build(builder.add_chain(ChainHash::REGTEST)).unwrap();
    let now = UnixTime(1_800_000_000);
    let chains = &[ChainHash::REGTEST];
    let terms = Terms { max_amount: MaxAmount::TimesPrice(5), ..Terms::new(now, chains) };
    let reply_path = naive_onion::path(&[(crate::key(2).public_key(), vec![])], [9; 32]);
    let accept = |chain: Option<Record>| {
        let bytes = request(&offer, &crate::key(3), chain, false);
        let incoming = IncomingMessage {
            kind: OffersMessageKind::InvoiceRequest,
            bytes,
            arrival: MessageArrival::Direct,
            reply_path: Some(reply_path.clone()),
        };
        issuer.receive(incoming)?.accept(&terms)
    };
    let accepted = accept(Some(record(80, ChainHash::REGTEST.as_ref()))).unwrap();
    assert_eq!(accepted.request().chain(), ChainHash::REGTEST);
    // Without it, bitcoin is meant.
    for chain in [None, Some(record(80, ChainHash::BITCOIN.as_ref()))] {
        assert_eq!(accept(chain).unwrap_err().error().rule(), Rule::D10);
    }
}

/// A refund of its own may say nothing about what it is for, and has no path: the invoice goes to its node id, with an
/// empty TLV 4 and a reply path for an objection (RQR-11, MSG-4).
#[tokio::test]
async fn its_refund_without_a_description_is_claimed() {
    let running = Running::start(99, Mood::Issues, true).await;
    let records =
        [record(0, &[0x77; 16]), record(82, &truncated(5_000)), record(84, &[]), record(88, &running.id().serialize())];
    let signed = naive::concat(&naive::sign("invoice_request", records.to_vec(), &running.cln.key));
    for bytes in [naive::concat(&records), signed] {
        let text = Refund::try_from(bytes).unwrap().to_string();
        let sent = wallet(&["--refund", &text, "--peer", &running.peer()]).await.unwrap();
        let (came, path_id) = running.cln.look(|state| state.answers.last().cloned()).unwrap();
        assert_eq!((Invoice::try_from(came).unwrap(), path_id), (sent, None));
    }
    running.cln.look(|state| assert!(state.tlvs.iter().all(|numbers| *numbers == [2, 4, 66])));
}

/// Whoever sends to a node id makes the last hop itself, with nothing in it: that is no path of ours.
#[test]
fn an_empty_last_hop_counts_as_no_path() {
    let key = crate::key(1);
    let sent = OnionMessageBuilder::to_node(key.public_key(), Contents::InvoiceRequest(b"x")).build([7; 32]).unwrap();
    let Ok(Peeled::Received(received)) = sent.message.peel(&key) else { panic!() };
    assert_eq!(received.data().tlvs().records().count(), 0);
    assert_eq!(MessageArrival::path(received.path_id()), MessageArrival::OtherPath);
    assert_eq!(Payer::new([1; 32]).payment_of(&MessageArrival::Direct), None);
}
