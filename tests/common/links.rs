//! The corpus of links, `tests/data/links.txt`.

pub(crate) const FREE: &str = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
pub(crate) const DOLLARS: &str =
    "lno1qcp4256ypqpzwyq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";
pub(crate) const TESTNET: &str = "lno1qgsyxjtl6luzd9t3pr62xr7eemp6awnejusgf6gw45q75vcfqqqqqqq2p32x2um5ypmx2cm5dae8x93pqthvwfzadd7jejes8q9lhc4rvjxd022zv5l44g6qah82ru5rdpnpj";
const BOLT11: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";

/// A line: what we say, what they say, why that differs, and the link.
pub(crate) struct Line {
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
    pub(crate) why: &'static str,
    pub(crate) short: &'static str,
    pub(crate) link: String,
}

/// An offer for 1000 sat.
pub(crate) fn priced() -> String {
    use bolt12::{Msat, OfferBuilder};
    let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse().unwrap();
    OfferBuilder::new(key).description("tea").amount_msat(Msat(1_000_000)).build().unwrap().to_string()
}

pub(crate) fn lines() -> Vec<Line> {
    let lines = include_str!("../data/links.txt").lines().filter(|line| !line.starts_with('#'));
    let line = |line: &'static str| {
        let parts: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let [ours, theirs, why, short] = parts.try_into().unwrap();
        let link = short
            .replace("{o}", FREE)
            .replace("{O}", &FREE.to_uppercase())
            .replace("{p}", &priced())
            .replace("{u}", DOLLARS)
            .replace("{t}", TESTNET)
            .replace("{b}", &FREE.replacen('9', "b", 1))
            .replace("{i}", BOLT11);
        Line { ours, theirs, why, short, link }
    };
    lines.map(line).collect()
}
