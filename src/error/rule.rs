//! The table of rules: every rule of BOLT 12 (and every decision where it is silent) that this
//! crate enforces, with an ID that errors, tests and documentation cite.

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $reason:literal;)*) => {
        /// A rule of the specification, as enforced by this crate.
        ///
        /// The ID is stable: applications can translate or match on it. The pages of the guide state each rule in full:
        ///
        /// | IDs | about | page |
        /// | --- | --- | --- |
        /// | TXT, TLV, SIG | text form, records, signatures | [messages](crate::guide::rules) |
        /// | OFW, OFR, RQW, RQR | writing and reading offers and requests | [messages](crate::guide::rules) |
        /// | IVW, IVR, ERW, ERR | writing and reading invoices and errors | [messages](crate::guide::rules) |
        /// | D | decisions where the specification is silent | [decisions](crate::guide::rules#decisions) |
        /// | PTH, MSG, EXC | paths, onion messages, the exchange | [transport](crate::guide::rules::onion_messages) |
        /// | PPW, PPR | writing and reading payer proofs | [payer proofs](crate::guide::rules::payer_proof) |
        /// | REC | recurrence | [recurrence](crate::guide::rules::recurrence) |
        /// | STA | static invoices | [static invoices](crate::guide::rules::static_invoices) |
        /// | CON | contacts | [contacts](crate::guide::rules::contacts) |
        /// | URI, NAM, DNS | links, names, DNSSEC proofs | [names](crate::guide::rules::names) |
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "`: ", $reason, ".")] $(#[$doc])* $variant,)*
        }

        impl Rule {
            /// All rules that an [`Error`](crate::Error) of this crate can name.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The rule's ID, for example `OFR-4`.
            pub const fn id(self) -> &'static str {
                match self { $(Rule::$variant => $id,)* }
            }

            /// Whether the rule is about making messages, not about reading them.
            pub(crate) fn is_for_writers(self) -> bool {
                ["OFW", "RQW", "IVW", "ERW", "PPW"].iter().any(|prefix| self.id().starts_with(prefix))
            }

            /// Why the rule exists or what it asks for, as half a sentence in English.
            pub const fn reason(self) -> &'static str {
                match self { $(Rule::$variant => $reason,)* }
            }
        }
    };
}

