use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const CONTEXT: &[u8] = b"a grant";

fn receiver() -> OneTime {
    OneTime::new([3; 32])
}

#[test]
fn what_is_sealed_opens_for_its_receiver_alone() {
    let sealed = seal(&receiver().public(), CONTEXT, b"ann@example.org", &[7; 32]).unwrap();
    assert_eq!(
        receiver().open(CONTEXT, &sealed).unwrap().as_slice(),
        b"ann@example.org"
    );
    assert_eq!(OneTime::new([4; 32]).open(CONTEXT, &sealed), Err(NotOpened));
    assert_eq!(receiver().open(b"another grant", &sealed), Err(NotOpened));
}

#[test]
fn a_secret_that_was_stored_is_the_same_secret() {
    let stored = receiver().bytes();
    assert_eq!(OneTime::new(*stored).public(), receiver().public());
    assert!(!format!("{:?}", receiver()).contains("0303"));
}

#[test]
fn nothing_is_sealed_to_a_point_of_low_order_and_nothing_opens_from_one() {
    // Zero, one, the two of order eight, and p - 1, p and p + 1, of which the last two are other spellings.
    let low = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for point in low {
        let key: SealKey = point.parse().unwrap();
        assert!(!key.is_sound(), "{point}");
        assert_eq!(seal(&key, CONTEXT, b"x", &[7; 32]), Err(NotSealed::LowOrder), "{point}");
        let mut forged = key.0.to_vec();
        forged.extend([0; 80]);
        assert_eq!(receiver().open(CONTEXT, &forged), Err(NotOpened), "{point}");
    }
    assert!(receiver().public().is_sound());
}

#[test]
fn a_length_tells_no_more_than_its_block() {
    let length = |bytes: usize| {
        seal(&receiver().public(), CONTEXT, &vec![b'x'; bytes], &[7; 32])
            .unwrap()
            .len()
    };
    assert_eq!((length(0), length(62), length(63)), (112, 112, 176));
    assert_eq!(length(SEALED_VALUE_BYTES), SEALED_BYTES);
    let long = vec![0; SEALED_VALUE_BYTES + 1];
    assert_eq!(
        seal(&receiver().public(), CONTEXT, &long, &[7; 32]),
        Err(NotSealed::TooLong(2049))
    );
}

#[test]
fn entropy_that_comes_twice_gives_other_keys_to_other_values() {
    let sender = |context: &[u8], value: &[u8]| {
        let sealed = seal(&receiver().public(), context, value, &[7; 32]).unwrap();
        sealed[..32].to_vec()
    };
    assert_ne!(sender(CONTEXT, b"a"), sender(CONTEXT, b"b"));
    assert_ne!(sender(b"ab", b"c"), sender(b"a", b"bc"));
}

#[test]
fn a_second_padding_of_the_same_value_is_refused() {
    let mut longer = padded(b"x");
    longer.resize(2 * SEALED_BLOCK_BYTES, 0);
    assert_eq!(unpadded(&longer), None);
    let mut marked = padded(b"x");
    marked[40] = 1;
    assert_eq!(unpadded(&marked), None);
    assert_eq!(unpadded(&[255, 255]), None);
    assert_eq!(unpadded(&[]), None);
    assert_eq!(unpadded(&padded(b"")).unwrap().as_slice(), b"");
}

/// What another language must come to, in `vectors/seal/v1.json`; `INTENTCAST_BLESS=1` writes it anew.
#[test]
fn the_golden_sealed_value_opens_and_is_made_again() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/seal/v1.json");
    let (once, context, value) = ([9; 32], b"intentcast/1/example", "1 Whitefriargate, Hull HU1 2ER");
    let sealed = seal_with(
        StaticSecret::from(once),
        &receiver().public(),
        context,
        value.as_bytes(),
    )
    .unwrap();
    let made = json!({
        "receiver_secret": hex(&*receiver().bytes()),
        "receiver_public": receiver().public(),
        "sender_secret": hex(&once),
        "context": hex(context),
        "value": value,
        "sealed": hex(&sealed),
    });
    if std::env::var_os("INTENTCAST_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(made, kept);
    let bytes = |field: &str| unhex(kept[field].as_str().unwrap()).unwrap();
    let secret = OneTime::new(bytes("receiver_secret").try_into().unwrap());
    let opened = secret.open(&bytes("context"), &bytes("sealed")).unwrap();
    assert_eq!(opened.as_slice(), value.as_bytes());
}

proptest! {
    #[test]
    fn every_value_comes_back_and_no_other_key_or_context_opens_it(
        secret in any::<[u8; 32]>(), other in any::<[u8; 32]>(), entropy in any::<[u8; 32]>(),
        context in proptest::collection::vec(any::<u8>(), 0..100),
        elsewhere in proptest::collection::vec(any::<u8>(), 0..100),
        value in proptest::collection::vec(any::<u8>(), 0..=SEALED_VALUE_BYTES),
    ) {
        let receiver = OneTime::new(secret);
        let sealed = seal(&receiver.public(), &context, &value, &entropy).unwrap();
        prop_assert!(sealed.len() <= SEALED_BYTES);
        prop_assert_eq!(&*receiver.open(&context, &sealed).unwrap(), &value);
        if elsewhere != context {
            prop_assert_eq!(receiver.open(&elsewhere, &sealed), Err(NotOpened));
        }
        let other = OneTime::new(other);
        if other.public() != receiver.public() {
            prop_assert_eq!(other.open(&context, &sealed), Err(NotOpened));
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_opens(
        value in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>(),
    ) {
        let sealed = seal(&receiver().public(), CONTEXT, &value, &[7; 32]).unwrap();
        let mut spoiled = sealed.clone();
        spoiled[at.index(sealed.len())] ^= 1_u8 << bit;
        prop_assert_eq!(receiver().open(CONTEXT, &spoiled), Err(NotOpened));
        prop_assert_eq!(receiver().open(CONTEXT, &sealed[..cut.index(sealed.len())]), Err(NotOpened));
    }

    #[test]
    fn any_bytes_are_refused_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(receiver().open(CONTEXT, &bytes), Err(NotOpened));
    }

    #[test]
    fn what_is_locked_unlocks_under_the_same_alone(
        key in any::<[u8; 32]>(), nonce in any::<[u8; NONCE]>(), plain in proptest::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
    ) {
        let locked = lock(&key, &nonce, b"here", &plain);
        prop_assert_eq!(&*unlock(&key, &nonce, b"here", &locked).unwrap(), &plain);
        prop_assert_eq!(unlock(&key, &nonce, b"there", &locked), Err(NotOpened));
        let mut spoiled = locked.clone();
        spoiled[at.index(locked.len())] ^= 1;
        prop_assert_eq!(unlock(&key, &nonce, b"here", &spoiled), Err(NotOpened));
    }
}
