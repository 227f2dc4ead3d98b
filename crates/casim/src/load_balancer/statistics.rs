//! The tables of the runtime API: `show stat` and `show servers state`, in the columns of HAProxy 2.6.
//!
//! A cell that this load balancer does not measure (rates, times, TLS and HTTP counters) is left empty, as
//! HAProxy leaves what does not apply.

use std::fmt::Write as _;
use std::time::Duration;

use super::backend::Backend;
use super::member::{Admin, Member};

/// The columns of `show stat` in HAProxy 2.6, in order.
pub(super) const STAT_COLUMNS: &str = "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,\
    econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,\
    lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,\
    hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,\
    comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,\
    check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,\
    algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,\
    srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,\
    need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,\
    ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,\
    h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,h2_rst_stream_resp,h2_goaway_resp,\
    h2_open_connections,h2_backend_open_streams,h2_total_connections,h2_backend_total_streams,\
    h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,h1_bytes_out,\
    h1_spliced_bytes_in,h1_spliced_bytes_out";

/// The columns of `show servers state`, version 1.
pub(super) const STATE_COLUMNS: &str = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state \
    srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health \
    srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
    srv_check_port srv_check_addr srv_agent_addr srv_agent_port";

/// The name of the frontend, the number of the frontend and of the backend, as HAProxy numbers a `stats` section,
/// a frontend and a backend.
pub(super) const FRONTEND: &str = "vip";
const FRONTEND_ID: u32 = 2;
const BACKEND_ID: u32 = 3;

/// Which rows `show stat` shall show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selection {
    /// The frontend's row.
    pub(super) frontend: bool,
    /// The backend's own row.
    pub(super) backend: bool,
    /// The servers; 0 is none, -1 is all, any other number is that server.
    pub(super) server: i64,
}

impl Selection {
    /// Everything.
    pub(super) const ALL: Self = Self {
        frontend: true,
        backend: true,
        server: -1,
    };
}

/// A row of `show stat`.
struct Row(Vec<String>);

impl Row {
    fn new(proxy: &str, server: &str) -> Self {
        Self(vec![String::new(); STAT_COLUMNS.split(',').count()])
            .with("pxname", proxy)
            .with("svname", server)
            .with("-", "-")
    }

    fn with(mut self, column: &str, value: impl ToString) -> Self {
        if let Some(index) = STAT_COLUMNS.split(',').position(|name| name == column) {
            self.0[index] = value.to_string();
        }
        self
    }
}

/// `show stat`: a header, a row per line, an empty line.
pub(super) fn stat(backend: &Backend, now: Duration, selection: Selection) -> String {
    let mut text = format!("# {STAT_COLUMNS},\n");
    let mut add = |row: Row| {
        let _ = writeln!(text, "{},", row.0.join(","));
    };
    if selection.frontend {
        add(frontend_row(backend));
    }
    for (index, member) in backend.members.iter().enumerate() {
        let id = index + 1;
        let wanted = selection.server;
        if wanted == -1 || usize::try_from(wanted).is_ok_and(|wanted| wanted == id) {
            add(member_row(backend, member, id, now));
        }
    }
    if selection.backend {
        add(backend_row(backend, now));
    }
    text.push('\n');
    text
}

fn frontend_row(backend: &Backend) -> Row {
    let total = Totals::of(backend);
    Row::new(FRONTEND, "FRONTEND")
        .with("scur", total.current)
        .with("stot", total.sessions + backend.turned_away)
        .with("bin", total.bytes_in)
        .with("bout", total.bytes_out)
        .with("status", "OPEN")
        .with("pid", 1)
        .with("iid", FRONTEND_ID)
        .with("sid", 0)
        .with("type", 0)
        .with("mode", "tcp")
        .with("conn_tot", total.sessions + backend.turned_away)
}

