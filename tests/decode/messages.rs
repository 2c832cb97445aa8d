//! Messages written and signed by hand, byte for byte, so that they can hold what no builder writes.

use bolt12::TlvStream;
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, Message, Secp256k1};

/// A type and a value.
pub(crate) type Field = (u64, Vec<u8>);

pub(crate) const ALICE: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
pub(crate) const BOB: &str = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c";
pub(crate) const TESTNET: &str = "43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000";
pub(crate) const BITCOIN: &str = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000";

/// An official proof with a note.
pub(crate) const WITH_NOTE: &str = "lnp1tqssxfr986kyx3ygqqkvq6alklcslcvfj834l8lyxqkmafkjx57up2cu4qs89ntwss3vgplmd5ycdy83zv9hmmt7ctmltcwnp0va2g0sz5mr0yasyypyhs4rzfj320c8uu8qh2cgwf8xhp0zzluv6c5vad3fwsj8hdyn8qhsgq9rxgj9dzm24ehdy5sp90tluyrjcqltmjnl538etvplrngfhc5tp2punsepqktcekqd5p5f09nzeq86qrlj2rxdcngckuyll5w84cce79qz53lesac2aq2pr8tg9fa3na7wnczs5wa5nkds5qcugmvuk4arqawacga8gtmdxw7yaj8pw7pjwj2tafmd9mjkgcj7nxlmjhxzpxnhyt7s86fqqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyql6ql2qcqsyk26tw5l6qlt5zlcev436mafhnw2k5qmt8uzcew9q6mlgdg5wdlhr9l3lnl2awk5rw2qdaxw2f4x5r2wpvax8mvf4qewx89ejwwluxnmthtjxtfjcq4tekwyfdfmx9cqe8ksuveseep97lccltp0c82kdg6ydppeya8suvtflxps7tpswr8m45flmccwudkdw9p4jytya5fqgz5u6k2uj6zq4jve32ml48r587uahkcd34r0hcadxv6qp0g87v5dekmqppushjwjm07s8mrq7t027heshc7wmz0u0sjdgg5pn0cx4u8y3gc5ywaapcnrfu7rmenlqxgux5qqy364fwxs5xtgnznef0eaazvcy4c30rvnrtlmv48scxn7j2mhh83cgdjs7mxha62tvaf7480n2vm3pvzdae5x45mk29d9e07s8mgfw3jhxapqdehhgeg";

/// The key of `ALICE` or `BOB`.
pub(crate) fn key(of: &str) -> Keypair {
    let secret = if of == ALICE { [0x41; 32] } else { [0x42; 32] };
    let key = Keypair::from_seckey_slice(&Secp256k1::new(), &secret).unwrap();
    assert_eq!(key.public_key().to_string(), of);
    key
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

/// A `tu64`.
pub(crate) fn number(number: u64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

fn bigsize(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    match number {
        0..=0xfc => bytes[7..].to_vec(),
        0xfd..=0xffff => [&[0xfd], &bytes[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[0xfe], &bytes[4..]].concat(),
        _ => [&[0xff], &bytes[..]].concat(),
    }
}

fn record((number, value): &Field) -> Vec<u8> {
    [bigsize(*number), bigsize(value.len() as u64), value.clone()].concat()
}

pub(crate) fn stream(fields: &[Field]) -> Vec<u8> {
    fields.iter().flat_map(record).collect()
}

/// The message with a signature in its place (SIG-4).
pub(crate) fn signed(name: &str, fields: &[Field], by: &str) -> Vec<u8> {
    signed_in((240, "signature"), name, fields, by)
}

/// The same for a signature that has another name.
pub(crate) fn signed_in((number, field): (u64, &str), name: &str, fields: &[Field], by: &str) -> Vec<u8> {
    let digest = tagged(format!("lightning{name}{field}").as_bytes(), &root(fields));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), &key(by));
    let mut fields = fields.to_vec();
    fields.push((number, signature.as_ref().to_vec()));
    fields.sort();
    stream(&fields)
}

pub(crate) fn tagged(tag: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag).to_byte_array();
    sha256::Hash::hash(&[&tag, &tag, message].concat()).to_byte_array()
}

fn branch(mut pair: [[u8; 32]; 2]) -> [u8; 32] {
    pair.sort();
    tagged(b"LnBranch", &pair.concat())
}

fn nonce(number: u64, fields: &[Field]) -> [u8; 32] {
    tagged(&[b"LnNonce".to_vec(), record(&fields[0])].concat(), &bigsize(number))
}

fn leaf(field: &Field, fields: &[Field]) -> [u8; 32] {
    branch([tagged(b"LnLeaf", &record(field)), nonce(field.0, fields)])
}

