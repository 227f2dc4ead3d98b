//! The facts of one server in a few words each: a row of the table, and the same words for programs.

use iis::feature::FeatureState;
use iis::redirection::Source;
use iis::{IP_RESTRICTION_MODULE, service::ServiceState};

use crate::facts::{Reading, ServerFacts};

impl ServerFacts {
    /// What each column shows, by the column's name.
    pub fn row(&self) -> Vec<(&'static str, String)> {
        vec![
            (
                "windows",
                told(&self.windows, |windows| {
                    or_none(windows.as_ref().map(|w| short(&w.product)))
                }),
            ),
            (
                "iis",
                told(&self.iis, |iis| or_none(iis.as_ref().map(ToString::to_string))),
            ),
            (
                "exchange",
                told(&self.exchange, |version| {
                    or_none(version.as_ref().map(|version| match version.product() {
                        Some(product) => format!("{} ({version})", short(&product.to_string())),
                        None => version.to_string(),
                    }))
                }),
            ),
            ("feature", told(&self.feature, feature)),
            ("module", told(&self.modules, |modules| module(modules))),
            ("services", self.services_in_words()),
            (
                "configuration",
                told(&self.source, |source| match source {
                    Source::Local => "local".to_owned(),
                    Source::Shared(_) => "shared".to_owned(),
                }),
            ),
            (
                "setup",
                told(&self.setup, |images| match images.is_empty() {
                    true => "no".to_owned(),
                    false => images.join(", "),
                }),
            ),
            ("free", told(&self.free_bytes, |bytes| room(*bytes))),
        ]
    }

    fn services_in_words(&self) -> String {
        let words = self.services.iter().filter_map(|(name, state)| match state {
            Ok(ServiceState::Running) => None,
            Ok(state) => Some(format!("{name} {state}")),
            Err(_) => Some(format!("{name} ?")),
        });
        let words: Vec<String> = words.collect();
        match words.is_empty() {
            true => "running".to_owned(),
            false => words.join(", "),
        }
    }
}

fn told<T>(reading: &Reading<T>, words: impl Fn(&T) -> String) -> String {
    reading.as_ref().map_or_else(|_| "?".to_owned(), words)
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "none".to_owned())
}

/// `Windows Server 2019 Standard` and `Exchange 2019` without what every row would say.
fn short(product: &str) -> String {
    let makers = ["Windows Server ", "Exchange "];
    let named = makers.iter().find_map(|maker| product.strip_prefix(maker));
    let product = named.unwrap_or(product);
    let editions = [" Standard", " Datacenter", " Enterprise"];
    let edition = editions.iter().find_map(|edition| product.strip_suffix(edition));
    edition.unwrap_or(product).to_owned()
}

fn feature(state: &FeatureState) -> String {
    match state {
        FeatureState::DisabledWithPayloadRemoved => "no payload".to_owned(),
        state => state.to_string().to_lowercase(),
    }
}

fn module(modules: &[String]) -> String {
    let is_listed = modules
        .iter()
        .any(|module| module.eq_ignore_ascii_case(IP_RESTRICTION_MODULE));
    if is_listed { "yes" } else { "no" }.to_owned()
}

/// `41.2 GB`, `180 MB`.
fn room(bytes: u64) -> String {
    const MB: u64 = 1024 * 1024;
    match bytes / MB {
        megabytes @ 0..1024 => format!("{megabytes} MB"),
        megabytes => format!("{}.{} GB", megabytes / 1024, megabytes % 1024 * 10 / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_short() {
        assert_eq!(short("Windows Server 2008 R2 Enterprise"), "2008 R2");
        assert_eq!(short("Windows Server 2019 Standard"), "2019");
        assert_eq!(short("Windows 7"), "Windows 7");
        assert_eq!(short("Exchange 2019"), "2019");
        assert_eq!(room(43_270_029_312), "40.2 GB");
        assert_eq!(room(1024 * 1024 * 1024), "1.0 GB");
        assert_eq!(room(180 * 1024 * 1024 + 5), "180 MB");
        assert_eq!(feature(&FeatureState::EnablePending), "enable pending");
    }
}
