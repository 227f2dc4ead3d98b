//! The reading of one site's log: settings, files, searches from the newest hours back, until all is read or the limit is reached.

use std::ops::ControlFlow;

use iis::ApplicationPath;
use iis::web_log::{self, Entry, LogFile, Reader, Settings, Window};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use rollout::StepError;

use super::coverage::Coverage;
use super::pace::Pace;
use crate::failure::{StepErrorExt, failed, from_appcmd, from_iis};
use crate::session::Session;

/// How long one search may take: a file of some gigabytes from a slow disk.
const SEARCH_LIMIT: SignedDuration = SignedDuration::from_mins(10);

const DOING: &str = "read the log of the web server";

/// What is read.
pub(super) struct Site<'a> {
    /// An application of the site.
    pub(super) any_application: &'a ApplicationPath,
    /// The applications' paths.
    pub(super) paths: Vec<String>,
    /// The time that is wanted.
    pub(super) wanted: Window,
    /// Our own clock.
    pub(super) now: DateTime,
}

/// Who takes the lines.
pub(super) type Take<'a> = &'a mut (dyn FnMut(&Entry<'_>) + Send);

struct Reading<'a> {
    session: &'a mut Session,
    site: &'a Site<'a>,
    settings: Settings,
    reader: Reader,
    pace: Pace,
    left: u64,
    coverage: Coverage,
    /// Where the last line was.
    last: Option<DateTime>,
}

/// Reads the newest hours first, and tells how far that went.
pub(super) async fn read(
    session: &mut Session,
    site: &Site<'_>,
    limit: u64,
    take: Take<'_>,
) -> Result<Coverage, StepError> {
    let settings = settings(session, site).await?;
    // Where this fails the last minute is missing, no more.
    session.look(DOING, &web_log::flush()).await?;
    let listing = web_log::list_files(&settings)
        .map_err(|error| from_iis(DOING, "a folder that a command can name", &error))?;
    let listed = session.look(DOING, &listing).await?;
    let files = listed.map_err(|error| from_iis(DOING, "the files of the log", &error))?;
    let selected = LogFile::select(&files, &settings, site.wanted);
    if files.is_empty() {
        let folder = format!(r"{}\W3SVC{}", settings.directory, settings.site);
        return Err(failed(DOING, format!("logs in {folder}"), "none").hint(
            "the server may log centrally (`appcmd list config /section:system.applicationHost/log`), or to ETW only, or delete its logs",
        ));
    }
    let mut reading = Reading {
        session,
        site,
        settings,
        reader: Reader::default(),
        pace: Pace::default(),
        left: limit,
        coverage: Coverage::of(site.wanted),
        last: None,
    };
    reading.files(&selected, take).await?;
    Ok(reading.coverage)
}

async fn settings(session: &mut Session, site: &Site<'_>) -> Result<Settings, StepError> {
    let asked = session
        .look(DOING, &web_log::settings(site.any_application))
        .await?;
    let settings = asked.map_err(|error| from_appcmd(DOING, "the settings of the site's log", &error))?;
    if !settings.enabled {
        return Err(
            failed(DOING, "a site that logs its requests", "logging is off").hint(
                "nobody can tell who uses this server: turn the site's logging on, and come back a day later",
            ),
        );
    }
    if !settings.is_w3c {
        return Err(failed(DOING, "a log in the W3C format", "another format")
            .hint("set the site's `logFile.logFormat` to W3C, and come back a day later"));
    }
    Ok(settings)
}

impl Reading<'_> {
    async fn files(&mut self, files: &[(LogFile, Window)], take: Take<'_>) -> Result<(), StepError> {
        let wanted = self.site.wanted;
        for (index, (file, part)) in files.iter().enumerate() {
            self.coverage.files += 1;
            let ended = match self.settings.has_time {
                true => self.file(file, *part, index == 0, take).await?,
                false => self.search(file, None, *part, take).await?,
            };
            if ended.is_break() {
                self.coverage.is_cut = true;
                return Ok(());
            }
            self.coverage.whole_from = part.from;
            // Files that are cut by size tell no time by their names: where one had nothing of this time, older ones have neither.
            if file.covers(&self.settings).is_none() && self.last.is_none_or(|last| last < wanted.from) {
                break;
            }
        }
        // What no file is of had no requests.
        self.coverage.whole_from = wanted.from;
        Ok(())
    }

    /// One file, from its newest hours back.
    async fn file(
        &mut self,
        file: &LogFile,
        part: Window,
        is_newest: bool,
        take: Take<'_>,
    ) -> Result<ControlFlow<()>, StepError> {
        let mut rest = part;
        while !rest.is_empty() {
            let hours = match self.all_fits(file, rest, is_newest) {
                true => rest.hours(),
                false => self.pace.next(rest.hours(), self.left),
            };
            if hours == 0 {
                return Ok(ControlFlow::Break(()));
            }
            let (newest, older) = rest.split_newest(hours);
            let before = self.coverage.bytes;
            if self
                .search(file, Some(newest), newest, &mut *take)
                .await?
                .is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            if !self.reader.fields().begin_with_time() && self.reader.fields().can_be_judged() {
                // Lines that do not begin with their time were not found by it: all of the file, then.
                return self.search(file, None, part, take).await;
            }
            let passed = newest.to.min(self.site.now).duration_since(newest.from);
            let minutes = u64::try_from(passed.as_mins()).unwrap_or_default();
            self.pace.note(minutes, self.coverage.bytes - before);
            self.coverage.whole_from = newest.from;
            rest = older;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether the rest of a file fits whatever its lines are about. The newest file's length is not to be trusted.
    fn all_fits(&self, file: &LogFile, rest: Window, is_newest: bool) -> bool {
        let hours = file.covers(&self.settings).map_or(0, |covered| covered.hours());
        if is_newest || hours == 0 || file.length == 0 {
            return false;
        }
        let share = u128::from(file.length) * u128::from(rest.hours()) / u128::from(hours);
        share < u128::from(self.left) / 2
    }

    /// One search of a file. Breaks off where the limit is reached.
    async fn search(
        &mut self,
        file: &LogFile,
        window: Option<Window>,
        part: Window,
        take: Take<'_>,
    ) -> Result<ControlFlow<()>, StepError> {
        let paths: Vec<&str> = self.site.paths.iter().map(String::as_str).collect();
        let line = web_log::search(&self.settings, file, window, &paths)
            .map_err(|error| from_iis(DOING, "a search that a command line can hold", &error))?;
        let Self {
            reader,
            coverage,
            last,
            left,
            site,
            ..
        } = self;
        let (wanted, limit) = (site.wanted, *left);
        let mut moved = 0u64;
        let (mut known, mut blind) = (false, false);
        let mut piece = |bytes: &[u8]| {
            moved = moved.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            reader.push(bytes, &mut |entry| {
                if entry.at.is_some() {
                    *last = entry.at.max(*last);
                }
                if entry.at.is_none_or(|at| wanted.from <= at && at < wanted.to) {
                    take(entry);
                }
            });
            if *reader.fields() != web_log::Fields::default() {
                known = true;
                blind = !reader.fields().can_be_judged();
            }
            match moved >= limit {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let streamed = self
            .session
            .stream(DOING, &line, SEARCH_LIMIT, &mut piece)
            .await?;
        reader.end();
        coverage.searches += 1;
        coverage.bytes += moved;
        coverage.faults = reader.faults();
        coverage.is_blind |= known && blind;
        *left = limit.saturating_sub(moved);
        match streamed.exit_code {
            None => {
                coverage.part = Some((part.from, last.unwrap_or(part.from)));
                Ok(ControlFlow::Break(()))
            }
            // 1 says that nothing fits, and also that the file could not be opened; only then findstr says something.
            Some(0 | 1) if streamed.stderr.trim_ascii().is_empty() => Ok(ControlFlow::Continue(())),
            Some(code) => {
                let said = String::from_utf8_lossy(&streamed.stderr).trim().to_owned();
                Err(failed(
                    DOING,
                    format!("findstr reads {}", file.name),
                    format!("exit code {code}: {said}"),
                ))
            }
        }
    }
}
