//! TCP ports that a simulated service may close and open again.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::Error;

/// Real time to wait when a connection could not be accepted.
const RECOVERY: Duration = Duration::from_millis(20);

/// An address of ours, whether or not somebody listens there right now.
///
/// Ports are mostly chosen by the system, out of the range that it also takes ports of outgoing connections from. A
/// port that was merely closed might be gone when the service comes back, so a socket that never listens keeps it.
#[derive(Debug)]
pub(crate) struct Port {
    what: String,
    address: SocketAddr,
    _reservation: Option<Socket>,
}

impl Port {
    /// Takes an address, where port 0 lets the system choose; `what` is for the error.
    pub(crate) fn reserve(what: impl Into<String>, address: SocketAddr) -> Result<Self, Error> {
        let what = what.into();
        let reserved = bind(address).and_then(|socket| {
            let local = socket.local_addr()?.as_socket();
            Ok((socket, local.unwrap_or(address)))
        });
        match reserved {
            Ok((socket, address)) => Ok(Self {
                what,
                address,
                // Only Linux lets another socket listen beside one that is bound and does not listen.
                _reservation: cfg!(target_os = "linux").then_some(socket),
            }),
            Err(source) => Err(Error::Listen {
                what,
                address,
                source,
            }),
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens, until the listener is dropped. Must be called within a tokio runtime.
    pub(crate) fn listen(&self) -> Result<TcpListener, Error> {
        let listen = || {
            let socket = bind(self.address)?;
            socket.listen(1024)?;
            socket.set_nonblocking(true)?;
            TcpListener::from_std(socket.into())
        };
        listen().map_err(|source| Error::Listen {
            what: self.what.clone(),
            address: self.address,
            source,
        })
    }
}

/// The next connection. Errors of accepting (too many open files, a client that has gone already) pass.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => sleep(RECOVERY).await,
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::net::TcpStream;

    use super::Port;
    use crate::Error;

    #[tokio::test]
    async fn a_port_can_be_closed_and_opened_again() {
        let port = Port::reserve("a test", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        for _ in 0..3 {
            let refused = TcpStream::connect(port.address()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = port.listen().unwrap();
            let (client, server) = tokio::join!(TcpStream::connect(port.address()), listener.accept());
            assert_eq!(client.unwrap().local_addr().unwrap(), server.unwrap().1);
        }
    }

    #[tokio::test]
    async fn a_port_that_somebody_listens_on_is_an_error_that_says_for_what() {
        let port = Port::reserve("one", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let _listener = port.listen().unwrap();
        let error = Port::reserve("WinRM of CAS01", port.address()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot listen on {} for WinRM of CAS01", port.address())
        );
        assert!(matches!(error, Error::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse));
    }
}
