use super::*;

const REQUEST: &str = "show stat -1 4 -1;show servers state";

/// Shortened from HAProxy's management guide, section 9.1 (CSV format); the order of columns is changed on purpose.
const TABLE: &str = "\
# pxname,svname,qcur,qmax,scur,smax,status,weight,bck,last_chk,
web,FRONTEND,,,7,9,OPEN,,,,
eas,cas01,0,0,3,5,UP,1,0,\"HTTP status check returned code <3C>200<3E>, \"\"OK\"\"\",
eas,cas02,0,0,2,5,DRAIN,1,0,,
eas,cas03,0,0,0,5,MAINT (via eas/cas01),1,0,,
eas,cas04,0,0,1,5,UP 1/3,1,0,,
eas,cas05,0,0,0,5,DOWN,1,0,,
eas,cas06,0,0,4,5,no check,1,0,,
eas,cas07,0,0,0,5,NOLB,1,0,,
eas,cas08,0,0,0,5,DOWN,1,0,,
eas,cas09,0,0,0,5,no check,0,0,,
eas,cas10,0,0,0,5,UP,1,1,,
eas,cas11,0,0,0,5,DOWN 1/2,1,0,,
eas,BACKEND,0,0,10,12,UP,6,0,,
owa,cas01,0,0,99,99,UP,1,0,,

1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
2 eas 1 cas01 192.0.2.11 2 0 1
2 eas 2 cas02 192.0.2.12 2 8 1
2 eas 8 cas08 192.0.2.18 0 8 1
3 owa 1 cas01 192.0.2.11 2 0 1

";

#[test]
fn members_are_read_by_column_names() {
    let backends = read(TABLE, "tcp://x", REQUEST).unwrap();
    let seen: Vec<_> = backends["eas"]
        .iter()
        .map(|m| (m.name.as_str(), m.connections, m.standing, m.status.as_str()))
        .collect();
    use Standing::{Down, InRotation, Standby, TakenOut};
    assert_eq!(
        seen,
        [
            ("cas01", Some(3), InRotation, "UP"),
            ("cas02", Some(2), TakenOut, "DRAIN"),
            ("cas03", Some(0), TakenOut, "MAINT (via eas/cas01)"),
            ("cas04", Some(1), InRotation, "UP 1/3"),
            ("cas05", Some(0), Down, "DOWN"),
            ("cas06", Some(4), InRotation, "no check"),
            ("cas07", Some(0), Down, "NOLB"),
            ("cas08", Some(0), TakenOut, "DOWN while drained"),
            ("cas09", Some(0), TakenOut, "no check with weight 0"),
            ("cas10", Some(0), Standby, "UP as backup"),
            ("cas11", Some(0), Down, "DOWN 1/2"),
        ]
    );
    assert_eq!(backends["owa"].len(), 1);
}

#[test]
fn text_instead_of_a_table_is_a_refusal() {
    for (answer, told) in [
        ("Permission denied\n\n", "Permission denied"),
        (
            "# pxname,svname,scur\n\nPermission denied\n\n",
            "Permission denied",
        ),
        ("", "nothing"),
        ("# pxname,svname,scur\n\n", "nothing"),
    ] {
        let error = read(answer, "tcp://x", "show stat").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the load balancer at tcp://x answered `show stat` with: {told}")
        );
    }
}

#[test]
fn a_missing_column_is_named() {
    let table = "# pxname,svname,scur\neas,cas01,0\n\n1\n# be_name srv_name srv_admin_state\neas cas01 0\n\n";
    let error = read(table, "tcp://x", REQUEST).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the load balancer's table `show stat` has no column `status`"
    );
    let table = TABLE.replace("srv_admin_state", "srv_adm");
    let error = read(&table, "tcp://x", REQUEST).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the load balancer's table `show servers state` has no column `srv_admin_state`"
    );
}

#[test]
fn quoted_fields_keep_commas_and_quotes() {
    assert_eq!(fields(r#"a,"b,""c""",,d"#), ["a", r#"b,"c""#, "", "d"]);
}
