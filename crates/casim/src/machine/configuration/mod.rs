//! The configuration of the web server as data: sites, pools, and sections at every level of the hierarchy.
//!
//! A *file* is `applicationHost.config` or the `web.config` of a level. A file holds *locations*: the level itself or
//! one below it. The effective section of a level is merged top down: level by level, and at one level first what files
//! further up say in a location tag, then the level's own file.

mod application_host;
mod edit;
mod effective;
mod exchange_2010;
mod layout;
mod path;
pub(in crate::machine) mod schema;
mod section;

pub(in crate::machine) use edit::{Edit, EditError, Position};
pub(in crate::machine) use effective::{Duplicate, Effective};
pub(in crate::machine) use path::ConfigPath;
pub(in crate::machine) use section::{Directive, Section, Values};

use super::{MachineOptions, WindowsRelease};
use schema::{OverrideMode, SectionSchema};

/// The section store and the objects of one web server.
#[derive(Debug, Clone)]
pub(in crate::machine) struct Configuration {
    pub(in crate::machine) sites: Vec<Site>,
    pub(in crate::machine) pools: Vec<AppPool>,
    files: Vec<File>,
    modes: Vec<Mode>,
    stamp: u64,
    windows: WindowsRelease,
}

/// `applicationHost.config` or one `web.config`.
#[derive(Debug, Clone)]
struct File {
    level: ConfigPath,
    locations: Vec<Location>,
}

/// What a file says about one level.
#[derive(Debug, Clone)]
struct Location {
    level: ConfigPath,
    sections: Vec<(&'static str, Section)>,
}

/// `overrideMode` of one section, set at one level for the levels below.
#[derive(Debug, Clone)]
struct Mode {
    section: &'static str,
    level: ConfigPath,
    mode: OverrideMode,
}

/// A web site.
#[derive(Debug, Clone)]
pub(in crate::machine) struct Site {
    pub(in crate::machine) id: u32,
    pub(in crate::machine) name: String,
    /// Protocol and binding information, e.g. `http`, `*:80:`.
    pub(in crate::machine) bindings: Vec<(String, String)>,
    pub(in crate::machine) applications: Vec<Application>,
    pub(in crate::machine) started: bool,
}

/// An application of a site.
#[derive(Debug, Clone)]
pub(in crate::machine) struct Application {
    /// `/` or `/Microsoft-Server-ActiveSync`.
    pub(in crate::machine) path: String,
    pub(in crate::machine) pool: String,
    /// Path below the application and the folder on disk.
    pub(in crate::machine) directories: Vec<(String, String)>,
}

/// An application pool as configured.
#[derive(Debug, Clone)]
pub(in crate::machine) struct AppPool {
    pub(in crate::machine) name: String,
    /// `v4.0`.
    pub(in crate::machine) runtime: &'static str,
    pub(in crate::machine) classic: bool,
    /// A recycled worker must be gone before its successor starts.
    pub(in crate::machine) disallow_overlapping_rotation: bool,
}

impl Configuration {
    /// The configuration of a fresh Exchange server without IP restrictions.
    pub(in crate::machine) fn fresh(options: &MachineOptions) -> Self {
        layout::fresh(options)
    }

    /// The configuration that a file holds, as far as it is modelled.
    ///
    /// # Errors
    /// What the file has and the model cannot take.
    pub(in crate::machine) fn from_application_host(
        text: &str,
        windows: WindowsRelease,
    ) -> Result<Self, String> {
        application_host::read(text, windows)
    }

    /// The text of `applicationHost.config`, as far as it is modelled.
    pub(in crate::machine) fn application_host(&self) -> String {
        application_host::write(self)
    }

    /// The configuration of a fresh Exchange 2019 server without IP restrictions.
    #[cfg(test)]
    pub(in crate::machine) fn exchange_2019() -> Self {
        Self::fresh(&MachineOptions::named("CAS01"))
    }

    /// Whose IIS this is: what its schema has.
    pub(in crate::machine) fn windows(&self) -> WindowsRelease {
        self.windows
    }

    /// Changes with every commit; a writer that read another stamp must not commit.
    pub(in crate::machine) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Marks the file on disk as changed.
    pub(in crate::machine) fn touch(&mut self) {
        self.stamp += 1;
    }

    /// Takes the place of a file that had this stamp.
    pub(in crate::machine) fn supersede(&mut self, stamp: u64) {
        self.stamp = stamp + 1;
    }

    /// The site with this name, ignoring case.
    pub(in crate::machine) fn site(&self, name: &str) -> Option<&Site> {
        self.sites
            .iter()
            .find(|site| site.name.eq_ignore_ascii_case(name))
    }

