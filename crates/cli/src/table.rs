//! Tables as people read them: nothing beyond the edges of their words, and no wider than a screen where that is asked for.

use comfy_table::{ContentArrangement, Table, TableStyle};

/// How wide a screen is that has to do.
pub(crate) const SCREEN: u16 = 80;

/// Blanks between two columns.
const GAP: u16 = 2;

/// A table as text, its header first. With `width` its cells are wrapped where it would be wider.
pub(crate) fn table<T: Into<String>>(
    header: impl IntoIterator<Item = T>,
    rows: impl IntoIterator<Item = Vec<String>>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_header(header.into_iter().map(Into::<String>::into))
        .add_rows(rows);
    if let Some(width) = width {
        // The gap behind the last column is cut off below.
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width.saturating_add(GAP));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_beyond_the_words() {
        let rows = || {
            [
                vec![
                    "cas01".to_owned(),
                    "Setup.exe, ExSetup.exe".to_owned(),
                    "9 MB".to_owned(),
                ],
                vec!["cas02".to_owned()],
            ]
        };
        let header = ["server", "setup", "free"];
        assert_eq!(
            table(header, rows(), None),
            "server  setup                   free\ncas01   Setup.exe, ExSetup.exe  9 MB\ncas02"
        );
        assert_eq!(
            table(header, rows(), Some(26)),
            "server  setup         free\ncas01   Setup.exe,    9 MB\n        ExSetup.exe\ncas02"
        );
    }
}
