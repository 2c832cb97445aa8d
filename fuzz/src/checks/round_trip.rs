//! Target `round_trip`: builders with arbitrary values either refuse them, exactly when the rules say
//! so, or make a message that reads back equal, from bytes and from text.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::PublicKey;
use bolt12::{
    BlindedPath, ChainHash, CurrencyCode, Direction, Error, Fallback, Feature, Features, Field, IntroductionNode,
    InvoiceBuilder, InvoiceError, InvoiceRequestBuilder, MinorUnits, Msat, MultiPart, Offer, OfferAmount, OfferBuilder,
    PayInfo, Point, Quantity, Rate, RefundBuilder, RequestArrival, RequestContext, ShortChannelId, UnixTime,
};

use super::{contacts, errors, keys, messages, periods};

#[cfg(feature = "contacts")]
use bolt12::PayerIdentity;

/// The input is what the values are made of.
pub fn check(data: &[u8]) {
    let mut values = Values(Unstructured::new(data));
    // Values end when the input does.
    let _ = match data.first().map(|choice| choice % 4) {
        Some(0) => refund(&mut values),
        Some(1) => invoice_error(&mut values),
        _ => offer(&mut values),
    };
}

/// What a builder gave, which must be a refusal exactly if one is `expected`.
fn built<T>(result: std::result::Result<T, Error>, refused: bool) -> Option<T> {
    match result {
        Ok(message) => {
            assert!(!refused, "a builder made what breaks a rule");
            Some(message)
        }
        Err(error) => {
            errors::any(&error);
            assert!(refused, "a builder refused what breaks no rule: {error:#}");
            None
        }
    }
}

fn offer(values: &mut Values<'_>) -> Result<()> {
    let paths = values.list(3, Values::path)?;
    let issuer_id = values.option(Values::key)?;
    let mut builder = match issuer_id {
        Some(key) => paths.iter().cloned().fold(OfferBuilder::new(key), OfferBuilder::add_path),
        None => OfferBuilder::with_paths(paths.clone()),
    };
    let chains = values.list(3, Values::chain)?;
    builder = chains.iter().copied().fold(builder, OfferBuilder::add_chain);
    let amount = values.option(Values::price)?;
    if let Some(amount) = amount {
        builder = builder.amount(amount);
    }
    let (metadata, description, issuer) = (values.bytes()?, values.text()?, values.text()?);
    let (features, compulsory) = values.features()?;
    let (quantity, expiry) = (values.quantity()?, values.option(Values::number)?.map(UnixTime));
    builder = builder.metadata(metadata).description(description).issuer(issuer).quantity_max(quantity);
    builder = builder.features(features.clone());
    if let Some(expiry) = expiry {
        builder = builder.absolute_expiry(expiry);
    }
    let (custom, bad_custom) = values.custom(1_000_000_000, 1_999_999_999)?;
    builder = custom.iter().fold(builder, |builder, (number, value)| builder.custom_field(*number, *value));

    let bad_amount = match amount {
        Some(OfferAmount::Bitcoin(amount)) => amount.0 == 0 || amount > Msat::MAX_MONEY || description.is_empty(),
        Some(OfferAmount::Currency { amount, .. }) => amount.0 == 0 || description.is_empty(),
        None => false,
    };
    let unreachable = issuer_id.is_none() && paths.is_empty();
    let Some(offer) = built(builder.build(), bad_amount || unreachable || compulsory || bad_custom) else {
        return Ok(());
    };
    messages::offer(offer.as_bytes());
    assert_eq!(offer.amount(), amount);
    assert_eq!(offer.metadata().unwrap_or_default(), metadata);
    assert_eq!(offer.description().map_or("", |text| text.as_raw()), description);
    assert_eq!(offer.issuer().map_or("", |text| text.as_raw()), issuer);
    assert_eq!(offer.features().unwrap_or(Features::new([]).expect("none")), features);
    assert_eq!((offer.quantity_max(), offer.absolute_expiry(), offer.issuer_id()), (quantity, expiry, issuer_id));
    assert_eq!(offer.paths().map_or(Vec::new(), |paths| paths.iter().collect()), paths);
    // OFW-1
    assert!(chains.iter().all(|chain| offer.supports_chain(*chain)));
    assert_eq!(offer.chains().is_some(), chains.iter().any(|chain| *chain != ChainHash::BITCOIN));
    assert!(offer.unknown().map(|record| (record.number(), record.value())).eq(sorted(&custom)));
    request(&offer, values)
}

