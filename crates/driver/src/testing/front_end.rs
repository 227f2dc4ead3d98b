//! An HTTPS front end that answers as a closure says.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::HOST;

/// A request as it came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) from: IpAddr,
}

/// An answer: status, headers as lines, body. Status 0 closes the connection without a word.
pub(crate) type Reply = (u16, &'static str, String);

/// A front end with a certificate for [`HOST`] that is its own authority, at the addresses of both servers.
pub(crate) struct FrontEnd {
    pub(crate) port: u16,
    pub(crate) ca: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

impl FrontEnd {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let own = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // Where cas02 is.
        let second = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (Arc::clone(&asked), Arc::new(answer));
        let serving = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    accepted = second.accept() => accepted,
                };
                let Ok((stream, peer)) = accepted else { break };
                let (acceptor, heard, answer) = (acceptor.clone(), Arc::clone(&heard), Arc::clone(&answer));
                tokio::spawn(async move {
                    // Clients that do not like the certificate hang up here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, peer.ip(), &heard, &*answer).await;
                    }
                });
            }
        });
        Self {
            port,
            ca: own.cert.pem(),
            asked,
            serving,
        }
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    from: IpAddr,
    heard: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(&Asked) -> Reply + ?Sized),
) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(n) if n > 0 && line != "\r\n" => lines.push(line),
            _ => break,
        }
    }
    let field = |name: &str| {
        let found = lines.iter().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_default().trim().to_owned()
    };
    let request = Asked {
        path: field("GET ").trim_end_matches(" HTTP/1.1").to_owned(),
        host: field("host: "),
        from,
    };
    heard.lock().unwrap().push(request.clone());
    let (status, headers, body) = answer(&request);
    if status == 0 {
        let _ = stream.get_mut().shutdown().await;
        return;
    }
    let reply = format!(
        "HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.get_mut().write_all(reply.as_bytes()).await;
    let _ = stream.get_mut().shutdown().await;
}
