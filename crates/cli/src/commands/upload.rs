//! `casgate upload`: a local file onto servers, with a SHA-256 that both sides have computed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use inventory::ServerName;
use sha2::{Digest, Sha256};
use winrm::{Endpoint, Shell, Upload};

use crate::args::{self, Common};
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::fan_out::FanOut;
use crate::printer::Printer;

/// Below so many bytes nobody waits long enough to want to know how far it is.
const WORTH_TELLING: u64 = 1024 * 1024;

pub(crate) async fn run(common: &Common, args: &args::Upload, printer: &Printer) -> Result<ExitCode, Error> {
    let file = &Local::read(&args.local, &args.remote)?;
    let limit = Duration::try_from(args.timeout).unwrap_or(Duration::from_secs(600));
    let fan_out = FanOut {
        common,
        selector: &args.selector,
        parallel: args.parallel,
        tells_codes: false,
        printer,
    };
    fan_out
        .run("upload", |server, endpoint, _| async move {
            file.send(&server, endpoint, limit, printer).await
        })
        .await
}

/// The file and what is known of it.
struct Local {
    path: PathBuf,
    upload: Upload,
}

impl Local {
    fn read(path: &Path, remote: &str) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable {
            path: path.to_path_buf(),
            source,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut hash = Sha256::new();
        let length = io::copy(&mut file, &mut hash).map_err(unreadable)?;
        Ok(Self {
            path: path.to_path_buf(),
            upload: Upload {
                path: remote.to_owned(),
                length,
                sha256: hash.finalize().into(),
            },
        })
    }

    async fn send(
        &self,
        server: &ServerName,
        endpoint: Arc<Endpoint>,
        limit: Duration,
        printer: &Printer,
    ) -> Result<u32, winrm::Error> {
        let mut shell = Shell::open(endpoint).await?;
        let mut source = Source(File::open(&self.path));
        let mut told = 0;
        let mut progress = |bytes: u64| {
            let percent = bytes * 100 / self.upload.length.max(1);
            if self.upload.length >= WORTH_TELLING && percent / 10 > told {
                told = percent / 10;
                printer.note(&format!(
                    "{server}: {percent} % of {} bytes read for sending",
                    self.upload.length
                ));
            }
        };
        let received = shell
            .upload(&self.upload, &mut source, limit, &mut progress)
            .await;
        let requests = shell.requests();
        let closed = shell.close().await;
        let received = received?;
        closed?;
        printer.text(&format!("{server}: {}  {}", received.sha256, received.path));
        printer.json(&serde_json::json!({
            "server": server, "path": received.path, "sha256": received.sha256, "length": received.length,
            "requests": requests,
        }));
        Ok(0)
    }
}

/// A file that may have vanished since its hash was computed: that shows when it is read.
struct Source(io::Result<File>);

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Ok(file) => file.read(buffer),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_measured_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc.txt");
        std::fs::write(&path, "abc").unwrap();
        let local = Local::read(&path, r"C:\abc.txt").unwrap();
        assert_eq!(local.upload.length, 3);
        assert_eq!(local.upload.sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(matches!(
            Local::read(folder.path(), "x"),
            Err(Error::Unreadable { .. })
        ));
    }
}
