//! A proxy of few words: `CONNECT`, forwarding, and SOCKS5, on loopback.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    /// Starts it. One that parts connections opens a new one to the server for each request that it forwards.
    pub(crate) async fn start(parts: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections) = (Arc::clone(&proxy.seen), Arc::clone(&proxy.connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let task = tokio::spawn(async move {
                    // A connection that breaks is the client's business.
                    let _ = serve(client, &seen, parts).await;
                });
                connections.lock().unwrap().push(task.abort_handle());
            }
        });
        proxy
    }

    pub(crate) fn url(&self, scheme: &str) -> url::Url {
        format!("{scheme}://127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// What it was asked for, one line for each connection to a server.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Closes all connections, as a server or a firewall does after a while.
    pub(crate) async fn cut(&self) {
        for task in self.connections.lock().unwrap().drain(..) {
            task.abort();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn serve(mut client: TcpStream, seen: &Mutex<Vec<String>>, parts: bool) -> io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    if first[0] == 5 {
        return socks(client, seen).await;
    }
    let mut server: Option<TcpStream> = None;
    loop {
        let head = read_head(&mut client).await?;
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        if method == "CONNECT" {
            seen.lock().unwrap().push(format!("CONNECT {target}"));
            let mut server = TcpStream::connect(target).await?;
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await?;
            copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
        let url: url::Url = target.parse().unwrap();
        let upstream = match server.take().filter(|_| !parts) {
            Some(server) => server,
            None => {
                seen.lock().unwrap().push(format!("{method} {url}"));
                TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await?
            }
        };
        let upstream = server.insert(upstream);
        let head = head.replacen(&target, url.path(), 1);
        let body = read_body(&mut client, &head).await?;
        upstream.write_all(&[head.as_bytes(), &body].concat()).await?;
        let head = read_head(upstream).await?;
        let body = read_body(upstream, &head).await?;
        client.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
}

/// RFC 1928, without a login.
async fn socks(mut client: TcpStream, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut hello = [0; 2];
    client.read_exact(&mut hello).await?;
    let mut methods = vec![0; hello[1].into()];
    client.read_exact(&mut methods).await?;
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => {
            let mut name = vec![0; client.read_u8().await?.into()];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
        _ => {
            let mut address = [0; 16];
            client.read_exact(&mut address).await?;
            std::net::Ipv6Addr::from(address).to_string()
        }
    };
    let port = client.read_u16().await?;
    seen.lock().unwrap().push(format!("SOCKS {host}:{port}"));
    let mut server = TcpStream::connect((host, port)).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

async fn read_body(stream: &mut TcpStream, head: &str) -> io::Result<Vec<u8>> {
    let lower = head.to_ascii_lowercase();
    let length = lower.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Ok(body)
}
