#![no_main]
//! A want and an offer of strangers, held against each other and explained.

use intentcast_fuzz::{NOW, Pieces};
use intentcast_protocol::{
    codec::decode,
    intent::Intent,
    matching::{admits, likeness, score},
    offer::Offer,
    topic::for_intent,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut pieces = Pieces(bytes);
    let (Some((_, want)), Some((_, offer))) = (pieces.next(), pieces.next()) else {
        return;
    };
    let (Ok(intent), Ok(offer)) = (decode::<Intent>(want), decode::<Offer>(offer)) else {
        return;
    };
    let admission = admits(&intent, &offer);
    assert_eq!(admission.admitted(), admission.failures().next().is_none());
    let _ = admission.why_not();
    let _ = score(NOW, &intent, &offer).total();
    for line in &offer.lines {
        assert!(likeness(&intent, line) <= 1000);
    }
    let _ = intent.place.covered_by(&offer.serves);
    let _ = (intent.terms.explain(), intent.terms.conflicts(), intent.terms.hash());
    assert!(for_intent(intent.category, [intent.place.region.country.code()]).len() <= 1);
});
