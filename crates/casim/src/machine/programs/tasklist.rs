//! `tasklist /fo csv /nh`: the processes that run, and with `/m` those that have loaded a DLL.

use std::collections::BTreeSet;

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

/// DLLs of every process that an administrator may look into, and of every worker process.
const COMMON: &[&str] = &["ntdll.dll", "KERNEL32.DLL", "KERNELBASE.dll", "IMM32.DLL"];
const WORKER: &[&str] = &["w3wphost.dll", "iisutil.dll", "iiscore.dll"];

/// Modules of IIS, by the names in its list, and their files.
const MODULES: &[(&str, &str)] = &[
    ("IpRestrictionModule", "iprestr.dll"),
    ("DynamicIpRestrictionModule", "diprestr.dll"),
];

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(300).await;
    let words: Vec<String> = call
        .arguments
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let pattern = words
        .iter()
        .position(|word| *word == "/m")
        .filter(|at| words.get(at + 1).is_some_and(|next| !next.starts_with('/')))
        .map(|at| {
            words.remove(at);
            words.remove(at).to_owned()
        });
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
    if let Some(pattern) = pattern {
        list_modules(call, &processes, &pattern);
        return 0;
    }
    for (image, pid) in processes {
        call.print(&format!(
            "\"{image}\",\"{pid}\",\"Services\",\"0\",\"12,404 K\"\r\n"
        ));
    }
    0
}

/// The processes that have loaded what fits, and what of theirs fits. Into the system's own processes nobody looks.
fn list_modules(call: &mut Call<'_, '_>, processes: &[(String, u32)], pattern: &str) {
    let modules: Vec<(BTreeSet<u32>, &str)> = {
        let state = call.machine().state();
        MODULES
            .iter()
            .map(|(module, file)| (state.pools.with_module(module), *file))
            .collect()
    };
    let mut none = true;
    for (image, pid) in processes {
        if SYSTEM.iter().any(|(_, system)| system == pid) {
            continue;
        }
        let mut dlls = COMMON.to_vec();
        if image == "w3wp.exe" {
            dlls.extend(WORKER);
        }
        let own = modules.iter().filter(|(having, _)| having.contains(pid));
        dlls.extend(own.map(|(_, file)| file));
        dlls.retain(|dll| fits(&dll.to_ascii_lowercase(), pattern));
        if !dlls.is_empty() {
            none = false;
            call.print(&format!("\"{image}\",\"{pid}\",\"{}\"\r\n", dlls.join(",")));
        }
    }
    if none {
        call.print("INFO: No tasks are running which match the specified criteria.\r\n");
    }
}

/// A name, or the beginning and the end of one around an asterisk.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((begin, end)) => {
            name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
        }
        None => name == pattern,
    }
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
    fn a_pattern_is_a_name_or_has_one_asterisk() {
        assert!(super::fits("iprestr.dll", "iprestr.dll"));
        assert!(super::fits("iprestr.dll", "i*.dll"));
        assert!(super::fits("iprestr.dll", "ipr*"));
        assert!(!super::fits("diprestr.dll", "i*.dll"));
        assert!(!super::fits("ab", "ab*b"));
    }

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
