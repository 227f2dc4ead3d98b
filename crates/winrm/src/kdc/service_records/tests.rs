use simple_dns::ResourceRecord;
use simple_dns::rdata::SRV;

use super::*;

/// A name server on loopback that answers each question with what the function makes of it.
async fn name_server(answer: impl Fn(&Packet<'_>) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            let question = Packet::parse(&bytes[..length]).unwrap();
            for datagram in answer(&question) {
                socket.send_to(&datagram, from).await.unwrap();
            }
        }
    });
    address
}

fn reply(question: &Packet<'_>, records: &[(u16, u16, u16, &'static str)]) -> Vec<u8> {
    let mut packet = Packet::new_reply(question.id());
    packet.questions.clone_from(&question.questions);
    let name = question.questions[0].qname.clone();
    for (priority, weight, port, target) in records {
        let target = Name::new_unchecked(target);
        let srv = SRV {
            priority: *priority,
            weight: *weight,
            port: *port,
            target,
        };
        packet
            .answers
            .push(ResourceRecord::new(name.clone(), CLASS::IN, 60, RData::SRV(srv)));
    }
    packet.build_bytes_vec().unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test]
async fn kdcs_come_by_priority_and_weight() {
    let server = name_server(|question| {
        assert_eq!(
            question.questions[0].qname.to_string(),
            "_kerberos._tcp.contoso.example"
        );
        assert_eq!(question.questions[0].qtype, TYPE::SRV.into());
        vec![reply(
            question,
            &[
                (10, 5, 88, "dc3.contoso.example"),
                (0, 10, 88, "dc2.contoso.example"),
                (0, 90, 1088, "dc1.contoso.example"),
            ],
        )]
    })
    .await;
    assert_eq!(
        kdcs("CONTOSO.EXAMPLE", &[server], soon()).await,
        [
            "dc1.contoso.example:1088",
            "dc2.contoso.example:88",
            "dc3.contoso.example:88"
        ]
    );
}

#[tokio::test]
async fn the_next_name_server_is_asked_where_one_refuses_or_is_silent() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let refusing = name_server(|question| {
        let mut packet = Packet::new_reply(question.id());
        *packet.rcode_mut() = RCODE::ServerFailure;
        vec![packet.build_bytes_vec().unwrap()]
    })
    .await;
    let good = name_server(|question| vec![reply(question, &[(0, 0, 88, "dc1.contoso.example")])]).await;
    let servers = [silent.local_addr().unwrap(), refusing, good];
    assert_eq!(
        kdcs("A.EXAMPLE", &servers, soon()).await,
        ["dc1.contoso.example:88"]
    );
}

#[tokio::test]
async fn a_realm_without_records_has_none_and_answers_to_others_are_passed_over() {
    let server = name_server(|question| {
        let mut other = reply(question, &[(0, 0, 88, "evil.example")]);
        other[0] ^= 0xff;
        vec![b"nonsense".to_vec(), other, reply(question, &[(0, 0, 88, ".")])]
    })
    .await;
    assert!(kdcs("A.EXAMPLE", &[server], soon()).await.is_empty());
    assert!(kdcs("not a name..", &[server], soon()).await.is_empty());
}

#[test]
fn name_servers_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resolv.conf");
    std::fs::write(
        &path,
        "# comment\nsearch contoso.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n",
    )
    .unwrap();
    assert_eq!(
        read_name_servers(&path),
        [
            "192.0.2.53:53".parse().unwrap(),
            "[2001:db8::53]:53".parse().unwrap()
        ]
    );
    assert!(read_name_servers(&folder.path().join("missing")).is_empty());
    std::fs::write(&path, "nameserver nonsense\n").unwrap();
    assert!(read_name_servers(&path).is_empty());
}

proptest::proptest! {
    #[test]
    fn arbitrary_datagrams_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), id: u16) {
        let _ = read(&bytes, id);
    }
}
