//! JSON in the form of Core Lightning's `decode`: `type`, `valid`, then the specification's fields in
//! ascending order.
//!
//! Text is there as it came, where characters that could deceive are written as `\u…`: whoever shows it has to escape
//! it. Neither a clock nor a chain has a say
//! in what is valid.

use bolt12::{
    BlindedPath, BlindedPaths, Direction, Error, Field, IntroductionNode, InvoiceError, OfferAmount, OfferFields,
    PayInfo, PayerProof, Quantity, RequestFields, Text, TlvRecord,
};
use serde_json::{Map, Value, json};

#[cfg(feature = "contacts")]
use super::contacts;
use super::input::{self, Input, Message, Refused, Terms, Views};
#[cfg(feature = "recurrence")]
use super::recurrence;
use super::{link, remains};

/// The object for a string that was read or refused.
pub(crate) fn object(read: &Result<Input, Refused>) -> Value {
    let mut object = Object::default();
    match read {
        Ok(Input { message, link }) => {
            object.put("type", Some(format!("bolt12 {}", message.kind().name())));
            object.put("valid", Some(true));
            object.put("link", link.as_deref().map(link::json));
            match (message, message.views()) {
                (Message::Error(error), _) => object.invoice_error(error),
                (_, Some(views)) => object.message(message, &views),
                (_, None) => {}
            }
        }
        Err(refused) => {
            object.put("type", refused.kind.map(|kind| format!("bolt12 {}", kind.name())));
            object.put("valid", Some(false));
            object.refused(refused);
        }
    }
    Value::Object(object.0)
}