/// Bob's proof that an invoice of Alice's was paid, whatever rules the invoice breaks, without further signatures.
/// All of it is disclosed but its first field (PPW-3, PPW-5, PPW-7).
pub(crate) fn proof(invoice: &[Field], preimage: [u8; 32]) -> Vec<u8> {
    let shown = &invoice[1..];
    let leaf_hashes = shown.iter().flat_map(|(number, _)| nonce(*number, invoice)).collect();
    let signed = TlvStream::read(signed("invoice", invoice, ALICE)).unwrap();
    let mut fields = shown.to_vec();
    fields.extend([
        (240, signed.get(240).unwrap().value().to_vec()),
        (1001, preimage.to_vec()),
        (1003, leaf(&invoice[0], invoice).to_vec()),
        (1004, leaf_hashes),
    ]);
    fields.sort();
    signed_in((241, "proof_signature"), "payer_proof", &fields, BOB)
}

/// The merkle root, signatures left out (SIG-1 to SIG-3).
pub(crate) fn root(fields: &[Field]) -> [u8; 32] {
    let unsigned = fields.iter().filter(|(number, _)| !(240..=1000).contains(number));
    let mut level: Vec<[u8; 32]> = unsigned.map(|field| leaf(field, fields)).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| if let [a, b] = pair { branch([*a, *b]) } else { pair[0] }).collect();
    }
    level[0]
}

/// One path over a channel, and one that starts at Bob and ends there.
pub(crate) fn paths() -> Vec<u8> {
    let hop = |data: &str| [hex(ALICE), vec![0, data.len() as u8 / 2], hex(data)].concat();
    let channel = [vec![1], hex("00000100000200 03".replace(' ', "").as_str()), hex(BOB), vec![2], hop("aa"), hop("")];
    let node = [hex(BOB), hex(ALICE), vec![1], hop("c0ffee")];
    [channel.concat(), node.concat()].concat()
}

/// An offer with every field, two of them unknown, and the greatest numbers there are.
pub(crate) fn offer() -> Vec<Field> {
    vec![
        (2, hex(&[BITCOIN, TESTNET].concat())),
        (4, hex("00ff")),
        (6, b"JPY".to_vec()),
        (8, number(u64::MAX)),
        (10, "tea \"for\" two\n\u{202e}".into()),
        (12, hex("0800")),
        (14, number(u64::MAX)),
        (16, paths()),
        (18, "Käthe".into()),
        (20, number(u64::MAX)),
        (22, hex(ALICE)),
        (33, b"hello".to_vec()),
        (1_000_000_001, vec![]),
    ]
}

/// A request for a simple offer, with every field of its own, and a signature that nobody knows.
pub(crate) fn request() -> Vec<Field> {
    vec![
        (0, hex("00112233445566778899aabbccddeeff")),
        (2, hex(&[BITCOIN, TESTNET].concat())),
        (8, number(100_000)),
        (10, "tea".into()),
        (20, number(0)),
        (22, hex(ALICE)),
        (33, vec![7]),
        (80, hex(TESTNET)),
        (82, number(300_500)),
        (84, hex("020000")),
        (86, number(3)),
        (88, hex(BOB)),
        (89, "thank you".into()),
        (91, [&[5], &b"alice"[..], &[11], b"example.com"].concat()),
        (93, vec![8]),
        (241, vec![9]),
        (2_000_000_001, vec![10]),
    ]
}

/// A refund that shows a price in a currency, and gives a path.
pub(crate) fn refund() -> Vec<Field> {
    vec![
        (0, vec![]),
        (6, b"USD".to_vec()),
        (8, number(150)),
        (10, "a cup that broke".into()),
        (14, number(1_700_000_000)),
        (82, number(u64::MAX)),
        (88, hex(BOB)),
        (89, vec![]),
        (90, paths()),
    ]
}

/// An invoice for the request, with every field of its own.
pub(crate) fn invoice() -> Vec<Field> {
    let payinfo = |numbers: [u64; 5], features: &str| {
        let [base, proportional, delta, min, max] = numbers.map(u64::to_be_bytes);
        let features = hex(features);
        let len = [0, features.len() as u8];
        [&base[4..], &proportional[4..], &delta[6..], &min, &max, &len, &features].concat()
    };
    let fallback = |version: u8, program: &[u8]| [&[version, 0, program.len() as u8], program].concat();
    let mut fields = request();
    fields.extend([
        (160, paths()),
        (
            162,
            [
                payinfo([1000, 2500, 144, 1, u64::MAX], "02"),
                payinfo([u32::MAX.into(), u32::MAX.into(), u16::MAX.into(), 0, 1], ""),
            ]
            .concat(),
        ),
        (164, number(1_800_000_000)),
        (168, vec![0x11; 32]),
        (170, number(300_500)),
        // The third is of a version that nobody can pay, the fourth too short for its version (IVR-12).
        (
            172,
            [fallback(0, &[0x22; 20]), fallback(1, &[0x33; 32]), fallback(17, &[0x44; 20]), fallback(0, &[0x55; 2])]
                .concat(),
        ),
        (174, hex("020000")),
        (176, hex(ALICE)),
        (177, vec![11]),
        (3_000_000_001, vec![12]),
    ]);
    fields.sort();
    fields
}
