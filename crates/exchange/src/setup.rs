//! Exchange's setup while it runs: it writes IIS's configuration, stops services and overwrites what others changed.

use iis::process::Process;

/// The images of setup: the program that people start, and the one that does the work ("Install Exchange cumulative updates", Exchange
/// documentation, names both). Other products' installers are called `Setup.exe` too.
const IMAGES: [&str; 2] = ["ExSetup.exe", "Setup.exe"];

/// The processes among these that are (or, by their name, may be) Exchange's setup.
pub fn running(processes: &[Process]) -> Vec<&Process> {
    let is_setup = |process: &&Process| {
        IMAGES
            .iter()
            .any(|image| image.eq_ignore_ascii_case(&process.image))
    };
    processes.iter().filter(is_setup).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_is_known_by_its_images() {
        let process = |image: &str| Process {
            image: image.to_owned(),
            pid: 1,
        };
        let all = [
            "w3wp.exe",
            "EXSETUP.exe",
            "setup.exe",
            "ExSetupUI.dll",
            "MySetup.exe",
        ]
        .map(process);
        let images: Vec<_> = running(&all).iter().map(|p| p.image.as_str()).collect();
        assert_eq!(images, ["EXSETUP.exe", "setup.exe"]);
    }
}
