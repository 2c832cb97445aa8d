//! What a payer tells a contact of itself.

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::contacts::contact::Contact;
use crate::exchange::payer::draft::Draft;
#[cfg(feature = "recurrence")]
use crate::exchange::payer::subscription::draft::SubscriptionDraft;
use crate::invoice_request::{Introduction, PayerIdentity};

impl Draft {
    /// Tells the contact who pays: the secret between the two, and how to pay back (CON-2). Without this a contact is
    /// paid as privately as anybody. Call it only if the payer asked for it, for this contact (CON-1), and show what
    /// [`reveals`](Self::reveals) lists then.
    ///
    /// Under a [name](PayerIdentity::Name), the payer has to have its [key](crate::exchange::Payer::named_by).
    ///
    /// # Errors
    ///
    /// `Unexpected` if the draft is for another offer than the contact's: whoever made that must not learn the secret
    /// (CON-1). An offer of more than 300 bytes, or a name without its key, is refused when the draft is
    /// [checked](Self::check) or started.
    pub fn introduce(mut self, contact: &Contact, payer: &PayerIdentity) -> Result<Self, Error> {
        if self.offer != *contact.offer() {
            return Err(Error::of(Field::INVREQ_CONTACT_SECRET, ErrorKind::Unexpected, Rule::Con1));
        }
        let custom = &mut self.choices.custom;
        custom.retain(|(number, _)| crate::field::find(&[crate::contacts::FIELDS], *number).is_none());
        custom.extend(Introduction::fields(&contact.secret(), payer));
        Ok(self)
    }
}

#[cfg(feature = "recurrence")]
impl SubscriptionDraft {
    /// Tells the contact who subscribes, with every payment: see [`Draft::introduce`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn introduce(mut self, contact: &Contact, payer: &PayerIdentity) -> Result<Self, Error> {
        self.draft = self.draft.introduce(contact, payer)?;
        Ok(self)
    }
}