fn member_row(backend: &Backend, member: &Member, id: usize, now: Duration) -> Row {
    let sessions = &member.sessions;
    let idle = member
        .last_session_at
        .map_or(-1, |at| i128::from(now.saturating_sub(at).as_secs()));
    let mut down = member.down_for;
    if member.health < member.thresholds.rise {
        down += now.saturating_sub(member.changed_at);
    }
    let row = Row::new(&backend.name, &member.name)
        .with("qcur", 0)
        .with("qmax", 0)
        .with("scur", sessions.current)
        .with("smax", sessions.most)
        .with("stot", sessions.total)
        .with("bin", sessions.bytes_in)
        .with("bout", sessions.bytes_out)
        .with("econ", sessions.connect_errors)
        .with("wretr", 0)
        .with("wredis", sessions.redispatched)
        .with("status", member.status())
        .with("weight", 1)
        .with("act", 1)
        .with("bck", 0)
        .with("chkfail", member.failed_checks)
        .with("chkdown", member.times_down)
        .with("lastchg", now.saturating_sub(member.changed_at).as_secs())
        .with("downtime", down.as_secs())
        .with("pid", 1)
        .with("iid", BACKEND_ID)
        .with("sid", id)
        .with("lbtot", sessions.total)
        .with("type", 2)
        .with("lastsess", idle)
        .with("addr", member.address)
        .with("mode", "tcp")
        .with("uweight", 1);
    let Some((result, took)) = member.last_check else {
        return row;
    };
    let (word, _, description) = result.words();
    let code = result.status().map(|status| status.to_string());
    row.with("check_status", word)
        .with("check_code", code.unwrap_or_default())
        .with("check_duration", took.as_millis())
        .with("last_chk", result.said())
        .with("check_desc", description)
        .with("check_rise", member.thresholds.rise)
        .with("check_fall", member.thresholds.fall)
        .with("check_health", member.health)
}

fn backend_row(backend: &Backend, now: Duration) -> Row {
    let total = Totals::of(backend);
    let able = backend
        .members
        .iter()
        .filter(|member| member.takes_connections())
        .count();
    let changed = backend
        .members
        .iter()
        .map(|member| member.changed_at)
        .max()
        .unwrap_or_default();
    Row::new(&backend.name, "BACKEND")
        .with("qcur", 0)
        .with("qmax", 0)
        .with("scur", total.current)
        .with("stot", total.sessions + backend.turned_away)
        .with("bin", total.bytes_in)
        .with("bout", total.bytes_out)
        .with("econ", total.connect_errors)
        .with("status", if able == 0 { "DOWN" } else { "UP" })
        .with("weight", able)
        .with("act", able)
        .with("bck", 0)
        .with("lastchg", now.saturating_sub(changed).as_secs())
        .with("pid", 1)
        .with("iid", BACKEND_ID)
        .with("sid", 0)
        .with("lbtot", total.sessions)
        .with("type", 1)
        .with("mode", "tcp")
        .with("algo", backend.balance.word())
        .with("uweight", able)
}

#[derive(Default)]
struct Totals {
    current: u64,
    sessions: u64,
    bytes_in: u64,
    bytes_out: u64,
    connect_errors: u64,
}

impl Totals {
    fn of(backend: &Backend) -> Self {
        backend.members.iter().fold(Self::default(), |sum, member| {
            let sessions = &member.sessions;
            Self {
                current: sum.current + sessions.current,
                sessions: sum.sessions + sessions.total - sessions.redispatched.min(sessions.total),
                bytes_in: sum.bytes_in + sessions.bytes_in,
                bytes_out: sum.bytes_out + sessions.bytes_out,
                connect_errors: sum.connect_errors + sessions.connect_errors,
            }
        })
    }
}

/// `show servers state`: the version, a header, a line per server, an empty line.
pub(super) fn servers_state(backend: &Backend, now: Duration) -> String {
    let mut text = format!("1\n# {STATE_COLUMNS}\n");
    for (index, member) in backend.members.iter().enumerate() {
        let operational = if member.runs() { 2 } else { 0 };
        let (admin, check_state) = match member.admin {
            Admin::Ready => (0, 6),
            Admin::Maint => (1, 14),
            Admin::Drain => (8, 6),
        };
        let (status, result) = match member.last_check {
            None => (1, 0),
            Some((result, _)) if result.passed() => (result.words().1, 3),
            Some((result, _)) => (result.words().1, 2),
        };
        let (ip, port) = (member.address.ip(), member.address.port());
        let _ = writeln!(
            text,
            "{BACKEND_ID} {} {} {} {ip} {operational} {admin} 1 1 {} {status} {result} {} {check_state} 0 0 0 - {port} \
             - 0 0 - - 0",
            backend.name,
            index + 1,
            member.name,
            now.saturating_sub(member.changed_at).as_secs(),
            member.health,
        );
    }
    text.push('\n');
    text
}
