//! Target `recurrence`: a subscription from its first payment on, and the attacks on it.
//!
//! The input is one stream that says everything, as for `mirror`: how the offer recurs, with which payment to
//! begin, and when.

#[cfg(not(feature = "recurrence"))]
pub use absent::check;
#[cfg(feature = "recurrence")]
pub use present::check;

#[cfg(not(feature = "recurrence"))]
mod absent {
    use bolt12::{Offer, TlvStream};

    /// TLV-4: an older reader takes no offer that it must understand.
    pub fn check(data: &[u8]) {
        let Ok(input) = TlvStream::read(data.to_vec()) else { return };
        if input.contains(1_000_000_024) || input.contains(1_000_000_026) {
            assert!(Offer::try_from(data).is_err());
        }
    }
}

#[cfg(feature = "recurrence")]
mod present {
    use bolt12::{
        AcceptedRequest, Arrival, ChainHash, ErrorKind, Invoice, InvoiceContext, InvoiceRequest, Msat, Offer,
        OfferBuilder, PaidPeriod, Recurrence, RecurrenceContext, RecurrenceRequest, RequestArrival, RequestContext,
        Rule, SentTo, TlvStream, UnixTime, Unsigned, UsableOffer,
    };

    use crate::checks::periods::{self, TYPES};
    use crate::checks::{errors, keys, mirror, walk};

    /// Pays an offer that recurs, four times.
    pub fn check(data: &[u8]) {
        let Ok(input) = TlvStream::read(data.to_vec()) else { return };
        let Ok(offer) = Offer::try_from(mirror::offer_of(&input)) else { return };
        periods::offer(&offer);
        let Some(recurrence) = offer.recurrence() else { return };
        rebuild(&offer, recurrence);
        let chain = offer.chains().and_then(|chains| chains.iter().next()).unwrap_or(ChainHash::BITCOIN);
        let usable = offer.usable(UnixTime(0), &[chain]).expect("before any expiry, on its first chain");
        subscribe(&input, usable, recurrence);
    }

    /// What was read could have been built, byte for byte.
    fn rebuild(offer: &Offer, recurrence: Recurrence) {
        let builder = OfferBuilder::new(keys::issuer().public_key()).description("again").amount_msat(Msat(1));
        let again = builder.recurrence(recurrence).build().expect("it was valid");
        let records = |offer: &Offer| -> Vec<Vec<u8>> {
            let ours = offer.records().filter(|record| TYPES.contains(&record.number()));
            ours.map(|record| record.as_bytes().to_vec()).collect()
        };
        assert_eq!(records(&again), records(offer));
    }

    /// Asks for four payments in a row, each in its window, and sees that nothing else is answered.
    fn subscribe(input: &TlvStream, usable: UsableOffer<'_>, recurrence: Recurrence) {
        let offer = usable.offer();
        let first = mirror::number(input, 164).unwrap_or(1_800_000_000).min(1 << 40);
        // Whoever subscribes does so before the offer expires.
        let first = offer.absolute_expiry().map_or(first, |expiry| first.min(expiry.0));
        let start = recurrence.base.map(|_| mirror::number(input, TYPES[6]).unwrap_or(0) as u32);
        let basetime = recurrence.base.map_or(UnixTime(first), |base| base.basetime);
        let (chains, mut previous) = ([usable.chain()], None);
        for counter in 0..4 {
            let asked = RecurrenceRequest { counter, start, cancel: false };
            let built = mirror::request_builder(input, usable).recurrence(asked).build();
            let index = asked.period_index();
            let is_over = recurrence.limit.is_some_and(|limit| index > limit.get().into());
            let request = match built {
                Ok(unsigned) => unsigned.sign(keys::payer()).expect("the payer's key"),
                // What the input asks for besides may break another rule first.
                Err(error) => {
                    assert!(is_over || !error.rule().id().starts_with("REC"), "{error:#}");
                    return errors::any(&error);
                }
            };
            assert!(!is_over, "REC-5");
            walk::request(&request);
            assert_eq!(request.recurrence(), Some(asked));
            let Ok(window) = recurrence.pay_window(basetime, index) else { return };
            // The offer does not expire for those who go on (REC-13).
            let now = UnixTime(first.clamp(window.start().0, window.end().0));
            let context = context(offer, now, &chains);
            let subscription = RecurrenceContext { previous, is_paid: false, is_cancelled: false };
            refuse(&request, &context, &subscription, usable, input);
            let accepted = match request.accept_recurring(&context, &subscription) {
                Ok(accepted) => accepted,
                // The amount, the rate, an offer that expires before it begins, or a period of which nothing is left.
                Err(error) => {
                    let expected = [Rule::Rqr9, Rule::Rqr10, Rule::D3, Rule::Ofr9, Rule::Rec8];
                    // Or the calendar does not see the end of the period.
                    let is_far = (error.kind(), error.rule()) == (&ErrorKind::Overflow, Rule::Rec4);
                    assert!(is_far || expected.contains(&error.rule()), "{error:#}");
                    return errors::any(&error);
                }
            };
            let signer = accepted.node_id();
            let Some(unsigned) = answer(input, accepted, now, basetime, *window.end()) else { return };
            previous = Some(PaidPeriod { basetime, start });
            let Some(key) = keys::find(&signer.serialize()) else { continue };
            let invoice = unsigned.sign(key).expect("the key that was named");
            let first = (counter > 0).then_some(basetime);
            pay(&invoice, &request, &context, first);
        }
    }

