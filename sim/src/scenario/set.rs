//! Other values for some of a scenario's keys: what a sweep varies, and what a command line overrides.

use toml::{Table, Value};

use super::{Error, Scenario};

impl Scenario {
    /// This scenario with other values for these dotted keys, as `gossipsub.d` or `attack[0].count`; judged anew.
    pub fn with(&self, changes: &[(String, Value)]) -> Result<Self, Error> {
        let mut table = Table::try_from(self).expect("a scenario is a table");
        for (key, value) in changes {
            put(&mut table, key, value.clone()).map_err(|why| Error::of_key(&self.name, key, why))?;
        }
        let text = toml::to_string(&table).expect("a table can be written");
        let changed = Self::parse(&self.name, &text);
        // Lines would be those of a text that nobody wrote.
        changed.map_err(|error| Error { at: None, ..error })
    }
}

/// A value as it would stand behind `=` in a scenario; what is no TOML is text.
pub fn value(text: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {text}")).ok();
    let read = read.and_then(|mut table| table.remove("value").filter(|_| table.is_empty()));
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn put(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let (part, rest) = match key.split_once('.') {
        Some((part, rest)) => (part, Some(rest)),
        None => (key, None),
    };
    let (name, index) = match part.split_once('[') {
        Some((name, index)) => {
            let index = index.strip_suffix(']').and_then(|index| index.parse::<usize>().ok());
            (
                name,
                Some(index.ok_or_else(|| format!("`{part}` is not of the form name[number]"))?),
            )
        }
        None => (part, None),
    };
    let slot = match index {
        None => table.entry(name).or_insert_with(|| Value::Table(Table::new())),
        Some(index) => {
            let items = table.get_mut(name).and_then(Value::as_array_mut);
            let there = items.as_ref().map_or(0, |items| items.len());
            let slot = items.and_then(|items| items.get_mut(index));
            slot.ok_or_else(|| format!("the scenario has {there} `[[{name}]]`, counted from 0"))?
        }
    };
    match rest {
        None => {
            *slot = value;
            Ok(())
        }
        Some(rest) => match slot {
            Value::Table(inner) => put(inner, rest, value),
            _ => Err(format!("`{part}` has no keys in it")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(key: &str, text: &str) -> Result<Scenario, Error> {
        let base = Scenario::parse("a.toml", "nodes = 50\n[[attack]]\nkind = \"sybil\"").expect("sound");
        base.with(&[(key.to_owned(), value(text))])
    }

    #[test]
    fn a_key_takes_another_value() {
        let d = changed("gossipsub.d", "10").expect("sound");
        assert_eq!((d.gossipsub.d, d.nodes), (10, 50));
        let latency = changed("links.latency", "{ uniform_ms = [5, 9] }").expect("sound");
        assert_eq!(latency.links.latency, super::super::Latency::UniformMs([5.0, 9.0]));
        assert_eq!(changed("attack[0].count", "7").expect("sound").attack[0].count, Some(7));
        assert_eq!(
            changed("churn.share", "0.5")
                .expect("sound")
                .churn
                .map(|churn| churn.share),
            Some(0.5)
        );
        assert_eq!(
            changed("level", "real").expect("sound").level,
            super::super::Level::Real
        );
    }

    #[test]
    fn a_wrong_key_or_value_is_told_without_a_line_that_nobody_wrote() {
        for (key, text, said) in [
            ("gossipsub.e", "10", "unknown field"),
            ("gossipsub.d", "[1]", "invalid type"),
            ("gossipsub.d", "99", "expected"),
            ("attack[1].count", "7", "has 1 `[[attack]]`"),
            ("attack[x].count", "7", "name[number]"),
            ("nodes.count", "7", "has no keys"),
        ] {
            let error = changed(key, text).expect_err(key);
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.at, None);
        }
    }
}