fn request(offer: &Offer, values: &mut Values<'_>) -> Result<()> {
    let chain = offer.chains().and_then(|chains| chains.iter().last()).unwrap_or(ChainHash::BITCOIN);
    let now = UnixTime(0);
    let usable = offer.usable(now, &[chain]).expect("it never expired, and it is one of its chains");
    let metadata = values.bytes()?;
    let mut builder = InvoiceRequestBuilder::new(usable, keys::payer().public_key(), metadata);
    let (amount, quantity) = (values.option(Values::number)?.map(Msat), values.option(Values::number)?);
    let note = values.text()?;
    let (features, compulsory) = values.features()?;
    builder = builder.payer_note(note).features(features);
    if let Some(amount) = amount {
        builder = builder.amount(amount);
    }
    if let Some(quantity) = quantity {
        builder = builder.quantity(quantity);
    }
    let rate = values.option(|values| values.rate(offer.currency()))?;
    if let Some(worth) = &rate {
        builder = builder.rate(worth.rate);
    }
    let (custom, bad_custom) = values.custom(2_000_000_000, 2_999_999_999)?;
    builder = custom.iter().fold(builder, |builder, (number, value)| builder.custom_field(*number, *value));

    // RQW-3, RQW-5, D3, D4
    let max = u128::from(Msat::MAX_MONEY.0);
    let bad_quantity = match (offer.quantity_max(), quantity) {
        (Quantity::One, None) => false,
        (Quantity::Unlimited, Some(quantity)) => quantity == 0,
        (Quantity::AtMost(max), Some(quantity)) => quantity == 0 || quantity > max.get(),
        _ => true,
    };
    let count = u128::from(quantity.unwrap_or(1));
    let is_due = |due: u128| due > max || amount.is_some_and(|amount| u128::from(amount.0) < due);
    let bad_price = match offer.amount() {
        None => amount.is_none(),
        Some(OfferAmount::Bitcoin(price)) => is_due(u128::from(price.0) * count),
        Some(price @ OfferAmount::Currency { amount: item, .. }) => {
            u128::from(item.0) * count > u64::MAX.into()
                || match &rate {
                    // Whoever leaves the amount to the issuer needs no rate.
                    None => amount.is_some(),
                    Some(rate) => due(price, count, rate).is_none_or(is_due),
                }
        }
    };
    let bad_amount = amount.is_some_and(|amount| amount.0 == 0 || amount > Msat::MAX_MONEY);
    let bad_number = bad_quantity || bad_price || bad_amount;
    let refused = metadata.len() < 16 || bad_number || compulsory || bad_custom;
    #[cfg(feature = "contacts")]
    let introduced = values.option(|values| contacts::random(&mut values.0))?;
    #[cfg(feature = "contacts")]
    let (builder, refused) = match &introduced {
        Some((secret, payer, is_bad)) => (builder.introduce(secret, payer), refused || *is_bad),
        None => (builder, refused),
    };
    #[cfg(feature = "contacts")]
    let result = match &introduced {
        Some((_, PayerIdentity::Name { .. }, _)) => builder.build_named().and_then(|named| named.sign(keys::payer())),
        _ => builder.build(),
    };
    #[cfg(not(feature = "contacts"))]
    let result = builder.build();
    let Some(unsigned) = built(result, refused) else { return Ok(()) };
    let request = unsigned.sign(keys::payer()).expect("the right key");
    messages::invoice_request(request.as_bytes());
    assert_eq!((request.chain(), request.amount(), request.quantity()), (chain, amount, quantity));
    assert_eq!(request.metadata(), Some(metadata));
    assert_eq!(request.payer_note().map_or("", |text| text.as_raw()), note);
    assert_eq!(request.payer_id(), keys::payer().public_key());
    #[cfg(feature = "contacts")]
    assert_eq!(
        request.introduction().map(|told| (told.secret, told.payer)),
        introduced.map(|(secret, payer, _)| (secret, Some(payer)))
    );
    assert!(request.unknown().map(|record| (record.number(), record.value())).eq(sorted(&custom)));

    // RQR-7
    let ends: Vec<Point> =
        offer.paths().iter().flat_map(|paths| paths.iter()).map(|path| path.last_blinded_node_id()).collect();
    let arrival = match values.0.int_in_range(0..=7)? {
        0 => RequestArrival::OtherPath,
        1 => RequestArrival::Direct,
        2 => RequestArrival::OfferPath(values.key()?.into()),
        _ if ends.is_empty() => RequestArrival::Direct,
        _ => RequestArrival::OfferPath(*values.0.choose(&ends)?),
    };
    let strange = match arrival {
        RequestArrival::OfferPath(last) => !ends.contains(&last),
        RequestArrival::Direct => !ends.is_empty(),
        _ => true,
    };
    // RQR-9: a request in bitcoin was checked by its builder.
    let rate = values.option(|values| values.rate(offer.currency()))?;
    let price = match offer.amount() {
        Some(OfferAmount::Bitcoin(price)) => Some(u128::from(price.0) * count),
        Some(price) => rate.as_ref().and_then(|rate| due(price, count, rate)),
        None => None,
    };
    let expected = match (offer.amount(), price, amount) {
        (Some(_), None, _) => None,
        (_, Some(price), Some(amount)) => (u128::from(amount.0) >= price).then_some(amount),
        (_, Some(price), None) => u64::try_from(price).ok().map(Msat).filter(|price| *price <= Msat::MAX_MONEY),
        (None, None, amount) => amount,
    };
    let rate = rate.map(|worth| worth.rate);
    let context = RequestContext { offer, arrival, now, chains: &[chain], rate, max_amount: None };
    let Some(accepted) = built(request.accept(&context), strange || expected.is_none()) else { return Ok(()) };
    assert_eq!(Some(accepted.amount()), expected);
    // IVW-3
    let node_id = match (offer.issuer_id(), arrival) {
        (Some(issuer_id), _) => issuer_id,
        (None, RequestArrival::OfferPath(last)) => last.public_key().expect("on the curve"),
        _ => unreachable!("without an issuer there is a path"),
    };
    assert_eq!(accepted.node_id(), node_id);
    let created_at = UnixTime(values.number()?);
    let amount = accepted.amount();
    invoice(InvoiceBuilder::new(accepted, created_at, hash()), node_id, amount, chain, values)
}

