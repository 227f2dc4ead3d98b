//! `fsutil volume diskfree C:`: room on the system's disk, in the form of the server's release.

use super::Call;
use crate::machine::WindowsRelease;

/// The size of the disk.
const ALL: u64 = 126_951_092_224;

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    call.work(30).await;
    let words: Vec<String> = call
        .arguments
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["volume", "diskfree", "c:" | r"c:\"] => {}
        ["volume", "diskfree", _] => {
            call.print("Error:  The system cannot find the path specified.\r\n");
            return 1;
        }
        _ => return call.not_simulated(&format!("'fsutil {}'", words.join(" "))),
    }
    if call.faults().filtered_token.is_on() {
        call.print("The FSUTIL utility requires that you have administrative privileges.\r\n");
        return 1;
    }
    let free = call.machine().options().free_bytes.min(ALL);
    if call.machine().options().windows < WindowsRelease::Server2019 {
        call.print(&format!(
            "Total # of free bytes        : {free}\r\nTotal # of bytes             : {ALL}\r\n\
             Total # of avail free bytes  : {free}\r\n"
        ));
    } else {
        let row = |words: &str, bytes: u64| {
            let grouped = grouped(bytes);
            let tenths = bytes * 10 / (1 << 30);
            format!(
                "{words:<32}: {grouped:>15} ({:>3}.{} GB)\r\n",
                tenths / 10,
                tenths % 10
            )
        };
        call.print(&row("Total free bytes", free));
        call.print(&row("Total bytes", ALL));
        call.print(&row("Total quota free bytes", free));
    }
    0
}

/// `43,270,029,312`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(super::grouped(43_270_029_312), "43,270,029,312");
        assert_eq!(
            (super::grouped(0), super::grouped(1_000)),
            ("0".into(), "1,000".into())
        );
    }
}