/// The text of a value, with everything escaped that a terminal would act on or that deceives: in JSON it means the
/// same.
pub(crate) fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let is_plain = c == '\n' || Text::new(c.encode_utf8(&mut [0; 4])).to_string().len() == c.len_utf8();
        if is_plain {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// An object to which only what is there is added.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// A field by its specification's name.
    fn field(&mut self, field: Field, value: Option<impl Into<Value>>) {
        self.put(&field.to_string(), value);
    }

    fn bytes(&mut self, field: Field, value: Option<impl AsRef<[u8]>>) {
        self.field(field, value.map(hex::encode));
    }

    fn text(&mut self, field: Field, value: Option<Text<'_>>) {
        self.field(field, value.map(|text| text.as_raw()));
    }

    fn refused(&mut self, refused: &Refused) {
        self.put("error", Some(refused.fault.to_string()));
        self.put("code", Some(refused.fault.code()));
        let error = refused.fault.error();
        self.put("rule", error.map(|error| error.rule().id()));
        let field = error.and_then(Error::field);
        self.put("field", field.and_then(|field| field.name()));
        self.put("type_number", field.map(|field| field.number()));
        self.put("offset", error.and_then(Error::offset));
        self.put("column", refused.column);
        self.put("dns_name", refused.dns_name.as_deref());
        self.put("link", refused.link.as_deref().map(link::json));
        let remains = refused.remains.iter().map(|(number, value)| {
            let mut field = Self::default();
            field.put("type", Some(*number));
            field.put("name", remains::name(*number));
            field.put("length", Some(value.len()));
            field.put("value", Some(hex::encode(value)));
            field.0
        });
        self.put("readable_tlvs", (!refused.remains.is_empty()).then(|| remains.collect::<Value>()));
    }

    fn invoice_error(&mut self, error: &InvoiceError) {
        self.field(Field::ERRONEOUS_FIELD, error.erroneous_field().map(|field| field.number()));
        self.bytes(Field::SUGGESTED_VALUE, input::suggested_value(error));
        self.text(Field::ERROR, error.error());
        self.unknown("unknown_invoice_error_tlvs", error.unknown());
    }

    fn message(&mut self, message: &Message, views: &Views<'_>) {
        // What is hidden in a proof belongs to the offer too.
        if views.has_whole_offer() {
            self.put("offer_id", Some(input::offer_id(views.offer)));
            self.put("offer_merkle_root", views.offer.id().map(|id| id.to_string()));
        }
        self.bytes(Field::INVREQ_METADATA, views.request.and_then(RequestFields::metadata));
        self.offer(views.offer, views);
        if let Some(request) = views.request {
            self.request(request, views);
        }
        if let Some(terms) = views.terms() {
            self.invoice(&terms, views);
        }
        #[cfg(feature = "async_payments")]
        self.field(Field::STATIC_INVOICE_MESSAGE_PATHS, views.message_paths().map(paths_of));
        self.bytes(Field::SIGNATURE, views.value(Field::SIGNATURE));
        if let Some(proof) = views.proof {
            self.proof(proof, views);
        }
        self.unknown(&format!("unknown_{}_tlvs", message.kind().name()), views.unknown());
    }

    fn offer(&mut self, offer: &OfferFields, views: &Views<'_>) {
        self.field(Field::OFFER_CHAINS, offer.chains().map(|chains| chains.iter().map(hex::encode).collect::<Value>()));
        self.bytes(Field::OFFER_METADATA, offer.metadata());
        self.field(Field::OFFER_CURRENCY, offer.currency().map(|currency| currency.to_string()));
        match views.price() {
            Some(OfferAmount::Bitcoin(amount)) => self.put("offer_amount_msat", Some(amount.0)),
            Some(OfferAmount::Currency { amount, .. }) => self.field(Field::OFFER_AMOUNT, Some(amount.0)),
            // An amount may be of a currency that is hidden.
            None => self.field(Field::OFFER_AMOUNT, views.price_without_unit()),
        }
        self.put("currency_minor_unit", offer.currency().and_then(|currency| currency.minor_unit()));
        self.text(Field::OFFER_DESCRIPTION, offer.description());
        self.bytes(Field::OFFER_FEATURES, offer.features().as_ref().map(|features| features.as_bytes()));
        self.field(Field::OFFER_ABSOLUTE_EXPIRY, offer.absolute_expiry().map(|time| time.0));
        self.field(Field::OFFER_PATHS, offer.paths().map(paths_of));
        self.text(Field::OFFER_ISSUER, offer.issuer());
        let quantity_max = match offer.quantity_max() {
            Quantity::One => None,
            Quantity::Unlimited => Some(0),
            Quantity::AtMost(max) => Some(max.get()),
        };
        self.field(Field::OFFER_QUANTITY_MAX, quantity_max);
        self.field(Field::OFFER_ISSUER_ID, offer.issuer_id().map(|key| key.to_string()));
        #[cfg(feature = "recurrence")]
        self.put("offer_recurrence", recurrence::offer_json(offer));
    }

    /// What a request adds, but for its metadata, which stands in front of the offer.
    fn request(&mut self, request: &RequestFields, views: &Views<'_>) {
        self.bytes(Field::INVREQ_CHAIN, views.value(Field::INVREQ_CHAIN));
        self.put("invreq_amount_msat", request.amount().map(|amount| amount.0));
        self.bytes(Field::INVREQ_FEATURES, request.features().as_ref().map(|features| features.as_bytes()));
        self.field(Field::INVREQ_QUANTITY, request.quantity());
        self.field(Field::INVREQ_PAYER_ID, request.payer_id().map(|key| key.to_string()));
        self.text(Field::INVREQ_PAYER_NOTE, request.payer_note());
        self.field(Field::INVREQ_PATHS, request.paths().map(paths_of));
        let name = request.bip_353_name().map(|name| json!({ "name": name.user(), "domain": name.domain() }));
        self.field(Field::INVREQ_BIP_353_NAME, name);
        #[cfg(feature = "recurrence")]
        for (field, value) in recurrence::request_json(request, views) {
            self.field(field, value);
        }
        #[cfg(feature = "contacts")]
        for (field, value) in contacts::request_json(request) {
            self.field(field, value);
        }
    }

    fn invoice(&mut self, invoice: &Terms<'_>, views: &Views<'_>) {
        let paths = invoice.paths.map(|paths| paths.iter().map(|path| path_of(&path)).collect::<Vec<_>>());
        let payinfos = invoice.blindedpay;
        let payinfos = payinfos.map(|payinfos| payinfos.iter().map(|payinfo| payinfo_of(&payinfo)).collect::<Vec<_>>());
        match (paths, payinfos) {
            (Some(mut paths), Some(payinfos)) if paths.len() == payinfos.len() => {
                for (path, payinfo) in paths.iter_mut().zip(payinfos) {
                    path.insert("payinfo".to_owned(), payinfo);
                }
                self.field(Field::INVOICE_PATHS, Some(paths));
            }
            // A proof may disclose one without the other, and does not prove that there are as many.
            (paths, payinfos) => {
                self.field(Field::INVOICE_PATHS, paths);
                self.field(Field::INVOICE_BLINDEDPAY, payinfos);
            }
        }
        self.field(Field::INVOICE_CREATED_AT, invoice.created_at.map(|time| time.0));
        let expiry = views.shows_expiry().then_some(invoice.relative_expiry.as_secs());
        self.field(Field::INVOICE_RELATIVE_EXPIRY, expiry);
        self.field(Field::INVOICE_PAYMENT_HASH, invoice.payment_hash.map(|hash| hash.to_string()));
        self.put("invoice_amount_msat", invoice.amount.map(|amount| amount.0));
        let fallbacks = invoice.fallbacks.map(|fallbacks| {
            let objects = fallbacks.iter().map(|fallback| {
                let mut object = Self::default();
                object.put("version", Some(fallback.version));
                object.put("hex", Some(hex::encode(&fallback.program)));
                let address = fallback.address(invoice.chain).filter(|_| views.knows_chain());
                object.put("address", address.map(|address| address.to_string()));
                object.0
            });
            objects.collect::<Value>()
        });
        self.field(Field::INVOICE_FALLBACKS, fallbacks);
        self.bytes(Field::INVOICE_FEATURES, invoice.features.as_ref().map(|features| features.as_bytes()));
        self.field(Field::INVOICE_NODE_ID, invoice.node_id.map(|key| key.to_string()));
        #[cfg(feature = "recurrence")]
        if let Some(time) = views.invoice.and_then(bolt12::InvoiceFields::recurrence_basetime) {
            self.field(Field::INVOICE_RECURRENCE_BASETIME, Some(time.0));
        }
    }

    fn proof(&mut self, proof: &PayerProof, views: &Views<'_>) {
        let hashes = |hashes: &mut dyn Iterator<Item = [u8; 32]>| Some(hashes.map(hex::encode).collect::<Value>());
        self.bytes(Field::PROOF_SIGNATURE, views.value(Field::PROOF_SIGNATURE));
        self.field(Field::PROOF_PREIMAGE, Some(proof.preimage().to_string()));
        self.field(Field::PROOF_OMITTED_TLVS, Some(proof.omitted_tlvs().collect::<Value>()));
        self.field(Field::PROOF_MISSING_HASHES, hashes(&mut proof.missing_hashes()));
        self.field(Field::PROOF_LEAF_HASHES, hashes(&mut proof.leaf_hashes()));
        self.text(Field::PROOF_NOTE, proof.note());
    }

    fn unknown<'a>(&mut self, name: &str, records: impl IntoIterator<Item = TlvRecord<'a>>) {
        let records: Vec<Value> = records
            .into_iter()
            .map(|record| {
                json!({
                    "type": record.number(),
                    "length": record.value().len(),
                    "value": hex::encode(record.value()),
                })
            })
            .collect();
        self.put(name, (!records.is_empty()).then_some(records));
    }
}