/// A rate, and what it says.
struct Worth {
    rate: Rate,
    currency: CurrencyCode,
    minor_units: u64,
    msat: u64,
}

/// What so many items cost at a rate, rounded up; nothing if the rate is that of another currency, or if that
/// is no 64-bit number.
fn due(price: OfferAmount, count: u128, worth: &Worth) -> Option<u128> {
    let OfferAmount::Currency { currency, amount } = price else { return None };
    let due = (u128::from(amount.0) * count * u128::from(worth.msat)).div_ceil(worth.minor_units.into());
    (currency == worth.currency && due <= u64::MAX.into()).then_some(due)
}

fn refund(values: &mut Values<'_>) -> Result<()> {
    let (description, amount, metadata) = (values.text()?, Msat(values.number()?), values.bytes()?);
    let mut builder = RefundBuilder::new(description, amount, keys::payer().public_key(), metadata);
    let (issuer, note, chain) = (values.text()?, values.text()?, values.chain()?);
    let (features, compulsory) = values.features()?;
    builder = builder.issuer(issuer).payer_note(note).chain(chain).features(features);
    let expiry = values.option(Values::number)?.map(UnixTime);
    if let Some(expiry) = expiry {
        builder = builder.absolute_expiry(expiry);
    }
    let paths = values.list(3, Values::path)?;
    builder = paths.iter().cloned().fold(builder, RefundBuilder::add_path);
    let (custom, bad_custom) = values.custom(1_000_000_000, 2_999_999_999)?;
    builder = custom.iter().fold(builder, |builder, (number, value)| builder.custom_field(*number, *value));

    let bad_amount = amount.0 == 0 || amount > Msat::MAX_MONEY;
    let refused = bad_amount || description.is_empty() || metadata.len() < 16 || compulsory || bad_custom;
    let signed = built(builder.clone().build_to_sign(), refused).map(|unsigned| unsigned.sign(keys::payer()));
    let Some(refund) = built(builder.build(), refused) else { return Ok(()) };
    messages::refund(refund.as_bytes());
    messages::refund(signed.expect("as the other").expect("the right key").as_bytes());
    assert_eq!((refund.amount(), refund.chain(), refund.metadata()), (amount, chain, Some(metadata)));
    assert_eq!(refund.offer().description().map(|text| text.as_raw()), Some(description));
    assert_eq!(refund.offer().issuer().map_or("", |text| text.as_raw()), issuer);
    assert_eq!(refund.payer_note().map_or("", |text| text.as_raw()), note);
    assert_eq!((refund.offer().absolute_expiry(), refund.quantity()), (expiry, None));
    assert_eq!(refund.paths().map_or(Vec::new(), |paths| paths.iter().collect()), paths);

    let node_id = values.key()?;
    let accepted = refund.accept(UnixTime(0), &[chain], node_id).expect("it never expired");
    assert_eq!((accepted.amount(), accepted.node_id()), (amount, node_id));
    invoice(InvoiceBuilder::new(accepted, UnixTime(values.number()?), hash()), node_id, amount, chain, values)
}

