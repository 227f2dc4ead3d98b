//! Quotas of the WinRM service in words: which setting it is, what it counts, what to do.

use wsman::Fault;

/// What to do about a quota fault; `None` for any other.
pub(crate) fn hint(fault: &Fault) -> Option<String> {
    let setting = fault.quota_setting()?;
    let (place, what) = match setting {
        "MaxShellsPerUser" => (
            "winrs",
            "too many shells of this user are open; forgotten ones end by themselves once they are idle, and `casgate ping --shells --clean` \
             ends those of casgate now",
        ),
        "MaxConcurrentOperationsPerUser" => (
            "service",
            "too many operations of this user are under way: another client may not release its commands, or too many run at once",
        ),
        "MaxConcurrentOperations" => ("service", "too many operations are under way on the server"),
        "MaxConcurrentUsers" => ("winrs", "too many users have shells open on the server"),
        "MaxProcessesPerShell" => ("winrs", "too many commands are open in one shell"),
        "MaxMemoryPerShellMB" => (
            "winrs",
            "the shell and its processes need more memory than they may have; what they did before may be done by half",
        ),
        _ => ("plugin", "too many shells are open on the server"),
    };
    Some(format!(
        "the limit {setting} is reached: {what}. An administrator raises it with `winrm set winrm/config/{place} @{{{setting}=\"…\"}}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsman::code;

    #[test]
    fn every_quota_is_told_by_its_settings_name() {
        for (number, setting) in code::QUOTAS {
            let fault = Fault::new(number, "w:QuotaLimit", "no");
            assert!(fault.is_quota());
            let hint = hint(&fault).expect("a hint");
            assert!(
                hint.starts_with(&format!("the limit {setting} is reached: ")),
                "{hint}"
            );
        }
        let memory = Fault::new(code::OUT_OF_MEMORY, "w:InternalError", "no");
        assert!(hint(&memory).expect("a hint").contains("MaxMemoryPerShellMB"));
        assert_eq!(hint(&Fault::new(5, "w:AccessDenied", "no")), None);
    }
}
