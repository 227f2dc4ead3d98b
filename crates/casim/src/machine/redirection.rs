//! `redirection.config`: whether IIS takes its configuration from another server's folder ("shared configuration").

/// Where the file is, in lower case.
const FILE: &str = r"c:\windows\system32\inetsrv\config\redirection.config";

/// The text of the file, if `path` names it. `shared` is the folder that IIS takes its configuration from.
pub(super) fn text_of(path: &str, shared: Option<&str>) -> Option<String> {
    if path.to_lowercase() != FILE {
        return None;
    }
    let element = match shared {
        Some(folder) => format!(
            "<configurationRedirection enabled=\"true\" path=\"{}\" userName=\"\" password=\"\" />",
            quick_xml::escape::escape(folder)
        ),
        None => "<configurationRedirection />".to_owned(),
    };
    let lines = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<configuration>",
        "    <configSections>",
        "        <section name=\"configurationRedirection\" />",
        "    </configSections>",
        "    <configProtectedData>",
        "        <providers>",
        "            <add name=\"IISRsaProvider\" type=\"\" description=\"Uses RsaCryptoServiceProvider to encrypt and decrypt\" \
         keyContainerName=\"iisConfigurationKey\" cspProviderName=\"\" useMachineContainer=\"true\" useOAEP=\"false\" />",
        "        </providers>",
        "    </configProtectedData>",
        &format!("    {element}"),
        "</configuration>",
        "",
    ];
    Some(lines.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::text_of;

    const PATH: &str = r"C:\Windows\System32\inetsrv\config\redirection.config";

    #[test]
    fn the_file_names_the_folder_only_where_there_is_one() {
        let shared = text_of(PATH, Some(r"\\FILES01\iis&co")).expect("the file");
        let document = roxmltree::Document::parse(&shared).expect("XML");
        let element = document
            .descendants()
            .find(|node| node.has_tag_name("configurationRedirection"))
            .expect("the element");
        assert_eq!(element.attribute("enabled"), Some("true"));
        assert_eq!(element.attribute("path"), Some(r"\\FILES01\iis&co"));
        let local = text_of(PATH, None).expect("the file");
        assert!(local.contains("<configurationRedirection />"));
        assert_eq!(text_of(r"C:\Windows\win.ini", None), None);
    }
}
