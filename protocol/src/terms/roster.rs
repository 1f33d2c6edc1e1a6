//! The terms that a customer may ask for, as this build knows them.
//!
//! The five capital ids are those of the public roster of IEEE 7012 and say which kind of terms is meant; each word of
//! their text here is ours, not the standard's. A change of any word is a new version, since agreements pin the hash.

use super::{Act, Clause, Kind, Terms};
use crate::limits::TERMS;

/// Documents in the roster.
pub(super) const LEN: usize = 8;

/// A set names each document once, so a set of known terms always fits.
const _: () = assert!(LEN <= TERMS);

const fn may(act: Act, sentence: &'static str) -> Clause {
    let kind = Kind::May;
    Clause { kind, act, sentence }
}

const fn must_not(act: Act, sentence: &'static str) -> Clause {
    let kind = Kind::MustNot;
    Clause { kind, act, sentence }
}

const fn must(act: Act, sentence: &'static str) -> Clause {
    let kind = Kind::Must;
    Clause { kind, act, sentence }
}

const NEEDED_ONLY: Clause = may(
    Act::Perform,
    "The seller may use what the customer tells for the service that was asked for, as far as that service needs it.",
);
const NEEDED_HANDS: Clause = may(
    Act::ShareToPerform,
    "The seller may hand a carrier or another helper just what that helper's part of the service needs, under these \
     same terms.",
);
const NOTHING_ELSE: Clause = must_not(
    Act::OtherUse,
    "The seller must not use, keep or hand on any of it for another end, unless another of the agreed terms allows \
     that end by name.",
);
const NO_TRACKING: Clause = must_not(
    Act::Track,
    "The seller must not follow the customer from this service to any other place, device or time.",
);
const NO_PROFILE: Clause = must_not(
    Act::Profile,
    "The seller must not build or feed a picture of the customer from it.",
);
const NO_SALE: Clause = must_not(
    Act::SellOn,
    "The seller must not sell it, rent it out or trade it for anything.",
);
const NO_NAMING: Clause = must_not(
    Act::Identify,
    "The seller must not try to find out, from it or with the help of other data, who the customer is.",
);
const REPORT: Clause = must(
    Act::ReportUse,
    "The seller must tell the customer, when asked, what it was used for, by whom and when.",
);

/// Days that data may outlive the intent under `ic:delete-after`.
const DELETE_AFTER_DAYS: u16 = 30;

pub(super) static ROSTER: [Terms; LEN] = [
    Terms {
        id: "SD-BASE",
        version: 1,
        title: "The service and nothing else",
        summary: "What I tell you is for the service I asked for; you neither track me nor sell what you learn.",
        clauses: &[
            NEEDED_ONLY,
            NEEDED_HANDS,
            NOTHING_ELSE,
            NO_TRACKING,
            NO_PROFILE,
            NO_SALE,
        ],
    },
    Terms {
        id: "SD-BASE-DP",
        version: 1,
        title: "The service and nothing else, and my data back",
        summary: "What I tell you is for the service I asked for, and I get a copy of all of it in an open form.",
        clauses: &[
            NEEDED_ONLY,
            NEEDED_HANDS,
            NOTHING_ELSE,
            NO_TRACKING,
            NO_PROFILE,
            NO_SALE,
            must(
                Act::ReturnData,
                "The seller must give the customer, when asked and without charge, everything that the service \
                 gathered about the customer, in an openly documented form that other software can read.",
            ),
        ],
    },
    Terms {
        id: "PDC-INTENT",
        version: 1,
        title: "My intent, for an answer",
        summary: "I tell you what I want so that you can answer me, and for that alone.",
        clauses: &[
            may(
                Act::AnswerIntent,
                "The seller may use the intent to find out whether it has something to offer, and to answer with \
                 offers until the intent closes.",
            ),
            must_not(
                Act::Contact,
                "The seller must not approach the customer about anything but this intent and what was agreed on it.",
            ),
            must_not(
                Act::Profile,
                "The seller must not add the intent to a picture of the customer or of the customer's household.",
            ),
            NO_SALE,
            NO_NAMING,
        ],
    },
    Terms {
        id: "PDC-AI",
        version: 1,
        title: "My data, to train a model",
        summary: "You may train models with what I contribute, as long as the model cannot give me away.",
        clauses: &[
            may(
                Act::TrainModels,
                "The seller may train and test models with the contributed data.",
            ),
            may(
                Act::Keep,
                "The seller may keep the contributed data while it trains with it, until the customer takes the \
                 contribution back.",
            ),
            must_not(
                Act::Identify,
                "The seller must not let a model repeat the contributed data or point to the customer.",
            ),
            must_not(
                Act::SellOn,
                "The seller must not sell or hand on the contributed data itself.",
            ),
            REPORT,
        ],
    },
    Terms {
        id: "PDC-GOOD",
        version: 1,
        title: "My data, for the common good",
        summary: "You may use what I contribute for research and services that serve everyone and earn no profit.",
        clauses: &[
            may(
                Act::Research,
                "The seller may use the contributed data for research and other work that is not for profit and whose \
                 results are open to everyone.",
            ),
            may(
                Act::Share,
                "The seller may hand the contributed data to others who do such work and take these same terms on.",
            ),
            NO_SALE,
            NO_NAMING,
            REPORT,
        ],
    },
    Terms {
        id: "ic:no-stalking",
        version: 1,
        title: "Leave me alone afterwards",
        summary: "You do not follow me, profile me or write to me once my intent is done.",
        clauses: &[
            NO_TRACKING,
            NO_PROFILE,
            must_not(
                Act::Contact,
                "The seller must not send advertising, reminders or new offers once the intent has closed, save what \
                 an agreement or its warranty calls for.",
            ),
        ],
    },
    Terms {
        id: "ic:no-resale",
        version: 1,
        title: "Do not pass it on",
        summary: "What I tell you stays with you and with those who have to deliver.",
        clauses: &[
            NO_SALE,
            must_not(
                Act::Share,
                "The seller must not give it to anyone who has no part in delivering what was agreed, free of charge \
                 or not.",
            ),
        ],
    },
    Terms {
        id: "ic:delete-after",
        version: 1,
        title: "Gone after thirty days",
        summary: "Thirty days after my intent has closed, all you know from it is gone.",
        clauses: &[
            must(
                Act::DeleteWithin(DELETE_AFTER_DAYS),
                "The seller must delete all data of the intent within 30 days after it closed; what law or the \
                 warranty of an agreement needs longer, within 30 days after that need ended.",
            ),
            must_not(
                Act::Keep,
                "The seller must not keep a copy, an extract or a fingerprint of it beyond that day.",
            ),
        ],
    },
];