fn invoice(
    mut builder: InvoiceBuilder<'_>,
    node_id: PublicKey,
    amount: Msat,
    chain: ChainHash,
    values: &mut Values<'_>,
) -> Result<()> {
    let paths = values.list(3, |values| Ok((values.path()?, values.payinfo()?)))?;
    // IVR-7
    let compulsory = |payinfo: &PayInfo<'_>| payinfo.features.iter().any(Feature::is_compulsory);
    let mut refused = paths.iter().all(|(_, payinfo)| compulsory(payinfo));
    for (path, payinfo) in &paths {
        builder = builder.add_path(path.clone(), payinfo);
    }
    let expiry = values.option(Values::number)?.map(Duration::from_secs);
    if let Some(expiry) = expiry {
        refused |= expiry.as_secs() > u32::MAX.into();
        builder = builder.relative_expiry(expiry);
    }
    for _ in 0..values.0.int_in_range(0..=2)? {
        let fallback = Fallback { version: values.0.int_in_range(0..=17)?, program: values.bytes()?.into() };
        refused |= fallback.address(chain).is_none();
        builder = builder.add_fallback(&fallback);
    }
    let multi_part = *values.0.choose(&[MultiPart::Forbidden, MultiPart::Allowed, MultiPart::Required])?;
    // EXC-11
    let part = |payinfo: &PayInfo<'_>| {
        let part = amount.0.min(payinfo.htlc_maximum_msat);
        let fee = u128::from(part) * u128::from(payinfo.fee_proportional_millionths) / 1_000_000;
        let sent = u128::from(part) + fee + u128::from(payinfo.fee_base_msat);
        let fits = part > 0 && part >= payinfo.htlc_minimum_msat && sent <= u64::MAX.into();
        let is_enough = part == amount.0 || multi_part != MultiPart::Forbidden;
        u128::from(if fits && is_enough && !compulsory(payinfo) { part } else { 0 })
    };
    refused |= paths.iter().map(|(_, payinfo)| part(payinfo)).sum::<u128>() < amount.0.into();
    let (custom, bad_custom) = values.custom(3_000_000_000, 3_999_999_999)?;
    builder = custom.iter().fold(builder, |builder, (number, value)| builder.custom_field(*number, *value));
    let Some(unsigned) = built(builder.multi_part(multi_part).build(), refused || bad_custom) else { return Ok(()) };

    assert_eq!(unsigned.node_id(), Some(node_id));
    let Some(key) = keys::find(&node_id.serialize()) else { return Ok(()) };
    let invoice = unsigned.sign(key).expect("the right key");
    messages::invoice(invoice.as_bytes());
    assert_eq!(invoice.multi_part(), multi_part);
    assert_eq!(invoice.relative_expiry(), expiry.unwrap_or(Duration::from_secs(7200)));
    assert!(invoice.payment_paths().eq(paths));
    assert!(invoice.unknown().map(|record| (record.number(), record.value())).eq(sorted(&custom)));
    Ok(())
}

