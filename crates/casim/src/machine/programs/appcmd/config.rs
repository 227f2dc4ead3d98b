//! `list|set|clear|lock|unlock config`.

use super::arguments::{Arguments, Depth, Parameter};
use super::failure::Failure;
use super::indexer::is_xml;
use super::render::{Element, document};
use super::target::{commit_path, file_name, level};
use super::{Call, Outcome, Refused};
use crate::machine::configuration::schema::{self, Lookup, OverrideMode, SectionSchema};
use crate::machine::configuration::{ConfigPath, Configuration, Directive, Edit, EditError, Values};

/// How long a commit takes after the edits are made, in simulated milliseconds.
const COMMITTING: u64 = 60;

/// The file of the whole server, as its errors name it.
const APPLICATION_HOST: &str = r"\\?\C:\Windows\system32\inetsrv\config\applicationHost.config";

/// Prints sections.
pub(super) fn list(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    supported(arguments)?;
    let state = call.machine().state();
    let configuration = &state.configuration;
    let level = level(configuration, arguments.identifier.as_deref())?;
    if let Some(parameter) = arguments.parameters.first() {
        return Err(Refused::NotSimulated(format!(
            "'appcmd list config' with the filter {parameter:?}"
        )));
    }
    let sections: Vec<&'static SectionSchema> = match &arguments.section {
        Some(name) => vec![section(configuration, name)?],
        None => schema::all(configuration.windows())
            .filter(|s| has_any(configuration, s, &level, arguments.depth))
            .collect(),
    };
    let mut bodies = Vec::new();
    for schema in sections {
        bodies.push((schema, body(configuration, schema, &level, arguments.depth)?));
    }
    if let Some(name) = &arguments.text
        && name != "*"
    {
        return text_of_attribute(configuration, &bodies, &level, name);
    }
    if arguments.xml {
        let element = |(schema, body): &(&'static SectionSchema, Element)| {
            let renamed = Element {
                name: schema.path.replace('/', "-"),
                open: true,
                ..body.clone()
            };
            Element::new("CONFIG")
                .attribute("CONFIG.SECTION", schema.path)
                .attribute("path", level.to_string())
                .attribute("overrideMode", "Inherit")
                .attribute("locked", configuration.locked(schema, &level).to_string())
                .child(renamed)
        };
        return Ok(Outcome::success(document(
            &bodies.iter().map(element).collect::<Vec<_>>(),
        )));
    }
    let mut text = String::new();
    for (schema, body) in bodies {
        let mut names: Vec<&str> = schema.path.split('/').collect();
        let innermost = Element {
            name: names.pop().unwrap_or_default().to_owned(),
            open: true,
            ..body
        };
        let nested = names
            .into_iter()
            .rev()
            .fold(innermost, |inner, name| Element::new(name).child(inner));
        nested.write(2, 0, &mut text);
    }
    Ok(Outcome::success(text))
}

