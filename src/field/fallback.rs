//! On-chain fallbacks of an invoice.

use alloc::borrow::Cow;
use core::fmt;

use bitcoin::constants::ChainHash;
use bitcoin::hex::DisplayHex;
use bitcoin::{Address, KnownHrp, Network, WitnessProgram, WitnessVersion};

use super::{Cursor, Entries, Value, into_entries};
use crate::error::{Error, ErrorKind, Rule};

/// A witness version and program, valid or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fallback<'a> {
    /// The witness version; only 0 to 16 can be paid.
    pub version: u8,
    /// The witness program; only 2 to 40 bytes can be paid.
    pub program: Cow<'a, [u8]>,
}

impl<'a> Fallback<'a> {
    /// The fallback that pays a script.
    ///
    /// # Errors
    ///
    /// `InvalidFallback` if the script is not a witness program (IVW-8).
    pub fn from_script(script: &'a bitcoin::Script) -> Result<Self, Error> {
        // A version byte, a push of the program's length, and the program.
        match (script.witness_version(), script.as_bytes().get(2..)) {
            (Some(version), Some(program)) => Ok(Self { version: version.to_num(), program: Cow::Borrowed(program) }),
            _ => Err(Error::new(ErrorKind::InvalidFallback, Rule::Ivw8)),
        }
    }

    /// The witness program, unless the version is above 16, or the length is not between 2 and 40 or
    /// not right for the version (IVR-12).
    pub fn witness_program(&self) -> Option<WitnessProgram> {
        let version = WitnessVersion::try_from(self.version).ok()?;
        WitnessProgram::new(version, &self.program).ok()
    }

    /// The address on a chain, if it is a bitcoin chain and the fallback is valid (IVR-12).
    pub fn address(&self, chain: ChainHash) -> Option<Address> {
        let network = Network::try_from(chain).ok()?;
        Some(Address::from_witness_program(self.witness_program()?, KnownHrp::from(network)))
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let version = cursor.u8()?;
        let len = cursor.u16()?;
        Ok(Self { version, program: Cow::Borrowed(cursor.take(len.into())?) })
    }
}

impl fmt::Debug for Fallback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} program {}", self.version, self.program.as_hex())
    }
}

/// All fallbacks of an invoice, preferred ones first. Invalid ones are listed too; they have no
/// [address](Fallback::address).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fallbacks<'a>(&'a [u8]);

impl<'a> Fallbacks<'a> {
    /// The fallbacks.
    pub fn iter(&self) -> Entries<'a, Fallback<'a>> {
        Entries::new(self.0, Fallback::read)
    }
}

into_entries!(Fallbacks, Fallback<'a>);

/// The lengths must add up (TLV-3); anything else that is wrong with a fallback is not fatal (IVR-12).
impl<'a> Value<'a> for Fallbacks<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        while !cursor.is_at_end() {
            Fallback::read(&mut cursor)?;
        }
        Ok(Self(value))
    }
}

impl fmt::Debug for Fallbacks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
