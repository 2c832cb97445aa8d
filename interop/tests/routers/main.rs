//! LDK's own routers, over a graph of channels that were announced: the paths they make for us lead to us, and cost
//! what LDK says. The nodes are `lightning` 0.2.

mod answer;
mod gossip;
mod message;
#[path = "../../../tests/common/messages.rs"]
mod messages;
#[path = "../../../tests/common/naive.rs"]
mod naive;
mod net;
mod payment;
