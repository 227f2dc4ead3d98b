//! The grammar: `APPCMD (command) (object-type) <identifier> </parameter1:value1 ...>`.

use super::failure::Failure;
use super::indexer::{self, Indexer, unescaped};

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Site,
    App,
    Vdir,
    AppPool,
    Config,
    Wp,
    Request,
    Module,
    Backup,
    Trace,
    Binding,
}

impl Object {
    /// The name as appcmd prints it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Site => "SITE",
            Self::App => "APP",
            Self::Vdir => "VDIR",
            Self::AppPool => "APPPOOL",
            Self::Config => "CONFIG",
            Self::Wp => "WP",
            Self::Request => "REQUEST",
            Self::Module => "MODULE",
            Self::Backup => "BACKUP",
            Self::Trace => "TRACE",
            Self::Binding => "BINDING",
        }
    }

    /// By singular or plural.
    fn parse(word: &str) -> Option<Self> {
        const ALL: [Object; 11] = [
            Object::Site,
            Object::App,
            Object::Vdir,
            Object::AppPool,
            Object::Config,
            Object::Wp,
            Object::Request,
            Object::Module,
            Object::Backup,
            Object::Trace,
            Object::Binding,
        ];
        let word = word.to_ascii_uppercase();
        ALL.into_iter()
            .find(|object| word.strip_suffix('S').unwrap_or(&word) == object.name() || word == object.name())
    }
}

/// How much configuration is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What the level says itself.
    Own,
    /// `/config:*`: with what it inherits.
    Inherited,
}

/// A parameter that is not one of the general ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parameter {
    /// `/name` or `/name:value`
    Named { name: String, value: Option<String> },
    /// `/+[...]`
    Add(Indexer),
    /// `/-[...]`
    Remove(Indexer),
    /// `/[...].name:value`
    Indexed {
        indexer: Indexer,
        name: String,
        value: String,
    },
}

/// One command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    /// In lower case.
    pub(super) verb: String,
    pub(super) object: Object,
    pub(super) identifier: Option<String>,
    pub(super) section: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) depth: Depth,
    pub(super) xml: bool,
    /// `/text:NAME`, `*` for everything.
    pub(super) text: Option<String>,
    pub(super) parameters: Vec<Parameter>,
    /// A general parameter that exists and is not simulated.
    pub(super) not_simulated: Option<String>,
}

impl Arguments {
    /// Takes the words of a command line apart.
    pub(super) fn parse(words: &[String]) -> Result<Self, Failure> {
        let verb = words
            .first()
            .map(|word| word.to_ascii_lowercase())
            .unwrap_or_default();
        let object = words.get(1).map(String::as_str).unwrap_or_default();
        let mut arguments = Self {
            verb,
            object: Object::parse(object).ok_or_else(|| Failure::unsupported_object(object))?,
            identifier: None,
            section: None,
            commit: None,
            depth: Depth::Own,
            xml: false,
            text: None,
            parameters: Vec::new(),
            not_simulated: None,
        };
        for word in words.get(2..).unwrap_or_default() {
            match word.strip_prefix(['/', '-']) {
                Some("") => arguments.not_simulated = Some("input from other commands ('-')".to_owned()),
                Some(parameter) => arguments.parameter(parameter)?,
                None if arguments.identifier.is_none() => arguments.identifier = Some(unescaped(word)),
                None => return Err(Failure::must_begin_with_slash(word)),
            }
        }
        arguments.take_identifier();
        Ok(arguments)
    }

