//! The long polls of ActiveSync: a phone asks `Ping` and gets its answer when there is news, or after up to an hour.

/// Ping's number among the commands (MS-ASHTTP 2.2.1.1.1.1.2, Command Codes).
const PING: u8 = 18;

const PATH: &str = "/microsoft-server-activesync";

/// Whether a URL (path and query) asks for ActiveSync's Ping, in either form of the query: plain (`?Cmd=Ping&User=…`) or in base64 (MS-ASHTTP
/// 2.2.1.1.1.1, since protocol version 12.1).
pub fn is_ping(url: &str) -> bool {
    let Some((path, query)) = url.split_once('?') else {
        return false;
    };
    if !path.trim_end_matches('/').to_ascii_lowercase().ends_with(PATH) {
        return false;
    }
    let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    let plain = parameters.find(|(name, _)| name.eq_ignore_ascii_case("cmd"));
    match plain {
        Some((_, command)) => command.eq_ignore_ascii_case("ping"),
        // The first byte is the protocol version, the second one the command.
        None => second_byte(query) == Some(PING),
    }
}

/// The second byte of a text in base64.
fn second_byte(text: &str) -> Option<u8> {
    let mut digits = text.bytes().skip(1).map_while(digit);
    let (second, third) = (digits.next()?, digits.next()?);
    Some((second & 0x0f) << 4 | third >> 2)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_are_known_in_both_forms() {
        for (url, expected) in [
            (
                "/Microsoft-Server-ActiveSync?Cmd=Ping&User=a&DeviceId=b&DeviceType=SP",
                true,
            ),
            ("/microsoft-server-activesync/default.eas?User=a&cmd=ping", false),
            ("/microsoft-server-activesync/?User=a&cmd=ping", true),
            ("/Microsoft-Server-ActiveSync?Cmd=Sync&User=a", false),
            ("/Microsoft-Server-ActiveSync?User=a&DeviceId=Cmd", false),
            // Version 14.1 (0x8d), command 18 and 0, locale 0x0409.
            ("/Microsoft-Server-ActiveSync?jRIJBA==", true),
            ("/Microsoft-Server-ActiveSync?jQAJBA==", false),
            ("/Microsoft-Server-ActiveSync?", false),
            ("/Microsoft-Server-ActiveSync", false),
            ("/owa/?Cmd=Ping", false),
            ("", false),
        ] {
            assert_eq!(is_ping(url), expected, "{url}");
        }
    }
}
