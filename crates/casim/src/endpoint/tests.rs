mod client;
mod https;
mod limits;
mod login;
mod shells;
