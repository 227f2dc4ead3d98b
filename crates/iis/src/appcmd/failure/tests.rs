use command::Output;

use super::{AppcmdError, AppcmdErrorKind as Kind, succeeded};
use crate::testing::said;

fn error(exit_code: u32, stdout: &str) -> AppcmdError {
    succeeded(&said(exit_code, stdout)).unwrap_err()
}

#[test]
fn successes_on_record() {
    for stdout in [
        // V1
        "Applied configuration changes to section \"system.webServer/security/access\" for \"MACHINE/WEBROOT/APPHOST/Default Web Site\" at configuration commit path \"MACHINE/WEBROOT/APPHOST\"\r\n",
        // V2
        "Applied configuration changes to section \"system.webServer/security/authentication/anonymousAuthentication\" for \"MACHINE/WEBROOT/APPHOST\" at configuration commit path \"MACHINE/WEBROOT/APPHOST\"\r\n",
        // V3
        "CONFIG object \"asp\" changed",
        // V4
        "Unlocked section \"system.webServer/handlers\" at configuration path \"MACHINE/WEBROOT/APPHOST\".",
        // V16
        "BACKUP object \"20060519T172530\" added",
        "Restored configuration  from backup \"MyBackup\"",
        // V17
        "\"MSExchangeOWAAppPool\" successfully recycled",
        "",
    ] {
        assert_eq!(succeeded(&said(0, stdout)), Ok(()), "{stdout}");
    }
}

/// V5 to V14 and V21 as they were captured, with the exit code on record where there is one, otherwise with 1 or 50 (not meant to help).
#[test]
fn failures_on_record() {
    for (exit_code, stdout, hresult, message, kind) in [
        // V5
        (
            183,
            "ERROR ( message:New add object missing required attributes. Cannot add duplicate collection entry of type 'add' with unique key attribute 'name' set to 'SURGE_ENVNAME'\r\n\r\n. )\r\n",
            None,
            "New add object missing required attributes. Cannot add duplicate collection entry of type 'add' with unique key attribute 'name' set to 'SURGE_ENVNAME' .",
            Kind::Duplicate,
        ),
        // V6
        (
            183,
            r"ERROR ( message:New application object missing required attributes. Cannot add duplicate collection entry of type 'application' with combined key attributes 'fullPath, arguments' respectively set to 'C:\Python34\python.exe, C:\Python34\Scripts\wfastcgi.py' )",
            None,
            r"New application object missing required attributes. Cannot add duplicate collection entry of type 'application' with combined key attributes 'fullPath, arguments' respectively set to 'C:\Python34\python.exe, C:\Python34\Scripts\wfastcgi.py'",
            Kind::Duplicate,
        ),
        // V8
        (
            4312,
            "ERROR ( message:Cannot find requested collection element. )",
            None,
            "Cannot find requested collection element.",
            Kind::Missing,
        ),
        // V9
        (
            1,
            "ERROR ( message:Unknown attribute \"environmentVariables\".  Replace with -? for help. )",
            None,
            "Unknown attribute \"environmentVariables\". Replace with -? for help.",
            Kind::UnknownAttribute,
        ),
        // V10
        (
            1168,
            "ERROR ( message:Cannot find SITE object with identifier \"name=GoCCLUSDownloadableFiles].processModel.identityType:NetworkService\". )",
            None,
            "Cannot find SITE object with identifier \"name=GoCCLUSDownloadableFiles].processModel.identityType:NetworkService\".",
            Kind::UnknownObject,
        ),
        // V11
        (
            1168,
            "ERROR ( message:Cannot find APPPOOL object with identifier \"ServerMonitorDashboard\". )",
            None,
            "Cannot find APPPOOL object with identifier \"ServerMonitorDashboard\".",
            Kind::UnknownObject,
        ),
        // V12, both forms
        (
            1168,
            "ERROR ( message:Configuration error\nFilename: redirection.config\nLine Number: 0\nDescription: Cannot read configuration file due to insufficient permissions. )",
            None,
            "Configuration error Filename: redirection.config Line Number: 0 Description: Cannot read configuration file due to insufficient permissions.",
            Kind::AccessDenied,
        ),
        (
            1168,
            "ERROR ( message:Configuration error\r\n\r\nFilename: redirection.config\r\nDescription: Cannot read configuration file due to insufficient permissions\r\n. )",
            None,
            "Configuration error Filename: redirection.config Description: Cannot read configuration file due to insufficient permissions .",
            Kind::AccessDenied,
        ),
        // V13
        (
            13,
            "ERROR ( hresult:8007000d, message:Command execution failed.\r\nThe data is invalid.\r\n )",
            Some(0x8007_000d),
            "Command execution failed. The data is invalid.",
            Kind::Other,
        ),
        (
            13,
            "ERROR ( hresult:8007000d, message:命令执行失败。\r\n数据无效。\r\n )",
            Some(0x8007_000d),
            "命令执行失败。 数据无效。",
            Kind::Other,
        ),
        (
            0x4001,
            "ERROR ( hresult:80004001, message:Command execution failed.\nNot implemented\n )",
            Some(0x8000_4001),
            "Command execution failed. Not implemented",
            Kind::Other,
        ),
        (
            50,
            "ERROR ( hresult:c00cee2b, message:Failed to commit configuration changes.  \n\n )",
            Some(0xc00c_ee2b),
            "Failed to commit configuration changes.",
            Kind::Other,
        ),
        (
            1726,
            "ERROR ( hresult:800706be, message:Сбой при удаленном вызове процедуры. )",
            Some(0x8007_06be),
            "Сбой при удаленном вызове процедуры.",
            Kind::Other,
        ),
        // V14
        (
            183,
            "ERROR (message:Failed to add duplicate collection element \"DefaultDocumentModule\".)",
            None,
            "Failed to add duplicate collection element \"DefaultDocumentModule\".",
            Kind::Duplicate,
        ),
        // V21
        (
            50,
            r"ERROR ( message:Filename: \\?\C:\Windows\system32\inetsrv\config\applicationHost.config Error: Cannot commit configuration changes because the file has changed on disk )",
            None,
            r"Filename: \\?\C:\Windows\system32\inetsrv\config\applicationHost.config Error: Cannot commit configuration changes because the file has changed on disk",
            Kind::FileChangedOnDisk,
        ),
    ] {
        let expected = AppcmdError {
            exit_code,
            hresult,
            message: message.to_owned(),
            kind,
        };
        assert_eq!(error(exit_code, stdout), expected);
    }
}