fn invoice_error(values: &mut Values<'_>) -> Result<()> {
    let text = values.text()?;
    let Some(error) = built(InvoiceError::new(text), text.is_empty()) else { return Ok(()) };
    messages::invoice_error(error.as_bytes());
    assert_eq!(error.error().map(|text| text.as_raw()), Some(text));

    let field = Field::numbered(values.number()?);
    let suggested = values.option(Values::bytes)?;
    match error.about(field, suggested) {
        Ok(error) => {
            messages::invoice_error(error.as_bytes());
            assert_eq!((error.erroneous_field(), error.suggested_value()), (Some(field), suggested));
        }
        // ERW-2
        Err(refused) => {
            errors::any(&refused);
            assert!(suggested.is_some(), "{refused:#}");
        }
    }
    Ok(())
}

fn hash() -> sha256::Hash {
    sha256::Hash::hash(b"preimage")
}

fn sorted<'a>(custom: &Custom<'a>) -> Custom<'a> {
    let mut sorted = custom.to_vec();
    sorted.sort();
    sorted
}

/// Fields by number.
type Custom<'a> = Vec<(u64, &'a [u8])>;

/// Values of all types, made of the input.
struct Values<'a>(Unstructured<'a>);

impl<'a> Values<'a> {
    fn option<T>(&mut self, value: impl Fn(&mut Self) -> Result<T>) -> Result<Option<T>> {
        Ok(if self.0.ratio(1, 2)? { Some(value(self)?) } else { None })
    }

