//! What somebody sees and does at the simulated farm itself, beside the run: its servers, its load balancers, who is out and when.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use casim::load_balancer::{Admin, LoadBalancer};
use casim::machine::Machine;
use inventory::ServerName;
use rollout::Plan;
use tokio::time::Instant;

use super::{Stage, stand_ins};

impl Stage {
    /// The simulated server of this name.
    pub(in super::super) fn machine(&self, name: &ServerName) -> Option<&Arc<Machine>> {
        let (farm, at) = self.place_of(name)?;
        self.farms.get(farm)?.machines().get(at)
    }

    /// All simulated servers.
    pub(in super::super) fn machines(&self) -> impl Iterator<Item = &Arc<Machine>> {
        self.farms.iter().flat_map(|farm| farm.machines())
    }

    /// All load balancers.
    pub(in super::super) fn balancers(&self) -> impl Iterator<Item = &LoadBalancer> {
        self.farms.iter().map(casim::Farm::load_balancer)
    }

    /// The load balancer before a server.
    pub(in super::super) fn balancer_of(&self, name: &ServerName) -> Option<&LoadBalancer> {
        let (farm, _) = self.place_of(name)?;
        self.farms.get(farm).map(casim::Farm::load_balancer)
    }

    /// What operators asked the load balancer to do with a server.
    pub(in super::super) fn admin_of(&self, name: &ServerName) -> Option<Admin> {
        let (_, at) = self.place_of(name)?;
        let members = self.balancer_of(name)?.members();
        members.get(at).map(|member| member.admin)
    }

    /// Somebody else sets a server at its load balancer.
    pub(in super::super) fn set(&self, name: &ServerName, admin: Admin) {
        if let Some(balancer) = self.balancer_of(name) {
            balancer.set(&name.to_string().to_lowercase(), admin);
        }
    }

    /// Whether every server gets new connections.
    pub(in super::super) fn is_well(&self) -> bool {
        self.balancers()
            .flat_map(LoadBalancer::members)
            .all(|member| member.admin != Admin::Ready || member.status() == "UP")
    }

    /// The loopback addresses that stand for clients whom the plan lets in.
    pub(in super::super) fn gateways(&self) -> &[IpAddr] {
        &self.gateways
    }

    /// The clients that those stand for, as servers know them.
    pub(in super::super) fn allowed(&self, plan: &Plan) -> BTreeSet<IpAddr> {
        stand_ins(plan)
            .into_iter()
            .flat_map(|(here, there)| [here, there])
            .collect()
    }

    /// The servers that got no new connections, once for the first instant and once for every change until the second.
    pub(in super::super) fn who_was_out(&self, from: Instant, to: Instant) -> Vec<BTreeSet<ServerName>> {
        let mut shifts: Vec<_> = self
            .farms
            .iter()
            .enumerate()
            .flat_map(|(farm, running)| {
                let shifts = running.load_balancer().shifts();
                shifts
                    .into_iter()
                    .map(move |shift| (shift.at, farm, shift.takes_connections))
            })
            .filter(|(at, ..)| *at <= to)
            .collect();
        shifts.sort_by_key(|(at, ..)| *at);
        let mut now: Vec<Vec<bool>> = vec![Vec::new(); self.farms.len()];
        let earlier = shifts.partition_point(|(at, ..)| *at <= from);
        let later = shifts.split_off(earlier);
        for (_, farm, takes) in shifts {
            now[farm] = takes;
        }
        let mut seen = vec![self.out(&now)];
        for (_, farm, takes) in later {
            now[farm] = takes;
            seen.push(self.out(&now));
        }
        seen
    }

    fn out(&self, now: &[Vec<bool>]) -> BTreeSet<ServerName> {
        self.names
            .iter()
            .zip(now)
            .flat_map(|(names, takes)| names.iter().zip(takes))
            .filter(|(_, takes)| !**takes)
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn place_of(&self, name: &ServerName) -> Option<(usize, usize)> {
        self.names.iter().enumerate().find_map(|(farm, names)| {
            let at = names.iter().position(|known| known == name)?;
            Some((farm, at))
        })
    }
}
