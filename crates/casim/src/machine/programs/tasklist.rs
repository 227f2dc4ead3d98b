//! `tasklist /fo csv /nh`: the processes that run.

use super::Call;

/// Processes that every server has, their ids included.
const SYSTEM: &[(&str, u32)] = &[
    ("System Idle Process", 0),
    ("System", 4),
    ("smss.exe", 312),
    ("csrss.exe", 440),
    ("wininit.exe", 512),
    ("services.exe", 620),
    ("lsass.exe", 636),
];

/// Of a shell: the host of WinRM's shells, cmd.exe, and the program itself.
const SHELL: &[(&str, u32)] = &[("winrshost.exe", 9012), ("cmd.exe", 9040), ("tasklist.exe", 9068)];

/// Exchange's setup: what people start, and what does the work.
const SETUP: &[(&str, u32)] = &[("Setup.exe", 7712), ("ExSetup.exe", 7756)];

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(300).await;
    let words: Vec<String> = call
        .arguments
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The order of switches makes no difference.
    words.sort_unstable();
    if words != ["/fo", "/nh", "csv"] {
        return call.not_simulated(&format!("'tasklist {}'", call.arguments.join(" ")));
    }
    let mut processes: Vec<(String, u32)> = SYSTEM.iter().map(owned).collect();
    {
        let state = call.machine().state();
        for service in state.services.iter().filter(|service| service.pid != 0) {
            let image = image(service.profile.image);
            if !processes.iter().any(|(_, pid)| *pid == service.pid) {
                processes.push((image, service.pid));
            }
        }
        let workers = state.pools.workers().into_iter();
        processes.extend(workers.map(|(pid, _)| ("w3wp.exe".to_owned(), pid)));
    }
    if call.faults().exchange_setup_runs.is_on() {
        processes.extend(SETUP.iter().map(owned));
    }
    processes.extend(SHELL.iter().map(owned));
    for (image, pid) in processes {
        call.print(&format!(
            "\"{image}\",\"{pid}\",\"Services\",\"0\",\"12,404 K\"\r\n"
        ));
    }
    0
}

fn owned((image, pid): &(&str, u32)) -> (String, u32) {
    ((*image).to_owned(), *pid)
}

/// `svchost.exe` of `C:\Windows\system32\svchost.exe -k iissvcs`.
fn image(command: &str) -> String {
    let command = command.trim_start_matches('"');
    let end = command
        .to_ascii_lowercase()
        .find(".exe")
        .map_or(command.len(), |at| at + ".exe".len());
    let path = command.get(..end).unwrap_or(command);
    path.rsplit('\\').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_image_of_a_service() {
        assert_eq!(
            super::image(r"C:\Windows\system32\svchost.exe -k iissvcs"),
            "svchost.exe"
        );
        assert_eq!(
            super::image("\"C:\\Program Files\\Exchange\\Bin\\MSExchangeHM.exe\" -x"),
            "MSExchangeHM.exe"
        );
    }
}