#[test]
fn the_sentences_of_the_configuration_system() {
    // V7, as the configuration API raises it, and V22; appcmd's wrapping of either is not on record.
    let duplicate = "ERROR ( message:Filename: \\\\?\\C:\\Windows\\System32\\inetsrv\\config\\applicationHost.config\r\nLine number: 183\r\nError: Cannot add duplicate collection entry of type 'binding' with combined key attributes 'protocol, bindingInformation' respectively set to 'http, *:61902:localhost'\r\n\r\n )";
    assert_eq!(error(1, duplicate).kind, Kind::Duplicate);
    let locked = "ERROR ( message:This configuration section cannot be used at this path. This happens when the section is locked at a parent level. Locking is either by default (overrideModeDefault=\"Deny\"), or set explicitly by a location tag with overrideMode=\"Deny\" or the legacy allowOverride=\"false\". )";
    assert_eq!(error(1, locked).kind, Kind::Locked);
}

#[test]
fn the_exit_code_decides_whatever_the_words() {
    for (exit_code, kind) in [
        (183, Kind::Duplicate),
        (4312, Kind::Missing),
        (1168, Kind::UnknownObject),
        (5, Kind::AccessDenied),
        (740, Kind::AccessDenied),
        (32, Kind::FileChangedOnDisk),
        (33, Kind::Locked),
        (0x8007_0021, Kind::Locked),
        (0x8007_00B7, Kind::Duplicate),
        (87, Kind::Other),
    ] {
        for stdout in ["ERROR ( message:Ошибка. )", ""] {
            assert_eq!(error(exit_code, stdout).kind, kind, "{exit_code} {stdout}");
        }
    }
    assert_eq!(
        error(183, "ERROR ( message:Cannot find requested collection element. )").kind,
        Kind::Duplicate
    );
    assert_eq!(
        error(1, "ERROR ( hresult:80070005, message:Zugriff verweigert )").kind,
        Kind::AccessDenied
    );
}

#[test]
fn sentences_without_the_brackets_of_appcmd() {
    // V7 and V22 as the configuration system itself says them, V20 as PowerShell does: appcmd passes on what it is told.
    let bare = "Filename: \\\\?\\C:\\Windows\\System32\\inetsrv\\config\\applicationHost.config\r\nLine number: 183\r\nError: Cannot add duplicate collection entry of type 'binding' with combined key attributes 'protocol, bindingInformation' respectively set to 'http, *:61902:localhost'\r\n\r\n";
    assert_eq!(error(1, bare).kind, Kind::Duplicate);
    let locked =
        "ERROR ( hresult:80070021, message:This configuration section cannot be used at this path. )";
    assert_eq!(
        (error(1, locked).kind, error(1, locked).hresult),
        (Kind::Locked, Some(0x8007_0021))
    );
    let no_class = Output {
        exit_code: 1,
        stdout: Vec::new(),
        stderr: b"get-webconfigurationproperty : Retrieving the COM class factory for component with CLSID {688EEEE5-6A7E-422F-B2E1-6AF00DC944A6} failed due to the following error: 80040154 Class not registered (Exception from HRESULT: 0x80040154 (REGDB_E_CLASSNOTREG)).\r\n".to_vec(),
    };
    let told = AppcmdError::of(&no_class).unwrap();
    assert_eq!(told.kind, Kind::Other);
    assert!(
        told.message.contains("{688EEEE5-6A7E-422F-B2E1-6AF00DC944A6}"),
        "{told}"
    );
}

