//! Who is let in: everybody. Where there are too many, somebody else has to go.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bolt12::secp256k1::PublicKey;

use super::net::{Application, Link, Net};

/// How many connections there are at most, whether they have shaken hands or not.
const CONNECTIONS: usize = 256;

/// How long the next waits outside when somebody had to go for somebody else: 256 that come at once are not gone before
/// they could say anything.
const PAUSE: Duration = Duration::from_millis(15);

/// Those who are connected.
struct Guests {
    all: Vec<(IpAddr, Arc<Link>)>,
    /// Who is never sent away.
    named: Option<PublicKey>,
}

impl Guests {
    /// Returns the network of whoever had to go. Of the network that has the most connections it is the one that said
    /// nothing for longest. Who is named does not count.
    fn enter(&mut self, network: IpAddr, link: Arc<Link>) -> Option<IpAddr> {
        self.all.retain(|(_, link)| link.end().is_none());
        self.all.push((network, link));
        if self.all.len() <= CONNECTIONS {
            return None;
        }
        let named = self.named;
        let others = || self.all.iter().enumerate().filter(|(_, (_, link))| named.is_none() || link.node_id() != named);
        let mut counts = HashMap::<_, usize>::new();
        others().for_each(|(_, (network, _))| *counts.entry(*network).or_default() += 1);
        let (at, _) = others().max_by_key(|(_, (network, link))| (counts.get(network), Reverse(link.heard_at())))?;
        let (network, link) = self.all.swap_remove(at);
        link.close();
        Some(network)
    }
}

/// The address, or with IPv6 what somebody has at least who has one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// Lets peers in. Those who do not shake hands are sent away after some seconds.
pub(crate) fn open<A: Application>(
    listener: &TcpListener,
    net: &Arc<Net<A>>,
    named: Option<PublicKey>,
    closed: &AtomicBool,
) {
    let mut guests = Guests { all: Vec::new(), named };
    loop {
        let accepted = listener.accept();
        if closed.load(Ordering::Relaxed) {
            return;
        }
        let Ok((stream, address)) = accepted else {
            // Too many open files, for example: later there may be fewer.
            thread::sleep(Duration::from_millis(200));
            continue;
        };
        let Ok(link) = net.accept(stream) else { continue };
        let network = network(address.ip());
        if guests.enter(network, link).is_some_and(|left| left != network) {
            thread::sleep(PAUSE);
        }
    }
}
