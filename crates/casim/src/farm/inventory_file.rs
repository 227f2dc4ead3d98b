//! The farm as an inventory that casgate reads.

use std::fmt::Write as _;

use super::Farm;
use crate::load_balancer::OWN_ADDRESS;

/// The whole file. Nothing in it is secret: the password comes from the environment.
pub(super) fn text(farm: &Farm, ca_file: &str) -> String {
    let mut text = format!(
        "# A simulated farm on this computer, written by `casgate simulate`. Every server is 127.0.0.1 with ports of its\n\
         # own. The password is in CASGATE_PASSWORD.\n\
         \n\
         [defaults]\n\
         transport = \"http\"\n\
         auth = \"negotiate\"\n\
         credential = \"ops\"\n\
         ca_file = \"{ca_file}\"\n\
         \n\
         [credential.ops]\n\
         user = '{user}'\n\
         password = {{ env = \"CASGATE_PASSWORD\" }}\n\
         \n\
         [load_balancer.dc1]\n\
         kind = \"haproxy\"\n\
         socket = \"tcp://{api}\"\n\
         backend = \"eas\"\n\
         probes_from = [\"{OWN_ADDRESS}\"]\n\
         \n\
         [pool.eas]\n\
         load_balancer = \"dc1\"\n\
         vip = \"https://{host}\"\n\
         vip_address = \"{vip}\"\n\
         min_in_rotation = {floor}\n\
         \n\
         # The gateway that shall be let in, and somebody who shall not.\n\
         [vantage.sentry1]\n\
         source_address = \"127.0.0.10\"\n\
         \n\
         [vantage.outside]\n\
         source_address = \"127.0.0.66\"\n",
        user = farm.user,
        host = farm.entrance.host,
        api = farm.load_balancer.runtime_api(),
        vip = farm.load_balancer.vip(),
        floor = floor(farm.machines.len()),
    );
    for ((machine, endpoint), front_end) in farm.machines.iter().zip(&farm.endpoints).zip(&farm.front_ends) {
        let _ = write!(
            text,
            "\n[server.{}]\naddress = \"{}\"\nport = {}\nhttps_port = {}\npool = \"eas\"\n",
            machine.name().to_lowercase(),
            endpoint.address().ip(),
            endpoint.address().port(),
            front_end.address().port(),
        );
    }
    text
}

/// At least half of the farm serves; a farm of one has nobody else to serve meanwhile.
fn floor(servers: usize) -> &'static str {
    if servers > 1 { "\"50%\"" } else { "0" }
}
