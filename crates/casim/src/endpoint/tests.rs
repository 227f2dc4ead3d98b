mod client;
mod limits;
mod login;
