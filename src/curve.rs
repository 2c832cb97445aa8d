//! Whether 33 bytes are a point on secp256k1, without a square root.
//!
//! A compressed point is valid if its x is below p and x³ + 7 is a square modulo p (SEC 1, 2.3.4). Finding y takes the
//! square root itself; that there is one takes only the Jacobi symbol of x³ + 7 over p, which is a matter of
//! subtractions and shifts like a greatest common divisor, and costs a quarter. Points that are only carried along
//! are checked here; who computes with one has libsecp256k1 decompress it.
//!
//! **The algorithm** is the binary one (Shallit and Sorenson, *A binary algorithm for the Jacobi symbol*, 1993). With
//! b odd and positive, the symbol (a/b) stays the same but for the signs that are noted:
//!
//! - a/2 takes the place of an even a; the sign changes if b is 3 or 5 modulo 8
//! - if both are odd, the greater becomes a, by swapping them if need be; the sign changes then if both are 3 modulo 4
//! - a − b takes the place of an a that is greater than b
//!
//! At b = 1 the symbol is 1. **It ends** because each subtraction makes a + b smaller, and no step makes either
//! negative.
//!
//! **The speed** comes from doing up to 61 halvings in two machine words (Lehmer 1938; Pornin, *Optimized Binary GCD
//! for Modular Inversion*, 2020). A batch knows the lowest 64 bits of each number, which tell parities and signs
//! exactly, and the highest 64, which tell the greater one. It keeps account of what it does as factors, and applies
//! them to the whole numbers at its end. Rounding makes the high bits a little wrong; where that could matter the batch
//! stops, so that each decision is the right one and nothing has to be mended. If it stops at once, the whole numbers
//! are compared.
//!
//! **Public data only**: time depends on the point. Nothing here is for secrets.

/// A number of 256 bits, its lowest 64 first.
type Number = [u64; 4];

/// The size of the field, 2^256 − [`SHORT`].
const P: Number = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];

/// By how much p falls short of 2^256.
const SHORT: u64 = 0x1_0000_03d1;

const ONE: Number = [1, 0, 0, 0];

/// Whether these bytes are a point in its compressed form. Agrees with libsecp256k1.
pub(crate) fn is_point([prefix, x @ ..]: &[u8; 33]) -> bool {
    let x = number(x);
    if !matches!(prefix, 2 | 3) || !is_less(&x, &P) {
        return false;
    }
    // Never 0 modulo p: the order of the group is odd, so no point has a y of 0.
    is_one(plus(times(&times(&x, &x), &x), 7), P)
}

/// A number from its bytes, the highest first.
fn number(bytes: &[u8; 32]) -> Number {
    let mut number = Number::default();
    for (word, bytes) in number.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    number
}