    fn list<T>(&mut self, most: usize, value: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.0.int_in_range(0..=most)?).map(|_| value(self)).collect()
    }

    /// Small numbers, large ones, and those at which something changes.
    fn number(&mut self) -> Result<u64> {
        let edges = [0, 1, 2, 255, 256, 7200, 65_535, 65_536, u32::MAX.into(), Msat::MAX_MONEY.0, u64::MAX];
        match self.0.int_in_range(0..=3)? {
            0 => self.0.int_in_range(0..=1000u64),
            1 => self.0.arbitrary(),
            2 => Ok(self.0.choose(&edges)?.wrapping_add(self.0.int_in_range(0..=2)?).wrapping_sub(1)),
            _ => self.0.int_in_range(1..=Msat::MAX_MONEY.0),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = match self.0.int_in_range(0..=2)? {
            0 => 16,
            1 => self.0.int_in_range(0..=64usize)?,
            _ => self.0.arbitrary_len::<u8>()?,
        };
        self.0.bytes(len)
    }

    fn text(&mut self) -> Result<&'a str> {
        self.0.arbitrary()
    }

    fn key(&mut self) -> Result<PublicKey> {
        self.0.choose(&keys::public()).copied()
    }

    fn chain(&mut self) -> Result<ChainHash> {
        let known = [ChainHash::BITCOIN, ChainHash::TESTNET3, ChainHash::SIGNET, ChainHash::REGTEST];
        Ok(if self.0.ratio(7, 8)? { *self.0.choose(&known)? } else { ChainHash::from(self.0.arbitrary::<[u8; 32]>()?) })
    }

    fn price(&mut self) -> Result<OfferAmount> {
        let amount = self.number()?;
        if self.0.ratio(2, 3)? {
            return Ok(OfferAmount::Bitcoin(Msat(amount)));
        }
        let code = self.0.arbitrary::<[u8; 3]>()?.map(|byte| b'A' + byte % 26);
        let code = std::str::from_utf8(&code).expect("capital letters");
        let currency: CurrencyCode = code.parse().expect("three capital letters");
        assert_eq!(currency.to_string(), code);
        Ok(OfferAmount::Currency { currency, amount: MinorUnits(amount) })
    }

    /// A rate of that currency, if there is one, and sometimes of another.
    fn rate(&mut self, currency: Option<CurrencyCode>) -> Result<Worth> {
        let other = "XYZ".parse().expect("three capital letters");
        let currency = if self.0.ratio(7, 8)? { currency.unwrap_or(other) } else { other };
        let (minor_units, msat) = (self.number()?, self.number()?);
        match built(Rate::new(currency, MinorUnits(minor_units), Msat(msat)), minor_units == 0 || msat == 0) {
            Some(rate) => Ok(Worth { rate, currency, minor_units, msat }),
            None => Err(arbitrary::Error::IncorrectFormat),
        }
    }

    fn quantity(&mut self) -> Result<Quantity> {
        Ok(match self.option(Self::number)? {
            None => Quantity::One,
            Some(max) => std::num::NonZero::new(max).map_or(Quantity::Unlimited, Quantity::AtMost),
        })
    }

    /// Features, and whether one of them is compulsory.
    fn features(&mut self) -> Result<(Features<'static>, bool)> {
        let odd = |values: &mut Self| Ok(Feature(u32::from(values.0.arbitrary::<u16>()?) % 300 * 2 + 1));
        let mut features = self.list(2, odd)?;
        if self.0.ratio(1, 16)? {
            features.push(Feature(self.0.int_in_range(0..=100u32)? * 2));
        }
        let compulsory = features.iter().any(|feature| feature.is_compulsory());
        Ok((Features::new(features).expect("not too large"), compulsory))
    }

    fn path(&mut self) -> Result<BlindedPath<'static>> {
        let start = match self.option(|values| values.0.arbitrary::<u64>())? {
            None => self.key()?.into(),
            Some(scid) => {
                let direction = *self.0.choose(&[Direction::NodeOne, Direction::NodeTwo])?;
                IntroductionNode::Channel { scid: ShortChannelId(scid), direction }
            }
        };
        let key = self.key()?;
        let hops = self.list(4, |values| Ok((values.key()?, values.bytes()?)))?;
        let none = hops.is_empty();
        match built(BlindedPath::new(start, key, hops), none) {
            Some(path) => Ok(path),
            None => Err(arbitrary::Error::IncorrectFormat),
        }
    }

    fn payinfo(&mut self) -> Result<PayInfo<'static>> {
        Ok(PayInfo {
            fee_base_msat: self.0.arbitrary()?,
            fee_proportional_millionths: self.0.arbitrary()?,
            cltv_expiry_delta: self.0.arbitrary()?,
            htlc_minimum_msat: self.number()?,
            htlc_maximum_msat: self.number()?,
            features: self.features()?.0,
        })
    }

    /// Fields of a range, and whether a builder must refuse them: for being outside of it, even, or
    /// twice the same.
    fn custom(&mut self, from: u64, to: u64) -> Result<(Custom<'a>, bool)> {
        let custom = self.list(3, |values| {
            let number = match values.0.int_in_range(0..=15)? {
                0 => values.number()?,
                1 => values.0.int_in_range(from - 1..=to + 1)?,
                2 => *values.0.choose(&[from - 1, from + 1, to, to + 2])?,
                _ => values.0.int_in_range(from..=to)? | 1,
            };
            // Those have a meaning, and so rules of their own.
            let has_rules = periods::TYPES.contains(&number) || contacts::TYPES.contains(&number);
            let number = if has_rules { from + 1 } else { number };
            Ok((number, values.bytes()?))
        })?;
        let mut numbers: Vec<u64> = custom.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let repeated = numbers.windows(2).any(|pair| pair[0] == pair[1]);
        let bad = numbers.iter().any(|number| number % 2 == 0 || !(from..=to).contains(number));
        Ok((custom, bad || repeated))
    }
}