rules! {
    Txt1 = "TXT-1", "the text is all lower case or ALL UPPER CASE";
    Txt3 = "TXT-3", "'+' joins two characters, and white space may only follow a '+'";
    Txt4 = "TXT-4", "at most 4 bits, all zero, follow the last whole byte";
    Txt5 = "TXT-5", "the prefix of a text says what it is: lno offer, lnr request or refund, lni invoice, lnp proof";
    Txt7 = "TXT-7", "a line needs room for at least two characters and the '+'";
    Txt8 = "TXT-8", "only the 32 characters of the bech32 alphabet (no 1, b, i or o) carry data";
    Tlv1 = "TLV-1", "fields are in ascending order, each at most once";
    Tlv2 = "TLV-2", "a number is encoded in its shortest form and fits its field";
    Tlv3 = "TLV-3", "every field is complete and nothing follows its end";
    Tlv4 = "TLV-4", "an even field must be understood before the message may be used";
    Tlv5 = "TLV-5", "each kind of message has its own range of field numbers";
    Tlv6 = "TLV-6", "no length exceeds the bytes that follow";
    Tlv7 = "TLV-7", "text is UTF-8, a key is a point on the curve, hashes are 32 bytes and signatures 64";
    Sig6 = "SIG-6", "an offer id is the merkle root over the fields of the offer, of 32 bytes";
    Ofw2 = "OFW-2", "an amount is more than zero";
    Ofw4 = "OFW-4", "an offer names an issuer key or a blinded path";
    Ofr2 = "OFR-2", "every compulsory feature must be known to the reader";
    Ofr3 = "OFR-3", "an offer names the chains it can be paid on, or none for bitcoin";
    Ofr4 = "OFR-4", "an offer with an amount says what it is for";
    Ofr5 = "OFR-5", "an amount is more than zero";
    Ofr6 = "OFR-6", "a currency needs an amount";
    Ofr7 = "OFR-7", "an offer names an issuer key or a blinded path";
    Ofr8 = "OFR-8", "a blinded path has at least one hop";
    Ofr9 = "OFR-9", "an offer is used before it expires";
    Ofr11 = "OFR-11", "a request goes over a path of the offer, or to its issuer id";
    Rqw3 = "RQW-3", "a request pays at least the price, and names an amount if the offer does not";
    Rqw6 = "RQW-6", "a request carries at least 16 unpredictable bytes";
    Rqw8 = "RQW-8", "a name has 1 to 255 letters, digits, '-', '_' and '.' on each side of the @";
    Rqw9 = "RQW-9", "a refund says what it is for and how much";
    Rqr1 = "RQR-1", "a request names its payer key and carries metadata";
    Rqr2 = "RQR-2", "every compulsory feature must be known to the reader";
    Rqr3 = "RQR-3", "a request for an offer is signed with its payer key";
    Rqr4 = "RQR-4", "a blinded path has at least one hop";
    Rqr6 = "RQR-6", "a request repeats one of our offers byte for byte";
    Rqr7 = "RQR-7", "a request arrives over a path of its offer, or directly if the offer has none";
    Rqr8 = "RQR-8", "a request has a quantity exactly if the offer asks for one, from one to its maximum";
    Rqr9 = "RQR-9", "a request pays at least the price times the quantity";
    Rqr10 = "RQR-10", "if the offer has no amount, the request names one";
    Rqr11 = "RQR-11", "a refund names its amount and has no field that only an offer has";
    Rqr12 = "RQR-12", "the invoice for a refund goes over one of its paths, or to its payer key";
    Rqr13 = "RQR-13", "the request is for a chain that is supported";
    Rqr14 = "RQR-14", "a name has two parts with their lengths, of letters, digits, '-', '_' and '.'";
    Ivw4 = "IVW-4", "an invoice has at least one path, and one payinfo for each path";
    Ivw6 = "IVW-6", "an invoice is signed with its node key";
    Ivw8 = "IVW-8", "a fallback is a valid witness program";
    Ivr1 = "IVR-1", "an invoice says who pays whom, how much, for which payment hash, when and over which paths";
    Ivr2 = "IVR-2", "the invoice is for a chain that is supported";
    Ivr3 = "IVR-3", "every compulsory feature must be known to the reader";
    Ivr4 = "IVR-4", "an invoice is paid before it expires";
    Ivr5 = "IVR-5", "a blinded path has at least one hop";
    Ivr6 = "IVR-6", "every path has exactly one payinfo";
    Ivr7 = "IVR-7", "a path is used only if its features are known";
    Ivr8 = "IVR-8", "an invoice repeats its request byte for byte";
    Ivr9 = "IVR-9", "an invoice is signed with the key that the offer names";
    Ivr10 = "IVR-10", "an invoice is signed with its node key";
    Ivr11 = "IVR-11", "an invoice asks for the amount that was requested and authorised";
    Ivr13 = "IVR-13", "an invoice arrives over the path that was given for it";
    Erw1 = "ERW-1", "an invoice error says what is wrong";
    Erw2 = "ERW-2", "a suggested value belongs to a field and is valid for it";
    Err1 = "ERR-1", "an invoice error has only fields that are known or odd";
    Exc1 = "EXC-1", "messages cost little before they are authenticated";
    Exc4 = "EXC-4", "a payment has one invoice and is made once";
    Exc6 = "EXC-6", "only what arrives over a request's own reply path answers it";
    Exc7 = "EXC-7", "no more is paid than was authorised";
    Exc9 = "EXC-9", "a price in a currency and an amount in bitcoin are compared at the current rate";
    Exc10 = "EXC-10", "the limits of a payment cover the fees and the delay of its path";
    Exc11 = "EXC-11", "a payment goes over paths that can carry its amount";
    Exc12 = "EXC-12", "each attempt to pay has a number, and the result of another attempt changes nothing";
    Exc20 = "EXC-20", "a sender of too many messages is not heard for a while, and takes nobody else's share";
    Exc22 = "EXC-22", "a payment is recognised by its path id, and taken once";
    Exc23 = "EXC-23", "an offer sells no more than its issuer has left of it, and nothing once it was withdrawn";
    Msg3 = "MSG-3", "an answer goes over the reply path of the message it answers";
    Ppw1 = "PPW-1", "every proof shows the two keys, the payment hash and the features";
    Ppw2 = "PPW-2", "only fields that the invoice has, without metadata and signatures, can be shown";
    Ppw6 = "PPW-6", "the preimage proves that the invoice was paid";
    Ppr1 = "PPR-1", "a proof has both keys, both signatures, preimage and hashes, and never the payer's metadata";
    Ppr2 = "PPR-2", "the preimage proves that the invoice was paid";
    Ppr3 = "PPR-3", "hidden fields are counted from the shown field before them, without gaps";
    Ppr4 = "PPR-4", "there is one leaf hash for every shown field";
    Ppr5 = "PPR-5", "the hashes are exactly those needed to check the invoice's signature";
    Ppr6 = "PPR-6", "the invoice is signed with its node key";
    Ppr7 = "PPR-7", "a proof is signed with the payer's key";
    Pth1 = "PTH-1", "the hops of a path look alike, and at most ten of them are dummies";
    Pth2 = "PTH-2", "only the maker of a path knows the path id in its last hop";
    Pth4 = "PTH-4", "a hop's data decrypts with its key, and has only fields that are known or odd";
    Msg1 = "MSG-1", "an onion message has at most 32768 bytes, one message or query, and only known or odd fields";
    Msg5 = "MSG-5", "a message starts at the first hop of its path that is not the sender's own";
    Rec1 = "REC-1", "recurrence is compulsory or optional, has a period above zero, and a base only if compulsory";
    Rec2 = "REC-2", "an amount can be proportional only if there is one";
    Rec3 = "REC-3", "requests for a subscription, and no others, count their payments";
    Rec4 = "REC-4", "a request names its first period exactly if the offer says when periods start";
    Rec5 = "REC-5", "there is no period after the offer's last one";
    Rec6 = "REC-6", "a period is paid within its pay window";
    Rec7 = "REC-7", "a period is paid after the one before it";
    Rec8 = "REC-8", "a period can be paid in part until it ends";
    Rec9 = "REC-9", "an invoice of a subscription says when period 0 started, and that never changes";
    Rec11 = "REC-11", "a subscription that is cancelled gets no more invoices";
    Rec12 = "REC-12", "a payer sets beforehand how much a period may cost, and how many periods there are";
    Con1 = "CON-1", "a payer introduces itself to one contact only, because its owner asked for it";
    Con2 = "CON-2", "an introduction has the contact's secret, and an offer of at most 300 bytes or a name to pay back";
    Con3 = "CON-3", "a payer's name comes with a signature by a key of the offer that it leads to";
    Con4 = "CON-4", "a payer's name counts only with a valid signature by a key of the offer that it leads to";
    Sta1 = "STA-1", "a static invoice has an invoice's time, key and paths and a path to the payee, and neither an amount, a payment hash nor a field of a request";
    Sta2 = "STA-2", "a static invoice is signed with the key that the offer names";
    Sta4 = "STA-4", "a static invoice repeats its offer byte for byte";
    Sta5 = "STA-5", "what is paid for a static invoice is the request's amount or the offer's price, within the payer's limit";
    Sta7 = "STA-7", "an offer whose invoices others serve has paths, and names at most one chain";
    Sta8 = "STA-8", "whoever serves static invoices gets each over the path that it gave out for its slot, with a path for requests to the payee";
    Sta9 = "STA-9", "whoever has static invoices served names a slot, and gets paths for it over its own reply path";
    Uri1 = "URI-1", "a payment link is bitcoin:, an on-chain address or nothing, and percent-encoded UTF-8";
    Uri2 = "URI-2", "a key that begins with req- must be understood before the link may be used";
    Uri3 = "URI-3", "at least one of the link's offers can be read, and paid on this chain";
    Uri4 = "URI-4", "label, message and pop occur in a link at most once";
    Uri5 = "URI-5", "a link has at most one amount, in bitcoin with at most 8 decimals, not below the price";
    Uri7 = "URI-7", "a link that requires a proof of payment is paid only by a wallet that can give one";
    Uri9 = "URI-9", "a link has something to pay, and an amount only if its offer has none";
    Nam1 = "NAM-1", "a name is a user and a domain, with an @ between them";
    Nam2 = "NAM-2", "a name has only ASCII letters, digits, '-', '_' and '.' on each side of the @";
    Nam3 = "NAM-3", "a name is looked up under a DNS name, with 1 to 63 characters between two periods";
    Nam4 = "NAM-4", "exactly one of a name's TXT records begins with bitcoin:";
    Nam5 = "NAM-5", "the strings of a TXT record are in quotation marks, one after the other";
    Nam6 = "NAM-6", "the records of a name are signed from the root of the DNS down";
    Nam7 = "NAM-7", "a proof is a chain of DNS records whose signatures are valid now";
    Nam8 = "NAM-8", "a name is looked up again when its records have expired";
    Nam9 = "NAM-9", "a request carries the name that was looked up for its offer";
    Dns1 = "DNS-1", "a query has one DNS name, in printable ASCII, that ends with a period";
    Dns2 = "DNS-2", "a proof has the name of its query, and at most 65535 bytes of records";
    Dns3 = "DNS-3", "a query has a reply path, and only what arrives over it answers the query";
    Dns4 = "DNS-4", "a proof is for the name that was queried";
    D1 = "D1", "a refund, if signed, is signed with its payer key";
    D3 = "D3", "an amount is above zero, and at most the total supply of bitcoin";
    D4 = "D4", "a quantity is at least one";
    D5 = "D5", "a currency is three capital letters";
    D7 = "D7", "a message has at most 65535 bytes, the most an onion message could carry";
    D8 = "D8", "a list of paths has at least one path";
    D10 = "D10", "fields that repeat an earlier message must be valid in that message";
    D11 = "D11", "fields outside the ranges of a message are refused";
    D12 = "D12", "a name has something on each side of the @";
    D13 = "D13", "a subscription that was never paid has nothing to cancel";
}

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.id())
    }
}
