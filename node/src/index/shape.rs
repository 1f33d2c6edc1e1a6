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
    /// A code or measure of the title.
    pub codes: f32,
    /// How much a long title counts against its words, 0 to 1.
    pub title_length: f32,
    /// The same of description and brand.
    pub length: f32,
    /// The same of the attributes: many of them are no fault.
    pub attributes_length: f32,
    /// How soon more of a word in more places stops to count.
    pub saturation: f32,
    /// What two words count where they are written as one, or one as two.
    pub joined: f32,
    /// What another name counts beside the one that was said.
    pub synonym: f32,
    /// What a model number that begins alike counts beside the very one.
    pub model: f32,
    /// What a word one slip away counts, where nothing has the word itself.
    pub typo: f32,
    /// How much of the points hangs on how many of the words are there, 0 to 1.
    pub cover: f32,
    /// For being of the category that the words seem to be about; all words together are worth 1.
    pub inferred: f32,
    /// What is taken off something that goes with the thing, where nobody asked for such: 0 to 1.
    pub extra: f32,
    /// For the number of the very thing, which beats any words.
    pub number: f32,
    /// What a word of the text counts beside one of the title.
    pub text: f32,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            title: 4.0,
            description: 3.0,
            brand: 0.5,
            attributes: 0.5,
            kind: 0.5,
            codes: 2.0,
            title_length: 0.6,
            length: 0.6,
            attributes_length: 0.5,
            saturation: 2.0,
            joined: 0.5,
            synonym: 0.2,
            model: 0.2,
            typo: 0.6,
            cover: 0.8,
            inferred: 0.08,
            extra: 0.15,
            number: 10.0,
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
            self.codes,
            self.title,
        ]
    }
}
