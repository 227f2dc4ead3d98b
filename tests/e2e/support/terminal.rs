//! A terminal with somebody before it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// No wait takes longer than this.
const PATIENCE: Duration = Duration::from_secs(90);

/// `casgate` on a terminal of 100 columns.
pub(crate) struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    child: Child,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Starts the command with all its streams on a terminal.
    pub(crate) fn start(mut command: Command) -> Self {
        let keyboard = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        rustix::pty::grantpt(&keyboard).expect("a terminal of our own");
        rustix::pty::unlockpt(&keyboard).expect("an unlocked terminal");
        let size = Winsize {
            ws_row: 40,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&keyboard, size).expect("a size");
        let name = rustix::pty::ptsname(&keyboard, Vec::new()).expect("a name");
        let line =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let again = || Stdio::from(line.try_clone().expect("one more handle"));
        let child = command
            .stdin(again())
            .stdout(again())
            .stderr(again())
            .spawn()
            .expect("casgate starts");
        // The terminal ends when nobody has its other end open any more: not we, and not the command.
        drop((line, command));
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (reading, seen) = (
            keyboard.try_clone().expect("one more handle"),
            Arc::clone(&screen),
        );
        Self {
            keyboard: keyboard.into(),
            screen,
            child,
            reader: tokio::task::spawn_blocking(move || read(reading, &seen)),
        }
    }

    /// All that was written to the screen so far.
    pub(crate) fn text(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// Waits until this was written to the screen.
    pub(crate) async fn until(&self, words: &str) {
        let shown = async {
            while !self.text().contains(words) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shown).await;
        assert!(shown.is_ok(), "`{words}` is not in:\n{}", self.text());
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").expect("a keyboard");
    }

    /// Waits for the end: the exit code, and the whole screen.
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let status: ExitStatus = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("casgate ends in time")
            .expect("it ran");
        // What was written last may still be on its way.
        let _ = tokio::time::timeout(PATIENCE, &mut self.reader).await;
        (status.code(), self.text())
    }
}

/// Reads until nobody writes any more, which a terminal tells by an error.
fn read(terminal: OwnedFd, screen: &Mutex<Vec<u8>>) {
    let mut terminal = File::from(terminal);
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = terminal.read(&mut bytes) {
        screen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(&bytes[..count]);
    }
}