fn is_less(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// The product modulo p, though not necessarily below p.
fn times(a: &Number, b: &Number) -> Number {
    let mut wide = [0; 8];
    for (at, a) in a.iter().enumerate() {
        let mut carry = 0;
        for (word, b) in wide.iter_mut().skip(at).zip(b) {
            (*word, carry) = split(u128::from(*a) * u128::from(*b) + u128::from(*word) + u128::from(carry));
        }
        if let Some(word) = wide.get_mut(at + 4) {
            *word = carry;
        }
    }
    // 2^256 is SHORT modulo p.
    let [mut product @ .., h0, h1, h2, h3] = wide;
    let mut carry = 0;
    for (word, high) in product.iter_mut().zip([h0, h1, h2, h3]) {
        (*word, carry) = split(u128::from(high) * u128::from(SHORT) + u128::from(*word) + u128::from(carry));
    }
    plus(product, u128::from(carry) * u128::from(SHORT))
}

/// The sum modulo p, though not necessarily below p, with a number that is far below 2^128.
fn plus(mut sum: Number, summand: u128) -> Number {
    let mut carry = summand;
    for word in &mut sum {
        let (low, high) = split(carry);
        let (low, more) = split(u128::from(low) + u128::from(*word));
        *word = low;
        carry = u128::from(high) + u128::from(more);
    }
    // What is left after a carry is small: there is no second one.
    if carry == 0 { sum } else { plus(sum, SHORT.into()) }
}

/// The low and the high half.
fn split(wide: u128) -> (u64, u64) {
    (wide as u64, (wide >> 64) as u64)
}

/// Whether the Jacobi symbol (a/b) is 1. `b` is odd; the symbol is 0 if the two have a common divisor.
fn is_one(mut a: Number, mut b: Number) -> bool {
    let mut sign = Sign(0);
    while b != ONE {
        #[cfg(test)]
        crate::work::step();
        if a == b || a == [0; 4] {
            return false;
        }
        let batch = Batch::of(&a, &b, &mut sign);
        if batch.halvings > 0 {
            (a, b) = batch.apply(&a, &b);
        } else {
            if is_less(&a, &b) {
                sign.swapped(a[0], b[0], u64::MAX);
                (a, b) = (b, a);
            }
            a = minus(&a, &b);
        }
    }
    !sign.is_minus()
}

/// The difference, which is not negative.
fn minus(a: &Number, b: &Number) -> Number {
    let mut difference = Number::default();
    let mut borrow = false;
    for ((word, a), b) in difference.iter_mut().zip(a).zip(b) {
        let (without, first) = a.overflowing_sub(*b);
        let (with, second) = without.overflowing_sub(borrow.into());
        (*word, borrow) = (with, first || second);
    }
    difference
}

/// The sign of the symbol, in bit 1 because that is where it comes from.
#[derive(Clone, Copy)]
struct Sign(u64);

impl Sign {
    /// Reciprocity: two odd numbers change places, if `mask` has all bits and not none.
    fn swapped(&mut self, a: u64, b: u64, mask: u64) {
        self.0 ^= a & b & mask;
    }

    /// The second supplement: so many factors of 2 are taken from above `b`.
    fn halved(&mut self, b: u64, times: u32) {
        self.0 ^= (b ^ b >> 1) & u64::from(times & 1).wrapping_neg();
    }

    fn is_minus(self) -> bool {
        self.0 & 2 != 0
    }
}

/// What several steps make of two numbers: one becomes `(u a − v b) / 2^halvings`, the other
/// `(y b − x a) / 2^halvings`, or both the negative of that.
struct Batch {
    /// u and v, for what stands above.
    above: [u64; 2],
    /// x and y, for what stands below.
    below: [u64; 2],
    halvings: u32,
    /// All bits if it is the negative.
    negative: u64,
}

impl Batch {
    /// As many as leave three of 64 bits, which are needed for the sign.
    const MAX_HALVINGS: u32 = 61;

    /// By how much high bits must differ to tell the greater number. They are rounded down when they are taken and with
    /// each halving, and errors add up when they are subtracted: after n subtractions each is less than n + 2 too low
    /// or too high, and n is at most 60 when two are compared.
    const MARGIN: u64 = 127;

    /// The steps, as far as 64 bits of each end tell them. `b` is odd.
    #[inline]
    fn of(whole_a: &Number, whole_b: &Number, sign: &mut Sign) -> Self {
        let (mut a, mut b) = (whole_a[0], whole_b[0]);
        let ([mut high_a, mut high_b], margin) = high_bits(whole_a, whole_b);
        let (mut above, mut below) = ([1, 0], [0, 1]);
        let mut negative = 0;

        let mut left = Self::MAX_HALVINGS;
        let even = (a | 1 << left).trailing_zeros();
        sign.halved(b, even);
        left -= even;
        (a, high_a, below) = (a >> even, high_a >> even, below.map(|factor| factor << even));
        while left > 0 {
            // Masks instead of branches, which nobody could predict.
            let (difference, is_less) = high_a.overflowing_sub(high_b);
            let swap = u64::from(is_less).wrapping_neg();
            let distance = negate_if(swap, difference);
            if distance <= margin {
                break;
            }
            sign.swapped(a, b, swap);
            negative ^= swap;
            let difference = a.wrapping_sub(b);
            let even = (difference | 1 << left).trailing_zeros();
            let ([u, v], [x, y]) = (above, below);
            below = [choose(swap, u, x) << even, choose(swap, v, y) << even];
            above = [u + x, v + y];
            (b, high_b) = (choose(swap, a, b), choose(swap, high_a, high_b));
            (a, high_a) = (negate_if(swap, difference) >> even, distance >> even);
            sign.halved(b, even);
            left -= even;
        }
        Self { above, below, halvings: Self::MAX_HALVINGS - left, negative }
    }

    /// The numbers that the steps lead to. There is at least one halving.
    #[inline]
    fn apply(&self, a: &Number, b: &Number) -> (Number, Number) {
        let ([u, v], [x, y]) = (self.above, self.below);
        match self.negative {
            0 => (self.combine([u, v], a, b), self.combine([y, x], b, a)),
            _ => (self.combine([v, u], b, a), self.combine([x, y], a, b)),
        }
    }

    /// `(u a − v b) / 2^halvings`, which is a whole number of at most 256 bits, and positive.
    ///
    /// No factor exceeds 2^halvings: a step at most doubles it, and halves at least once.
    #[inline]
    fn combine(&self, [u, v]: [u64; 2], a: &Number, b: &Number) -> Number {
        let mut wide = Number::default();
        let mut carry = 0;
        for ((word, a), b) in wide.iter_mut().zip(a).zip(b) {
            let sum = (u128::from(u) * u128::from(*a)) as i128 - (u128::from(v) * u128::from(*b)) as i128 + carry;
            (*word, carry) = (sum as u64, sum >> 64);
        }
        let (down, up) = (self.halvings, 64 - self.halvings);
        let [w0, w1, w2, w3] = wide;
        [w0 >> down | w1 << up, w1 >> down | w2 << up, w2 >> down | w3 << up, w3 >> down | (carry as u64) << up]
    }
}

/// The highest 64 bits of both numbers, at the same place, and how close is too close to tell which is greater:
/// nothing if these are all the bits there are.
#[inline]
fn high_bits(a: &Number, b: &Number) -> ([u64; 2], u64) {
    let pairs = a.windows(2).zip(b.windows(2)).rev();
    for (a, b) in pairs {
        match (a, b) {
            ([low_a, high_a], [low_b, high_b]) if high_a | high_b != 0 => {
                let up = (high_a | high_b).leading_zeros();
                let top = |high: u64, low: u64| split((u128::from(high) << 64 | u128::from(low)) << up).1;
                return ([top(*high_a, *low_a), top(*high_b, *low_b)], Batch::MARGIN);
            }
            _ => {}
        }
    }
    ([a[0], b[0]], 0)
}

/// One of two, by a mask of all bits or none.
fn choose(mask: u64, a: u64, b: u64) -> u64 {
    b ^ (a ^ b) & mask
}

fn negate_if(mask: u64, a: u64) -> u64 {
    (a ^ mask).wrapping_sub(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn big(number: &Number) -> BigUint {
        BigUint::from_bytes_le(number.map(u64::to_le_bytes).as_flattened())
    }

    fn p() -> BigUint {
        (BigUint::from(1u8) << 256) - (1u64 << 32) - 977u32
    }

    fn small(number: u64) -> BigUint {
        number.into()
    }

    /// The Jacobi symbol as textbooks define it, by Euclid's algorithm.
    fn jacobi(mut a: BigUint, mut n: BigUint) -> i8 {
        let mut symbol = 1;
        a %= &n;
        while a != small(0) {
            while !a.bit(0) {
                a >>= 1;
                if [small(3), small(5)].contains(&(&n % small(8))) {
                    symbol = -symbol;
                }
            }
            (a, n) = (n, a);
            if &a % small(4) == small(3) && &n % small(4) == small(3) {
                symbol = -symbol;
            }
            a %= &n;
        }
        if n == small(1) { symbol } else { 0 }
    }

    /// Numbers of all lengths, with long runs of equal bits, and those around the edges.
    fn any_number() -> impl Strategy<Value = Number> {
        let word = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), (0u32..64).prop_map(|bit| 1 << bit)];
        prop_oneof![
            any::<Number>(),
            [word.clone(), word.clone(), word.clone(), word],
            (any::<Number>(), 0u32..256).prop_map(|(number, bits)| shifted(&number, bits)),
            (0u64..3).prop_map(|less| minus(&P, &[less, 0, 0, 0])),
            (0u64..3).prop_map(|more| plus(P, more.into())),
            (0u64..3).prop_map(|less| [u64::MAX - less, u64::MAX, u64::MAX, u64::MAX]),
        ]
    }

    fn shifted(number: &Number, down: u32) -> Number {
        from_big(big(number) >> down)
    }

    fn from_big(number: BigUint) -> Number {
        let mut bytes = number.to_bytes_le();
        bytes.resize(32, 0);
        let mut words = bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
        [(); 4].map(|()| words.next().unwrap())
    }

    fn odd() -> impl Strategy<Value = Number> {
        any_number().prop_map(|[low, rest @ ..]| {
            let [a, b, c] = rest;
            [low | 1, a, b, c]
        })
    }

    // A batch takes off up to 61 bits. One by one, it would take hundreds of steps.
    #[test]
    fn a_symbol_takes_a_few_batches() {
        let mut number = [1, 2, 3, 4];
        let mut most = 0;
        for _ in 0..1_000 {
            number = times(&number, &[0x9e37_79b9_7f4a_7c15, 7, 11, 13]);
            most = most.max(crate::work::steps(|| _ = is_one(number, P)));
        }
        assert!((1..10).contains(&most), "{most}");
    }

    #[test]
    fn the_constants_are_those_of_the_curve() {
        assert_eq!(big(&P), p());
        assert_eq!(small(SHORT), (small(1) << 256) - p());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn products_and_sums_are_right(a in any_number(), b in any_number(), c in any::<u64>()) {
            prop_assert_eq!(big(&times(&a, &b)) % p(), big(&a) * big(&b) % p());
            prop_assert_eq!(big(&plus(a, c.into())) % p(), (big(&a) + c) % p());
            prop_assert_eq!(is_less(&a, &b), big(&a) < big(&b));
            let (less, more) = if is_less(&a, &b) { (a, b) } else { (b, a) };
            prop_assert_eq!(big(&minus(&more, &less)), big(&more) - big(&less));
        }

        #[test]
        fn bytes_are_read_in_order(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(big(&number(&bytes)), BigUint::from_bytes_be(&bytes));
        }

        /// Any odd number below, not only p: composite ones, those with common divisors, and close neighbours.
        #[test]
        fn the_symbol_is_right(a in any_number(), b in odd(), divisor in odd(), near in 0u64..300) {
            let check = |a: &Number, b: &Number| {
                prop_assert_eq!(is_one(*a, *b), jacobi(big(a), big(b)) == 1, "{:?} over {:?}", a, b);
                Ok(())
            };
            check(&a, &b)?;
            check(&a, &P)?;
            check(&b, &divisor)?;
            // With a common divisor.
            let product = |a: &Number| from_big(big(&shifted(a, 128)) * big(&shifted(&divisor, 128)));
            let [low, rest @ ..] = product(&b);
            if low & 1 == 1 {
                let [b1, b2, b3] = rest;
                check(&product(&a), &[low, b1, b2, b3])?;
            }
            // So near that high bits do not tell which is greater.
            if b[0] > near {
                check(&[b[0] - near, b[1], b[2], b[3]], &b)?;
                check(&b, &[(b[0] - near) | 1, b[1], b[2], b[3]])?;
            }
        }

        /// Each step's result is what the factors say, and as small as is claimed.
        #[test]
        fn a_batch_leads_to_whole_numbers(a in any_number(), b in odd()) {
            prop_assume!(a != b && a != [0; 4]);
            let batch = Batch::of(&a, &b, &mut Sign(0));
            let most = 1 << batch.halvings;
            prop_assert!(batch.above.iter().chain(&batch.below).all(|factor| *factor <= most));
            prop_assert!(batch.halvings <= Batch::MAX_HALVINGS);
            if batch.halvings > 0 {
                let (next_a, next_b) = batch.apply(&a, &b);
                prop_assert!(big(&next_a) + big(&next_b) < big(&a) + big(&b));
                prop_assert!(next_b[0] & 1 == 1 && next_a != [0; 4]);
                let ([u, v], [x, y]) = (batch.above, batch.below);
                let (a, b, next_a, next_b) = (big(&a), big(&b), big(&next_a) << batch.halvings, big(&next_b) << batch.halvings);
                if batch.negative == 0 {
                    prop_assert_eq!((&a * u, &b * y), (next_a + &b * v, next_b + &a * x));
                } else {
                    prop_assert_eq!((&b * v, &a * x), (next_a + &a * u, next_b + &b * y));
                }
            }
        }
    }
}
