//! How much each part of a query counts: one shape for every catalogue. `docs/matching.md` says what each brings.

use serde::{Deserialize, Serialize};

use super::schema::PLACES;

/// The weights. Zero switches a part off.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// A word in the title.
    pub title: f32,
    /// In the description.
    pub description: f32,
    /// In the brand.
    pub brand: f32,
    /// In names and values of attributes.
    pub attributes: f32,
    /// In what people call the category.
    pub kind: f32,
    /// Two words of the title as one.
    pub joined: f32,
    /// A code or measure of the title.
    pub codes: f32,
    /// How much a long title counts against its words, 0 to 1.
    pub title_length: f32,
    /// The same of the other places.
    pub length: f32,
    /// How soon a word's repetitions stop to count.
    pub saturation: f32,
    /// What a stem counts beside the word itself.
    pub stem: f32,
    /// What another name counts beside the one that was said.
    pub synonym: f32,
    /// What a model number that begins alike counts beside the very one.
    pub model: f32,
    /// What a word one slip away counts, where nothing has the word itself.
    pub typo: f32,
    /// What the places beside the best one add.
    pub tie: f32,
    /// How rare a word is: 0 by place, 1 by item.
    pub rarity: f32,
    /// How much of the points hangs on how many of the words are there, 0 to 1.
    pub cover: f32,
    /// How steeply it does.
    pub steep: f32,
    /// For being of the category that the words seem to be about.
    pub inferred: f32,
    /// For the number of the very thing, which beats any words.
    pub number: f32,
    /// What a word of the text counts beside one of the title.
    pub text: f32,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            title: 2.0,
            description: 2.0,
            brand: 1.0,
            attributes: 0.3,
            kind: 0.5,
            joined: 2.0,
            codes: 2.0,
            title_length: 0.75,
            length: 0.75,
            saturation: 1.2,
            stem: 0.95,
            synonym: 0.6,
            model: 0.5,
            typo: 0.6,
            tie: 0.1,
            rarity: 0.0,
            cover: 0.6,
            steep: 1.0,
            inferred: 4.0,
            number: 100.0,
            text: 0.5,
        }
    }
}

impl Shape {
    /// The weights of the places, in their order.
    pub fn places(&self) -> [f32; PLACES] {
        [
            self.title,
            self.description,
            self.brand,
            self.attributes,
            self.kind,
            self.joined,
            self.codes,
        ]
    }
}