fn paths_of(paths: BlindedPaths<'_>) -> Value {
    paths.iter().map(|path| path_of(&path)).collect()
}

fn path_of(path: &BlindedPath<'_>) -> Map<String, Value> {
    let mut object = Object::default();
    match path.introduction_node() {
        IntroductionNode::NodeId(key) => object.put("first_node_id", Some(key.to_string())),
        IntroductionNode::Channel { scid, direction } => {
            object.put("first_scid", Some(scid.to_string()));
            let direction = match direction {
                Direction::NodeOne => 0,
                Direction::NodeTwo => 1,
            };
            object.put("first_scid_dir", Some(direction));
        }
    }
    object.put("first_path_key", Some(path.first_path_key().to_string()));
    let hops = path.hops().map(|hop| {
        json!({
            "blinded_node_id": hop.blinded_node_id.to_string(),
            "encrypted_recipient_data": hex::encode(hop.encrypted_recipient_data),
        })
    });
    object.put("path", Some(hops.collect::<Value>()));
    object.0
}

fn payinfo_of(payinfo: &PayInfo<'_>) -> Value {
    json!({
        "fee_base_msat": payinfo.fee_base_msat,
        "fee_proportional_millionths": payinfo.fee_proportional_millionths,
        "cltv_expiry_delta": payinfo.cltv_expiry_delta,
        "htlc_minimum_msat": payinfo.htlc_minimum_msat,
        "htlc_maximum_msat": payinfo.htlc_maximum_msat,
        "features": hex::encode(payinfo.features.as_bytes()),
    })
}
