use command::Output;

use super::{Listed, ServiceState, ServiceStatus, dependents, list_active, query, start};
use crate::Error;
use crate::testing::said;

/// The shape of `sc queryex`; keys and words vary.
fn printed(keys: [&str; 8], state: &str, pid: u32) -> Output {
    let [type_, state_key, win32, service, checkpoint, wait, pid_key, flags] = keys;
    said(
        0,
        &format!(
            "\r\nSERVICE_NAME: W3SVC \r\n        {type_}               : 20  WIN32_SHARE_PROCESS  \r\n        {state_key}              : {state} \r\n\
             \x20                               (STOPPABLE, PAUSABLE, ACCEPTS_SHUTDOWN)\r\n        {win32}    : 0  (0x0)\r\n\
             \x20       {service}  : 0  (0x0)\r\n        {checkpoint}         : 0x0\r\n        {wait}          : 0x0\r\n\
             \x20       {pid_key}                : {pid}\r\n        {flags}              : \r\n"
        ),
    )
}

const ENGLISH: [&str; 8] = [
    "TYPE",
    "STATE",
    "WIN32_EXIT_CODE",
    "SERVICE_EXIT_CODE",
    "CHECKPOINT",
    "WAIT_HINT",
    "PID",
    "FLAGS",
];

#[test]
fn every_state_by_its_number() {
    let invocation = query("W3SVC").unwrap();
    assert_eq!(invocation.line().as_str(), "sc queryex W3SVC");
    for (code, state, _) in ServiceState::ALL {
        // The word is not looked at.
        let output = printed(ENGLISH, &format!("{code}  QUELQUE_CHOSE"), 4188);
        assert_eq!(invocation.parse(&output), Ok(ServiceStatus { state, pid: 4188 }));
    }
    assert_eq!(ServiceState::Running.to_string(), "running");
    assert_eq!(ServiceState::from_code(8), None);
}

#[test]
fn translated_keys_are_found_by_their_place() {
    let keys = [
        "TYP",
        "ÉTAT",
        "CODE_SORTIE_WIN32",
        "CODE_SORTIE_SERVICE",
        "POINT_CONTRÔLE",
        "ATTENTE",
        "ID_PROCESSUS",
        "DRAPEAUX",
    ];
    let expected = ServiceStatus {
        state: ServiceState::Stopped,
        pid: 0,
    };
    assert_eq!(
        query("W3SVC").unwrap().parse(&printed(keys, "1  STOPPED", 0)),
        Ok(expected)
    );
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let invocation = query("W3SVC").unwrap();
    for output in [
        said(0, ""),
        said(0, "SERVICE_NAME: W3SVC\r\n"),
        printed(ENGLISH, "9  NEW", 1),
        printed(ENGLISH, "RUNNING", 1),
    ] {
        assert!(
            matches!(invocation.parse(&output), Err(Error::Unreadable { .. })),
            "{output:?}"
        );
    }
    let missing = said(
        1060,
        "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\r\n\r\nThe specified service does not exist as an installed service.\r\n",
    );
    assert_eq!(invocation.parse(&missing).unwrap_err().exit_code(), Some(1060));
}

#[test]
fn starting_what_runs_is_no_error() {
    let invocation = start("W3SVC").unwrap();
    assert_eq!(invocation.line().as_str(), "sc start W3SVC");
    assert_eq!(invocation.parse(&said(0, "STATE : 2  START_PENDING")), Ok(()));
    assert_eq!(
        invocation.parse(&said(1056, "[SC] StartService FAILED 1056:")),
        Ok(())
    );
    assert_eq!(
        invocation
            .parse(&said(1068, "[SC] StartService FAILED 1068:"))
            .unwrap_err()
            .exit_code(),
        Some(1068)
    );
}

#[test]
fn names_are_checked_and_quoted() {
    for name in ["", "a/b", "a\\b", &"x".repeat(257)] {
        assert!(
            matches!(
                query(name),
                Err(Error::BadName {
                    what: "a service",
                    ..
                })
            ),
            "{name}"
        );
    }
    assert!(matches!(start("a\nb"), Err(Error::CommandLine { .. })));
    assert_eq!(query("a & b").unwrap().line().as_str(), "sc queryex \"a & b\"");
}

const LIST: &str = "\r\nSERVICE_NAME: IISADMIN\r\nDISPLAY_NAME: IIS Admin Service\r\n        TYPE               : 20  WIN32_SHARE_PROCESS\r\n        \
    STATE              : 4  RUNNING\r\n                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\r\n        \
    WIN32_EXIT_CODE    : 0  (0x0)\r\n        SERVICE_EXIT_CODE  : 0  (0x0)\r\n        CHECKPOINT         : 0x0\r\n        \
    WAIT_HINT          : 0x0\r\n        PID                : 4711\r\n        FLAGS              :\r\n\r\n\
    NOMBRE_SERVICIO: NetTcpActivator\r\nNOMBRE_MOSTRAR: Adaptador: Net.Tcp\r\n        TIPO               : 20  WIN32_SHARE_PROCESS\r\n        \
    ESTADO             : 2  START_PENDING\r\n                                (NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN))\r\n        \
    COD_SALIDA_WIN32   : 0  (0x0)\r\n";

#[test]
fn a_list_is_read_by_its_shape_in_any_language() {
    let list = list_active();
    assert_eq!(list.line().as_str(), "sc queryex bufsize= 262144");
    let printed = |stdout: &str| Output {
        stdout: stdout.into(),
        ..Output::default()
    };
    let found = list.parse(&printed(LIST)).unwrap();
    let expected = |name: &str, state, pid| Listed {
        name: name.to_owned(),
        state,
        pid,
    };
    assert_eq!(
        found,
        [
            expected("IISADMIN", ServiceState::Running, 4711),
            expected("NetTcpActivator", ServiceState::StartPending, 0)
        ]
    );
    let dependents = dependents("WAS").unwrap();
    assert_eq!(dependents.line().as_str(), "sc enumdepend WAS 262144");
    let headed = format!("[SC] EnumDependentServices: entriesRead = 2\r\n{LIST}");
    assert_eq!(dependents.parse(&printed(&headed)).unwrap().len(), 2);
    let none = "Enum: entriesRead  = 0\r\n";
    assert_eq!(dependents.parse(&printed(none)).unwrap(), []);
    let broken = LIST.replace("4  RUNNING", "RUNNING");
    assert!(matches!(
        list.parse(&printed(&broken)),
        Err(Error::Unreadable { .. })
    ));
    let failed = Output {
        exit_code: 5,
        ..Output::default()
    };
    assert_eq!(list.parse(&failed).unwrap_err().exit_code(), Some(5));
    assert!(super::dependents("a/b").is_err(), "no name");
}
