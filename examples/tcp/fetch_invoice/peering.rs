//! The nodes that are asked, and what becomes of the connections to them.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use bolt12::peer::{ConnectionError, OnionMessages};
use bolt12::secp256k1::PublicKey;

use super::failure::Failure;
use super::net::{Application, Link, Net};

/// How long to wait for one connection.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long to wait before connecting again.
const AGAIN: Duration = Duration::from_secs(1);

/// One node, and how far we are with it.
pub(crate) struct Target {
    pub(crate) id: PublicKey,
    pub(crate) address: String,
    stage: Stage,
    /// Whether it was connected at some time.
    pub(crate) was_up: bool,
    /// What it said in warnings.
    pub(crate) said: Vec<String>,
}

enum Stage {
    Idle(Instant),
    Connecting(Receiver<Result<TcpStream, String>>),
    Shaking(Arc<Link>),
    Up(Arc<Link>),
    Given(Failure),
}

impl Target {
    pub(crate) fn new(id: PublicKey, address: String) -> Self {
        Self { id, address, stage: Stage::Idle(Instant::now()), was_up: false, said: Vec::new() }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up(_))
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.stage {
            Stage::Given(failure) => Some(failure),
            _ => None,
        }
    }

    /// What is being done.
    pub(crate) fn doing(&self) -> String {
        match &self.stage {
            Stage::Idle(_) if self.was_up => format!("the connection is lost, connecting to {} again", self.address),
            Stage::Idle(_) | Stage::Connecting(_) => format!("connecting to {}", self.address),
            Stage::Shaking(_) => format!("shaking hands with {}", self.address),
            Stage::Up(_) => format!("connected to {}", self.address),
            Stage::Given(failure) => failure.text().to_owned(),
        }
    }

    /// Goes on. Returns whether it is connected since now.
    pub(crate) fn turn<A: Application>(&mut self, net: &Arc<Net<A>>) -> bool {
        let next = match &self.stage {
            Stage::Idle(at) if Instant::now() >= *at => Some(Stage::Connecting(dial(self.address.clone()))),
            Stage::Connecting(dialled) => match dialled.try_recv() {
                Ok(Ok(stream)) => Some(match net.connect(stream, self.id) {
                    Ok(link) => Stage::Shaking(link),
                    Err(why) => self.lost(self.cannot(&why)),
                }),
                Ok(Err(why)) => Some(self.lost(self.cannot(&why))),
                Err(_) => None,
            },
            Stage::Shaking(link) => match (link.init(), link.end()) {
                (Some(init), _) => Some(match init.onion_messages() {
                    OnionMessages::Accepted => Stage::Up(Arc::clone(link)),
                    takes => {
                        link.close();
                        Stage::Given(useless(self.id, takes))
                    }
                }),
                (None, Some(end)) => Some(self.lost(self.ended(&end))),
                (None, None) => None,
            },
            Stage::Up(link) => {
                self.said = link.said();
                link.end().map(|_| Stage::Idle(Instant::now() + AGAIN))
            }
            Stage::Idle(_) | Stage::Given(_) => None,
        };
        let was_up = self.is_up();
        if let Some(next) = next {
            self.stage = next;
        }
        self.was_up |= self.is_up();
        self.is_up() && !was_up
    }

    /// Who was there once may come back.
    fn lost(&self, failure: Failure) -> Stage {
        if self.was_up { Stage::Idle(Instant::now() + AGAIN) } else { Stage::Given(failure) }
    }

    fn cannot(&self, why: &str) -> Failure {
        Failure::new("cannot_connect", format!("cannot connect to {}: {why}", self.address))
    }

    fn ended(&self, end: &ConnectionError) -> Failure {
        let code = match end {
            ConnectionError::WrongNodeId { .. } => "wrong_node_id",
            ConnectionError::Refused { .. } => "hung_up",
            _ => "cannot_connect",
        };
        Failure::new(code, format!("cannot talk to {}: {end}", self.address))
    }
}

fn useless(id: PublicKey, takes: OnionMessages) -> Failure {
    match takes {
        OnionMessages::OnlyOverChannels => Failure::new(
            "only_over_channels",
            format!("{id} takes onion messages only from those who have a channel with it: ask another node"),
        ),
        _ => Failure::new("no_onion_messages", format!("{id} does not know onion messages: ask another node")),
    }
}

/// Connects, to the first of the addresses that answers.
fn dial(address: String) -> Receiver<Result<TcpStream, String>> {
    let (told, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut last = "the name stands for no address".to_owned();
        let found = address.to_socket_addrs().map_err(|error| error.to_string());
        let result = found.and_then(|addresses| {
            for address in addresses {
                match TcpStream::connect_timeout(&address, CONNECTING) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = error.to_string(),
                }
            }
            Err(last)
        });
        let _ = told.send(result);
    });
    hear
}