/// A Windows in another language tells by numbers alone: as exit code, or as HRESULT with an exit code that says nothing.
#[test]
fn numbers_decide_in_every_language() {
    for (code, kind) in [
        (183u32, Kind::Duplicate),
        (4312, Kind::Missing),
        (1168, Kind::UnknownObject),
        (5, Kind::AccessDenied),
        (740, Kind::AccessDenied),
        (32, Kind::FileChangedOnDisk),
        (33, Kind::Locked),
    ] {
        for words in [
            "命令执行失败。\r\n数据无效。\r\n",
            "Сбой при удаленном вызове процедуры.",
            "Der Befehl ist fehlgeschlagen.",
        ] {
            let as_exit_code = error(code, &format!("ERROR ( message:{words} )"));
            assert_eq!(
                (as_exit_code.kind, as_exit_code.hresult),
                (kind, None),
                "{code} {words}"
            );
            let hresult = 0x8007_0000 | code;
            for exit_code in [1, 50] {
                let as_hresult = error(
                    exit_code,
                    &format!("ERROR ( hresult:{hresult:08x}, message:{words} )"),
                );
                assert_eq!(
                    (as_hresult.kind, as_hresult.hresult),
                    (kind, Some(hresult)),
                    "{code} {words}"
                );
            }
        }
    }
    let filtered = "ERROR ( message:Konfigurationsfehler\r\nDateiname: redirection.config\r\nZeilennummer: 0\r\nBeschreibung: Die Konfigurationsdatei kann aufgrund unzureichender Berechtigungen nicht gelesen werden. )";
    assert_eq!(error(1168, filtered).kind, Kind::AccessDenied);
    assert_eq!(error(50, filtered).kind, Kind::AccessDenied);
}

/// Where neither code nor words are known, the state of the file decides, and for that it has to be read again.
#[test]
fn what_no_code_tells_is_settled_by_reading_again() {
    let translated = "ERROR ( message:Die Konfigurationsänderungen können nicht gespeichert werden, weil die Datei auf dem Datenträger geändert wurde. )";
    assert_eq!(error(50, translated).kind, Kind::Other);
    for kind in [
        Kind::FileChangedOnDisk,
        Kind::Duplicate,
        Kind::Missing,
        Kind::Other,
    ] {
        assert!(kind.is_settled_by_reading(), "{kind}");
    }
    for kind in [
        Kind::AccessDenied,
        Kind::Locked,
        Kind::UnknownAttribute,
        Kind::UnknownObject,
        Kind::Unreadable,
    ] {
        assert!(!kind.is_settled_by_reading(), "{kind}");
    }
}

#[test]
fn an_error_with_exit_code_0_is_still_no_success() {
    let error = error(0, "ERROR ( message:Cannot find requested collection element. )");
    assert_eq!((error.exit_code, error.kind), (0, Kind::Missing));
}

#[test]
fn an_error_may_come_after_what_went_well() {
    let stdout = "Applied configuration changes to section \"x\" for \"ERROR ( y )\"\r\nERROR ( message:Cannot find requested collection element. )\r\n";
    assert_eq!(
        error(4312, stdout).message,
        "Cannot find requested collection element."
    );
    assert_eq!(
        succeeded(&said(
            0,
            "Applied configuration changes for \"ERROR ( message:x )\""
        )),
        Ok(())
    );
}

#[test]
fn a_missing_program_speaks_on_stderr() {
    let output = Output {
        exit_code: 1,
        stdout: Vec::new(),
        stderr: b"The system cannot find the path specified.\r\n".to_vec(),
    };
    let error = AppcmdError::of(&output).unwrap();
    assert_eq!(
        error.to_string(),
        "appcmd ended with 1 (error): The system cannot find the path specified."
    );
}

#[test]
fn odd_shapes_do_no_harm() {
    for (stdout, message) in [
        ("ERROR ( message: )", ""),
        ("ERROR ( hresult:zz, message:x )", "hresult:zz, message:x"),
        ("ERROR ( hresult:8007000d", ""),
        ("ERROR", "ERROR"),
        ("ERROR ( message:cut off in the mid", "cut off in the mid"),
    ] {
        assert_eq!(error(50, stdout).message, message, "{stdout}");
    }
}

#[test]
fn an_endless_message_is_cut() {
    let message = error(50, &format!("ERROR ( message:{} )", "word ".repeat(1_000_000))).message;
    assert!(
        message.len() <= 4010 && message.ends_with("word …"),
        "{}",
        message.len()
    );
}