    /// The pool with this name, ignoring case.
    pub(in crate::machine) fn pool(&self, name: &str) -> Option<&AppPool> {
        self.pools
            .iter()
            .find(|pool| pool.name.eq_ignore_ascii_case(name))
    }

    /// The section as `level` has it for itself, in whatever file.
    pub(in crate::machine) fn own(&self, schema: &SectionSchema, level: &ConfigPath) -> Section {
        let mut merged = Section::default();
        for section in self
            .layers(schema, level)
            .into_iter()
            .filter(|(at, _)| *at == level)
            .map(|(_, s)| s)
        {
            for (name, value) in section.attributes.iter() {
                merged.attributes.set(name, value);
            }
            merged.directives.extend(section.directives.iter().cloned());
        }
        merged
    }

    /// Levels that say something about a section themselves.
    pub(in crate::machine) fn levels_with(&self, schema: &SectionSchema) -> Vec<ConfigPath> {
        let locations = self.files.iter().flat_map(|file| &file.locations);
        locations
            .filter(|location| location.sections.iter().any(|(path, _)| *path == schema.path))
            .map(|location| location.level.clone())
            .collect()
    }

    /// Whether a file below `APPHOST` may not write this section for `level`.
    pub(in crate::machine) fn locked(&self, schema: &SectionSchema, level: &ConfigPath) -> bool {
        let mut mode = schema.override_mode_default;
        let mut relevant: Vec<&Mode> = self
            .modes
            .iter()
            .filter(|m| m.section == schema.path && m.level.covers(level))
            .collect();
        relevant.sort_by_key(|m| m.level.depth());
        if let Some(last) = relevant.last() {
            mode = last.mode;
        }
        level.depth() > 0 && mode == OverrideMode::Deny
    }

    /// Sets `overrideMode` of a section from `level` down (`lock config`, `unlock config`).
    pub(in crate::machine) fn set_mode(
        &mut self,
        schema: &SectionSchema,
        level: &ConfigPath,
        mode: OverrideMode,
    ) {
        self.modes
            .retain(|m| !(m.section == schema.path && m.level == *level));
        self.modes.push(Mode {
            section: schema.path,
            level: level.clone(),
            mode,
        });
    }

    /// What applies to `level`, top down.
    fn layers<'a>(
        &'a self,
        schema: &SectionSchema,
        level: &ConfigPath,
    ) -> Vec<(&'a ConfigPath, &'a Section)> {
        let mut layers: Vec<(&File, &Location, &Section)> = Vec::new();
        for file in self.files.iter().filter(|file| file.level.covers(level)) {
            for location in file
                .locations
                .iter()
                .filter(|location| location.level.covers(level))
            {
                let sections = location.sections.iter().filter(|(path, _)| *path == schema.path);
                layers.extend(sections.map(|(_, section)| (file, location, section)));
            }
        }
        layers.sort_by_key(|(file, location, _)| (location.level.depth(), file.level.depth()));
        layers
            .into_iter()
            .map(|(_, location, section)| (&location.level, section))
            .collect()
    }

    /// The section's place in one file, made when it is missing.
    fn place(&mut self, schema: &SectionSchema, file: &ConfigPath, level: &ConfigPath) -> &mut Section {
        let at = find_or_push(
            &mut self.files,
            |f| f.level == *file,
            || File {
                level: file.clone(),
                locations: Vec::new(),
            },
        );
        let location = find_or_push(
            &mut at.locations,
            |l| l.level == *level,
            || Location {
                level: level.clone(),
                sections: Vec::new(),
            },
        );
        let named = find_or_push(
            &mut location.sections,
            |(path, _)| *path == schema.path,
            || (schema.path, Section::default()),
        );
        &mut named.1
    }

    /// Takes the section out of one file; whether it was there.
    fn drop_section(&mut self, schema: &SectionSchema, file: &ConfigPath, level: &ConfigPath) -> bool {
        let mut found = false;
        for at in self.files.iter_mut().filter(|f| f.level == *file) {
            for location in at.locations.iter_mut().filter(|l| l.level == *level) {
                let before = location.sections.len();
                location.sections.retain(|(path, _)| *path != schema.path);
                found |= location.sections.len() != before;
            }
        }
        found
    }
}

fn find_or_push<T>(items: &mut Vec<T>, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let index = items.iter().position(is).unwrap_or(items.len());
    if index == items.len() {
        items.push(make());
    }
    &mut items[index]
}

#[cfg(test)]
mod tests;