    fn parameter(&mut self, text: &str) -> Result<(), Failure> {
        let edit = |rest: &str| {
            let (indexer, tail) = indexer::parse(rest)?;
            Ok((indexer, !tail.is_empty()))
        };
        if let Some(rest) = text.strip_prefix('+') {
            let (indexer, nested) = edit(rest)?;
            self.nested(nested);
            self.parameters.push(Parameter::Add(indexer));
            return Ok(());
        }
        if let Some(rest) = text.strip_prefix('-') {
            let (indexer, nested) = edit(rest)?;
            self.nested(nested);
            self.parameters.push(Parameter::Remove(indexer));
            return Ok(());
        }
        if text.starts_with('[') {
            let (indexer, tail) = indexer::parse(text)?;
            let attribute = tail.strip_prefix('.').and_then(|tail| tail.split_once(':'));
            let (name, value) = attribute.ok_or_else(Failure::malformed_indexer)?;
            self.nested(name.contains(['.', '[']));
            let (name, value) = (unescaped(name), unescaped(value));
            self.parameters.push(Parameter::Indexed { indexer, name, value });
            return Ok(());
        }
        let (name, value) = text
            .split_once(':')
            .map_or((text, None), |(name, value)| (name, Some(unescaped(value))));
        match (name.to_ascii_lowercase().as_str(), value) {
            ("xml", None) => self.xml = true,
            ("text", value) => self.text = value,
            ("config", value) => {
                self.depth = if value.as_deref() == Some("*") {
                    Depth::Inherited
                } else {
                    Depth::Own
                };
            }
            ("section", Some(value)) => self.section = Some(value),
            ("commit", Some(value)) => self.commit = Some(value),
            ("debug", None) => {}
            ("in" | "metadata", None) | ("apphostconfig", Some(_)) => {
                self.not_simulated = Some(format!("'appcmd' with '/{name}'"));
            }
            (_, value) => {
                let name = name.strip_prefix('!').unwrap_or(name);
                self.parameters.push(Parameter::Named {
                    name: unescaped(name),
                    value,
                });
            }
        }
        Ok(())
    }

    /// Elements inside of collection entries are not modelled.
    fn nested(&mut self, nested: bool) {
        if nested {
            self.not_simulated = Some("'appcmd' on elements inside of collection entries".to_owned());
        }
    }

    /// `/apppool.name:X` and the like name the object where a command needs one.
    fn take_identifier(&mut self) {
        if self.verb == "list" || self.object == Object::Config {
            return;
        }
        let wanted = format!("{}.name", self.object.name());
        let named = self.parameters.iter().position(
            |p| matches!(p, Parameter::Named { name, value: Some(_) } if name.eq_ignore_ascii_case(&wanted)),
        );
        if let Some(index) = named
            && self.identifier.is_none()
            && let Parameter::Named { value, .. } = self.parameters.remove(index)
        {
            self.identifier = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Depth, Object, Parameter};

    fn parse(line: &str) -> Result<Arguments, u32> {
        Arguments::parse(&command::quote::split(line)).map_err(|failure| failure.code())
    }

    #[test]
    fn general_parameters_identifiers_and_edits() {
        let line = "set config \"Default Web Site/x\" -section:a/b /+\"[ipAddress='192.0.2.10',allowed='True']\" \
                    /-[ipAddress='192.0.2.11'] /allowUnlisted:\"False\" /commit:apphost";
        let arguments = parse(line).expect("the grammar of the documentation");
        assert_eq!(
            (arguments.verb.as_str(), arguments.object),
            ("set", Object::Config)
        );
        assert_eq!(arguments.identifier.as_deref(), Some("Default Web Site/x"));
        assert_eq!(arguments.section.as_deref(), Some("a/b"));
        assert_eq!(arguments.commit.as_deref(), Some("apphost"));
        assert!(matches!(&arguments.parameters[0], Parameter::Add(i) if i.values.len() == 2));
        assert!(matches!(&arguments.parameters[1], Parameter::Remove(i) if i.values.len() == 1));
        let named = Parameter::Named {
            name: "allowUnlisted".to_owned(),
            value: Some("False".to_owned()),
        };
        assert_eq!(arguments.parameters[2], named);
    }

    #[test]
    fn plurals_dashes_and_named_identifiers() {
        let listed = parse("LIST wps -xml /config:*").expect("plurals are fine");
        assert_eq!(
            (listed.object, listed.xml, listed.depth),
            (Object::Wp, true, Depth::Inherited)
        );
        let recycled = parse("recycle apppool /apppool.name:\"A B\"").expect("by name");
        assert_eq!(
            (recycled.identifier.as_deref(), recycled.parameters.len()),
            (Some("A B"), 0)
        );
    }

    #[test]
    fn what_the_grammar_refuses() {
        assert_eq!(parse("list nosuch"), Err(87));
        assert_eq!(parse("list app a b"), Err(87));
        assert_eq!(parse("set config x /+[a=b]"), Err(87));
        assert_eq!(parse("list"), Err(87));
    }
}
