//! Things that go with another thing: a case, a mount, a lamp for a projector.
//!
//! Who asks for a projector means the projector, yet "projector" stands in the title of each lamp and mount for one, and
//! first, since such titles are short. So what names such a thing that nobody asked for counts a little less.

use std::{collections::BTreeMap, sync::LazyLock};

use intentcast_protocol::intent::Language;

use super::cut::{Cutter, Token};

/// One of them a line, in all languages that have stemmers; at most 64 lines, a bit each.
const EXTRAS: &[&[(&str, &[&str])]] = &[
    &[
        ("en", &["accessory", "accessories"]),
        ("de", &["zubehör"]),
        ("fr", &["accessoire"]),
        ("es", &["accesorio"]),
        ("it", &["accessorio"]),
        ("nl", &["accessoire", "toebehoren"]),
        ("pt", &["acessório"]),
        ("sv", &["tillbehör"]),
    ],
    &[
        ("en", &["adapter", "adaptor"]),
        ("de", &["adapter"]),
        ("fr", &["adaptateur"]),
        ("es", &["adaptador"]),
        ("it", &["adattatore"]),
        ("nl", &["adapter"]),
        ("pt", &["adaptador"]),
        ("sv", &["adapter"]),
    ],
    &[("en", &["arm"])],
    &[
        ("en", &["bag", "pouch", "sleeve"]),
        ("de", &["tasche"]),
        ("fr", &["sac", "sacoche", "pochette"]),
        ("es", &["bolsa", "funda"]),
        ("it", &["borsa"]),
        ("nl", &["tas"]),
        ("pt", &["bolsa"]),
        ("sv", &["väska"]),
    ],
    &[
        ("en", &["battery", "batteries"]),
        ("de", &["akku", "batterie"]),
        ("fr", &["batterie"]),
        ("es", &["batería"]),
        ("it", &["batteria"]),
        ("nl", &["accu", "batterij"]),
        ("pt", &["bateria"]),
        ("sv", &["batteri"]),
    ],
    &[
        ("en", &["bracket", "mount", "holder", "rack"]),
        ("de", &["halterung", "halter"]),
        ("fr", &["support"]),
        ("es", &["soporte"]),
        ("it", &["supporto"]),
        ("nl", &["houder", "beugel"]),
        ("pt", &["suporte"]),
        ("sv", &["hållare", "fäste"]),
    ],
    &[
        ("en", &["cable", "lead", "cord"]),
        ("de", &["kabel"]),
        ("fr", &["câble"]),
        ("es", &["cable"]),
        ("it", &["cavo"]),
        ("nl", &["kabel"]),
        ("pt", &["cabo"]),
        ("sv", &["kabel"]),
    ],
    &[("en", &["caddy", "tray", "enclosure"])],
    &[
        ("en", &["cap", "cover", "skin", "shell"]),
        ("de", &["abdeckung"]),
        ("fr", &["housse"]),
        ("es", &["cubierta"]),
        ("it", &["copertura", "copri"]),
        ("nl", &["hoes"]),
        ("pt", &["capa"]),
        ("sv", &["skydd", "överdrag"]),
    ],
    &[
        ("en", &["case"]),
        ("de", &["hülle", "etui"]),
        ("fr", &["coque", "étui"]),
        ("es", &["estuche", "carcasa"]),
        ("it", &["custodia"]),
        ("nl", &["hoesje"]),
        ("pt", &["estojo"]),
        ("sv", &["fodral"]),
    ],
    &[
        ("en", &["charger"]),
        ("de", &["ladegerät", "netzteil"]),
        ("fr", &["chargeur"]),
        ("es", &["cargador"]),
        ("it", &["caricatore", "caricabatterie"]),
        ("nl", &["oplader", "lader"]),
        ("pt", &["carregador"]),
        ("sv", &["laddare"]),
    ],
    &[("en", &["dock"])],
    &[
        ("en", &["filter"]),
        ("de", &["filter"]),
        ("fr", &["filtre"]),
        ("es", &["filtro"]),
        ("it", &["filtro"]),
        ("nl", &["filter"]),
        ("pt", &["filtro"]),
        ("sv", &["filter"]),
    ],
    &[
        ("en", &["guard", "protector"]),
        ("de", &["schutzfolie"]),
        ("es", &["protector"]),
    ],
    &[("en", &["kit"])],
    &[
        ("en", &["lamp"]),
        ("de", &["lampe"]),
        ("fr", &["lampe"]),
        ("es", &["lámpara"]),
        ("it", &["lampada"]),
        ("nl", &["lamp"]),
        ("pt", &["lâmpada"]),
        ("sv", &["lampa"]),
    ],
    &[("en", &["pad"])],
    &[
        ("en", &["remote"]),
        ("de", &["fernbedienung"]),
        ("fr", &["télécommande"]),
        ("it", &["telecomando"]),
        ("nl", &["afstandsbediening"]),
        ("sv", &["fjärrkontroll"]),
    ],
    &[
        ("en", &["replacement", "spare"]),
        ("de", &["ersatz", "ersatzteil"]),
        ("fr", &["remplacement", "rechange"]),
        ("es", &["repuesto", "recambio"]),
        ("it", &["ricambio"]),
        ("nl", &["vervanging", "reserve"]),
        ("pt", &["reposição"]),
        ("sv", &["reservdel"]),
    ],
    &[("en", &["screw"]), ("de", &["schraube"])],
    &[
        ("en", &["stand"]),
        ("de", &["ständer"]),
        ("nl", &["standaard"]),
        ("sv", &["stativ", "ställ"]),
    ],
    &[("en", &["strap"]), ("de", &["riemen", "gurt"]), ("fr", &["sangle"])],
];

/// By term, so that plurals meet.
static BY_TERM: LazyLock<BTreeMap<String, u64>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for (bit, names) in EXTRAS.iter().enumerate().take(64) {
        for (code, words) in names.iter() {
            let Some(mut cutter) = Language::new(code).map(Cutter::of) else {
                continue;
            };
            for word in *words {
                *all.entry(cutter.term(word)).or_default() |= 1 << bit;
            }
        }
    }
    all
});

/// Those that a text names, a bit each.
pub fn named(cutter: &mut Cutter, text: &str) -> u64 {
    of_tokens(&cutter.cut(text))
}

/// Those that a text's words name, a bit each.
pub fn of_tokens(tokens: &[Token]) -> u64 {
    let bits = tokens.iter().map(|token| of_term(&token.term));
    bits.fold(0, |all, bit| all | bit)
}

/// The bit of one term, or none.
pub fn of_term(term: &str) -> u64 {
    BY_TERM.get(term).copied().unwrap_or(0)
}

/// What a person would call the first of these bits.
pub fn name(bits: u64) -> Option<&'static str> {
    EXTRAS.get(bits.trailing_zeros() as usize).map(|names| names[0].1[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_an_extra_in_any_number_and_a_bike_is_none() {
        assert!(EXTRAS.len() <= 64);
        let of = |code: &str, text| named(&mut Cutter::of(Language::new(code).unwrap()), text);
        assert_eq!(of("en", "Projector wall mounts"), of("en", "bracket"));
        assert_eq!(of("de", "H\u{fc}llen"), of("en", "case"));
        assert_eq!(of("en", "mountain bike"), 0);
        assert_eq!(name(of("en", "a spare lamp")), Some("lamp"));
    }
}