/// `/text:allowUnlisted`: the effective value of one attribute for each section.
fn text_of_attribute(
    configuration: &Configuration,
    bodies: &[(&'static SectionSchema, Element)],
    level: &ConfigPath,
    name: &str,
) -> Result<Outcome, Refused> {
    let mut text = String::new();
    for (schema, _) in bodies {
        let attribute = schema
            .attribute(name)
            .ok_or_else(|| Failure::unknown_attribute(name))?;
        let effective = configuration
            .effective(schema, level)
            .map_err(|d| duplicate(schema, &d.key))?;
        text.push_str(&format!("{}\r\n", effective.attribute(schema, attribute.name)));
    }
    Ok(Outcome::success(text))
}

fn has_any(configuration: &Configuration, schema: &SectionSchema, level: &ConfigPath, depth: Depth) -> bool {
    depth == Depth::Inherited || configuration.levels_with(schema).contains(level)
}

/// The section element with its attributes and directives.
fn body(
    configuration: &Configuration,
    schema: &'static SectionSchema,
    level: &ConfigPath,
    depth: Depth,
) -> Result<Element, Failure> {
    let written = |name: &str, values: &Values| {
        values.iter().fold(Element::new(name), |element, (name, value)| {
            element.attribute(name, value)
        })
    };
    let collection = schema.collection.as_ref();
    let entry_name = collection.map_or("add", |c| c.element);
    match depth {
        Depth::Own => {
            let own = configuration.own(schema, level);
            let mut element = written("", &own.attributes);
            for directive in &own.directives {
                element.children.push(match directive {
                    Directive::Add(values) => written(entry_name, values),
                    Directive::Remove(values) => written("remove", values),
                });
            }
            Ok(element)
        }
        Depth::Inherited => {
            let effective = configuration
                .effective(schema, level)
                .map_err(|d| duplicate(schema, &d.key))?;
            let mut element = Element::new("");
            for attribute in schema.attributes {
                element = element.attribute(attribute.name, effective.attributes.effective(attribute));
            }
            for entry in &effective.entries {
                let attributes = collection.map(|c| c.attributes).unwrap_or_default();
                let full = attributes.iter().fold(Element::new(entry_name), |e, a| {
                    e.attribute(a.name, entry.effective(a))
                });
                element.children.push(full);
            }
            Ok(element)
        }
    }
}

/// Changes a section, all edits in one commit.
pub(super) async fn set(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let edits: Result<Vec<Edit>, Failure> = arguments
        .parameters
        .iter()
        .map(|parameter| match parameter {
            Parameter::Named { name, value } => Ok(Edit::Set {
                name: name.clone(),
                value: value.clone().ok_or_else(Failure::invalid_data)?,
            }),
            Parameter::Add(indexer) => Ok(Edit::Add {
                values: indexer.values.clone(),
                position: indexer.position,
            }),
            Parameter::Remove(indexer) => Ok(Edit::Remove {
                pattern: indexer.values.clone(),
            }),
            Parameter::Indexed { indexer, name, value } => Ok(Edit::SetInEntry {
                pattern: indexer.values.clone(),
                name: name.clone(),
                value: value.clone(),
            }),
        })
        .collect();
    commit(call, arguments, &edits?).await
}

/// Takes a section's own content away, or single attributes of it.
pub(super) async fn clear(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    let mut edits = Vec::new();
    for parameter in &arguments.parameters {
        match parameter {
            // The location tag goes with its last section anyway.
            Parameter::Named { name, .. } if name.eq_ignore_ascii_case("delete") => {}
            Parameter::Named { name, .. } => edits.push(Edit::Unset { name: name.clone() }),
            Parameter::Add(_) | Parameter::Remove(_) | Parameter::Indexed { .. } => {
                return Err(Refused::NotSimulated(
                    "'appcmd clear config' of single entries".to_owned(),
                ));
            }
        }
    }
    if edits.is_empty() {
        edits.push(Edit::Clear);
    }
    commit(call, arguments, &edits).await
}

async fn commit(call: &Call<'_, '_>, arguments: &Arguments, edits: &[Edit]) -> Result<Outcome, Refused> {
    supported(arguments)?;
    let mut draft = call.machine().state().configuration.clone();
    let read = draft.stamp();
    let level = level(&draft, arguments.identifier.as_deref())?;
    let name = arguments
        .section
        .as_deref()
        .ok_or_else(|| Failure::must_specify("CONFIG"))?;
    let schema = section(&draft, name)?;
    let file = commit_path(arguments.commit.as_deref(), &level)?;
    if call.faults().section_locked.is_on() {
        return Err(Failure::locked(APPLICATION_HOST).into());
    }
    draft
        .edit(schema, &level, &file, edits)
        .map_err(|error| refused(error, &file_name(&draft, &file)))?;
    call.work(COMMITTING).await;
    let announced = format!(
        "Applied configuration changes to section \"{}\" for \"{level}\" at configuration commit path \"{file}\"\r\n",
        schema.path
    );
    let texts = edits.iter().flat_map(texts);
    if texts.into_iter().any(|text| !is_xml(&text)) || call.faults().commit_fails_late.take() {
        return Err(Failure::not_xml(announced).into());
    }
    let mut state = call.machine().state();
    if call.faults().file_changed_on_disk.take() || state.configuration.stamp() != read {
        return Err(Failure::changed_on_disk(announced).into());
    }
    state.commit(draft);
    Ok(Outcome::success(announced))
}

/// Every value that an edit writes.
fn texts(edit: &Edit) -> Vec<String> {
    match edit {
        Edit::Set { value, .. } | Edit::SetInEntry { value, .. } => vec![value.clone()],
        Edit::Add { values, .. } => values.iter().map(|(_, value)| value.clone()).collect(),
        Edit::Remove { .. } | Edit::Unset { .. } | Edit::Clear => Vec::new(),
    }
}

/// Locks or unlocks a section from a level down.
pub(super) fn lock(call: &Call<'_, '_>, arguments: &Arguments) -> Result<Outcome, Refused> {
    supported(arguments)?;
    let mut state = call.machine().state();
    let level = level(&state.configuration, arguments.identifier.as_deref())?;
    let name = arguments
        .section
        .as_deref()
        .ok_or_else(|| Failure::must_specify("CONFIG"))?;
    let schema = section(&state.configuration, name)?;
    let (mode, done) = if arguments.verb == "lock" {
        (OverrideMode::Deny, "Locked")
    } else {
        (OverrideMode::Allow, "Unlocked")
    };
    let mut draft = state.configuration.clone();
    draft.set_mode(schema, &level, mode);
    state.commit(draft);
    Ok(Outcome::success(format!(
        "{done} section \"{}\" at configuration path \"{level}\".\r\n",
        schema.path
    )))
}

fn supported(arguments: &Arguments) -> Result<(), Refused> {
    arguments
        .not_simulated
        .clone()
        .map_or(Ok(()), |what| Err(Refused::NotSimulated(what)))
}

fn section(configuration: &Configuration, name: &str) -> Result<&'static SectionSchema, Refused> {
    match schema::find(name, configuration.windows()) {
        Lookup::Known(schema) => Ok(schema),
        Lookup::Unmodelled(path) => Err(Refused::NotSimulated(format!("the section '{path}'"))),
        Lookup::Unknown => Err(Failure::unknown_section(name).into()),
    }
}

fn duplicate(schema: &SectionSchema, key: &[String]) -> Failure {
    let collection = schema.collection.as_ref();
    Failure::duplicate(
        collection.map_or("add", |c| c.element),
        collection.map_or(&[], |c| c.keys),
        key,
    )
}

fn refused(error: EditError, file: &str) -> Refused {
    match error {
        EditError::Locked | EditError::AppHostOnly => Failure::locked(file).into(),
        EditError::UnknownAttribute { name } if name.contains('.') => {
            Refused::NotSimulated(format!("the nested attribute '{name}'"))
        }
        EditError::UnknownAttribute { name } => Failure::unknown_attribute(&name).into(),
        EditError::InvalidValue | EditError::MissingKey => Failure::invalid_data().into(),
        EditError::NoCollection => Failure::malformed_indexer().into(),
        EditError::Duplicate {
            keys,
            values,
            element,
        } => Failure::duplicate(element, keys, &values).into(),
        EditError::Missing => Failure::missing_element().into(),
    }
}
