use super::{add, delete, query, query_key};
use crate::Error;
use crate::testing::said;

const KEY: &str = r"HKLM\SOFTWARE\casgate lease";

#[test]
fn lines_read_as_expected() {
    let line = |line: Result<String, Error>| line.unwrap();
    assert_eq!(
        line(query(KEY, "Owner").map(|i| i.line().to_string())),
        r#"reg query "HKLM\SOFTWARE\casgate lease" /v Owner"#
    );
    assert_eq!(
        line(add(KEY, "Owner", r#"CONTOSO\ops "x" 100%"#).map(|i| i.line().to_string())),
        r#"reg add "HKLM\SOFTWARE\casgate lease" /v Owner /t REG_SZ /d ^"CONTOSO\ops \^"x\^" 100%^" /f"#
    );
    assert_eq!(
        line(delete(KEY, "Owner").map(|i| i.line().to_string())),
        r#"reg delete "HKLM\SOFTWARE\casgate lease" /v Owner /f"#
    );
    for key in ["", "SOFTWARE", r"\\other\HKLM\x", "HKLM"] {
        assert!(
            matches!(
                query(key, "x"),
                Err(Error::BadName {
                    what: "a registry key",
                    ..
                })
            ),
            "{key}"
        );
    }
}

#[test]
fn one_value() {
    let invocation = query(KEY, "Owner").unwrap();
    let stdout = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\casgate lease\r\n    Owner    REG_SZ    CONTOSO\\ops    at desk\r\n\r\n";
    assert_eq!(
        invocation.parse(&said(0, stdout)),
        Ok(Some("CONTOSO\\ops    at desk".to_owned()))
    );
    assert_eq!(
        query(KEY, "OWNER").unwrap().parse(&said(0, stdout)),
        Ok(Some("CONTOSO\\ops    at desk".to_owned()))
    );
    let empty = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\casgate lease\r\n    Owner    REG_SZ    \r\n\r\n";
    assert_eq!(invocation.parse(&said(0, empty)), Ok(Some(String::new())));
}

#[test]
fn what_is_not_there_is_none_and_other_failures_are_errors() {
    let invocation = query(KEY, "Owner").unwrap();
    assert_eq!(invocation.parse(&said(1, "")), Ok(None));
    assert!(matches!(
        invocation.parse(&said(0, "")),
        Err(Error::Unreadable { .. })
    ));
    assert_eq!(invocation.parse(&said(5, "")).unwrap_err().exit_code(), Some(5));
    assert_eq!(
        add(KEY, "a", "b")
            .unwrap()
            .parse(&said(0, "The operation completed successfully.")),
        Ok(())
    );
    assert_eq!(
        delete(KEY, "a")
            .unwrap()
            .parse(&said(1, ""))
            .unwrap_err()
            .exit_code(),
        Some(1)
    );
}

#[test]
fn all_values_of_a_key() {
    let invocation = query_key(KEY).unwrap();
    assert_eq!(
        invocation.line().as_str(),
        r#"reg query "HKLM\SOFTWARE\casgate lease""#
    );
    let stdout = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\casgate lease\r\n    (Standard)    REG_SZ    x\r\n    Two Words    REG_SZ    y\r\n    Number    REG_DWORD    0xf\r\n    Path    REG_EXPAND_SZ    %windir%\r\n\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\casgate lease\\Sub\r\n";
    let values = invocation.parse(&said(0, stdout)).unwrap().unwrap();
    assert_eq!(
        (values.get("two words"), values.get("PATH")),
        (Some("y"), Some("%windir%"))
    );
    assert_eq!(
        (
            values.number("Number"),
            values.number("Path"),
            values.number("none")
        ),
        (Some(15), None, None)
    );
    assert!(!values.is_empty());
    assert_eq!(invocation.parse(&said(1, "")), Ok(None));
}