    fn context<'a>(offer: &'a Offer, now: UnixTime, chains: &'a [ChainHash]) -> RequestContext<'a> {
        let last = offer.paths().and_then(|paths| paths.iter().next()).map(|path| path.last_blinded_node_id());
        let arrival = last.map_or(RequestArrival::Direct, RequestArrival::OfferPath);
        RequestContext { offer, arrival, now, chains, rate: mirror::rate(offer, 1), max_amount: None }
    }

    /// The answer is refused to whoever skips a payment, moves the start, goes on after cancelling, or does not
    /// subscribe at all.
    fn refuse(
        request: &InvoiceRequest,
        context: &RequestContext<'_>,
        subscription: &RecurrenceContext,
        usable: UsableOffer<'_>,
        input: &TlvStream,
    ) {
        let refused = |request: &InvoiceRequest, subscription: RecurrenceContext| {
            let error = request.accept_recurring(context, &subscription).map(drop).expect_err("an attack");
            errors::any(&error);
            error
        };
        let asked = request.recurrence().expect("it was asked for");
        let cancelled = refused(request, RecurrenceContext { is_cancelled: true, ..*subscription });
        assert_eq!((cancelled.kind(), cancelled.rule()), (&ErrorKind::Cancelled, Rule::Rec11));
        if let Some(previous) = subscription.previous {
            let skipped = refused(request, RecurrenceContext { previous: None, ..*subscription });
            assert_eq!((skipped.kind(), skipped.rule()), (&ErrorKind::PreviousUnpaid, Rule::Rec7));
            let other = PaidPeriod { start: Some(asked.start.map_or(0, |start| start ^ 1)), ..previous };
            let moved = refused(request, RecurrenceContext { previous: Some(other), ..*subscription });
            assert_eq!((moved.kind(), moved.rule()), (&ErrorKind::Differs, Rule::Rec4));
        }
        let single = request.accept(context).map(drop).expect_err("no single payment");
        assert!([Rule::Rec7, Rule::Ofr9].contains(&single.rule()), "{single:#}");
        let ends = mirror::request_builder(input, usable).recurrence(RecurrenceRequest { cancel: true, ..asked });
        // D13: nothing can be cancelled before it has begun.
        if asked.counter == 0 {
            assert_eq!(ends.build().expect_err("the first").rule(), Rule::D13);
            return;
        }
        let ends = ends.build().expect("as good as without").sign(keys::payer()).expect("the payer's key");
        assert_eq!(refused(&ends, *subscription).kind(), &ErrorKind::Cancelled);
    }

    /// A payer takes the invoice, and takes it no more if period 0 started at another time.
    fn pay(invoice: &Invoice, request: &InvoiceRequest, context: &RequestContext<'_>, basetime: Option<UnixTime>) {
        let sent_to = match context.arrival {
            RequestArrival::OfferPath(last) => SentTo::Path(last),
            _ => SentTo::IssuerId,
        };
        let context = InvoiceContext {
            request,
            sent_to,
            arrival: Arrival::OwnPath,
            now: context.now,
            chains: context.chains,
            max_amount: invoice.amount(),
        };
        assert_eq!(Invoice::try_from(invoice.as_bytes()).as_ref(), Ok(invoice));
        let payable = invoice.check_recurring(&context, basetime).expect("an honest invoice can be paid");
        assert_eq!(payable.amount(), invoice.amount());
        let refused = |basetime| {
            let error = invoice.check_recurring(&context, basetime).map(drop).expect_err("another subscription");
            errors::any(&error);
            error.rule()
        };
        let started = invoice.recurrence_basetime().expect("REC-9");
        assert_eq!(refused(Some(UnixTime(started.0 ^ 1))), Rule::Rec9);
        if basetime.is_some() {
            assert_eq!(refused(None), Rule::Rec7);
        }
        assert_eq!(invoice.check(&context).map(drop).expect_err("no single payment").rule(), Rule::Rec7);
    }

    /// The invoice, unless it cannot be built here.
    fn answer(
        input: &TlvStream,
        request: AcceptedRequest<'_>,
        now: UnixTime,
        basetime: UnixTime,
        until: UnixTime,
    ) -> Option<Unsigned<Invoice>> {
        let unsigned = match mirror::invoice_builder_at(input, request, now).build() {
            Ok(unsigned) => unsigned,
            Err(error) => {
                errors::any(&error);
                return None;
            }
        };
        walk::invoice(&unsigned);
        assert_eq!(unsigned.recurrence_basetime(), Some(basetime), "REC-9");
        assert!(unsigned.expires_at() <= Some(until), "REC-10");
        Some(unsigned)
    }
}
