//! Bytes as points on the curve.
#![no_main]

bolt12_fuzz::target!("point");
