//! `dism /online /get-featureinfo|/get-features|/enable-feature|/disable-feature`.

use super::Call;
use crate::machine::WindowsRelease;
use crate::machine::features::{Feature, FeatureState, IP_SECURITY};
use crate::machine::state::State;

const HEAD: &str = "\r\nDeployment Image Servicing and Management tool\r\nVersion: ";
const LOG: &str = "The DISM log file can be found at C:\\Windows\\Logs\\DISM\\dism.log\r\n";
const SUCCESS: &str = "The operation completed successfully.\r\n";

/// `CBS_E_UNKNOWN_UPDATE`
const UNKNOWN_FEATURE: u32 = 0x800f_080c;
/// `CBS_E_SOURCE_MISSING`
const SOURCE_MISSING: u32 = 0x800f_081f;
/// `ERROR_SUCCESS_REBOOT_REQUIRED`
const REBOOT_REQUIRED: u32 = 3010;
/// `ERROR_ELEVATION_REQUIRED`
const ELEVATION_REQUIRED: u32 = 740;
/// `ERROR_INVALID_PARAMETER`
const INVALID: u32 = 87;

/// The options of one command.
#[derive(Debug, Default)]
struct Options {
    online: bool,
    command: Option<&'static str>,
    feature: Option<String>,
    quiet: bool,
    no_restart: bool,
}

pub(super) async fn run(call: &mut Call<'_, '_>) -> u32 {
    if call.faults().filtered_token.is_on() {
        call.print("\r\nError: 740\r\n\r\nElevated permissions are required to run DISM.\r\n");
        call.print("Use an elevated command prompt to complete these tasks.\r\n");
        return ELEVATION_REQUIRED;
    }
    let windows = call.machine().options().windows;
    let (version, image) = windows.servicing();
    let options = match options(&call.arguments, windows) {
        Ok(options) => options,
        Err(Refused::Unknown(option)) => {
            call.print(&format!(
                "{HEAD}{version}\r\n\r\n\r\nError: 87\r\n\r\nThe {option} option is unknown.\r\n"
            ));
            call.print("For more information, refer to the help by running DISM.exe /?.\r\n\r\n");
            call.print(LOG);
            return INVALID;
        }
        Err(Refused::NotSimulated(option)) => return call.not_simulated(&format!("'dism' with '{option}'")),
    };
    let (true, Some(command)) = (options.online, options.command) else {
        return call.not_simulated("'dism' without '/online' and a command for features");
    };
    call.work(1500).await;
    if options.quiet {
        call.out.stdout = crate::machine::StreamSink::nul(crate::machine::Stream::Stdout);
    }
    call.print(&format!("{HEAD}{version}\r\n\r\nImage Version: {image}\r\n\r\n"));
    if command == "get-features" {
        return list(call);
    }
    let name = options.feature.clone().unwrap_or_default();
    let Some(mut feature) = call.machine().state().features.get(&name).cloned() else {
        return unknown(call, &name);
    };
    let removed = feature.name == IP_SECURITY && call.faults().feature_payload_removed.is_on();
    if removed && feature.state == FeatureState::Disabled {
        feature.state = FeatureState::DisabledWithPayloadRemoved;
    }
    match command {
        "get-featureinfo" => info(call, &feature),
        "enable-feature" => enable(call, &feature, &options).await,
        _ => disable(call, &feature).await,
    }
}

enum Refused {
    Unknown(String),
    NotSimulated(String),
}

fn options(arguments: &[String], windows: WindowsRelease) -> Result<Options, Refused> {
    let mut options = Options::default();
    for argument in arguments {
        let Some(option) = argument.strip_prefix(['/', '-']) else {
            return Err(Refused::Unknown(argument.clone()));
        };
        let (name, value) = option
            .split_once(':')
            .map_or((option, None), |(name, value)| (name, Some(value)));
        match (name.to_ascii_lowercase().as_str(), value) {
            ("online", None) => options.online = true,
            ("get-featureinfo", None) => options.command = Some("get-featureinfo"),
            ("get-features", None) => options.command = Some("get-features"),
            ("enable-feature", None) => options.command = Some("enable-feature"),
            ("disable-feature", None) => options.command = Some("disable-feature"),
            ("featurename", Some(value)) => options.feature = Some(value.to_owned()),
            ("quiet", None) => options.quiet = true,
            ("norestart", None) => options.no_restart = true,
            ("english", None) => {}
            ("all" | "limitaccess", None) if windows.has_features_on_demand() => {}
            ("source", _) if !windows.has_features_on_demand() => {
                return Err(Refused::Unknown(name.to_owned()));
            }
            (
                "source" | "image" | "packagename" | "remove" | "format" | "logpath" | "loglevel"
                | "scratchdir",
                _,
            ) => {
                return Err(Refused::NotSimulated(argument.clone()));
            }
            _ => return Err(Refused::Unknown(name.to_owned())),
        }
    }
    Ok(options)
}

fn unknown(call: &Call<'_, '_>, name: &str) -> u32 {
    call.print(&format!(
        "\r\nError: {UNKNOWN_FEATURE:#x}\r\n\r\nFeature name {name} is unknown.\r\nA Windows feature name was not \
         recognized.\r\nUse the /Get-Features option to find the name of the feature in the image and try the command \
         again.\r\n\r\n{LOG}"
    ));
    UNKNOWN_FEATURE
}

fn list(call: &Call<'_, '_>) -> u32 {
    let state = call.machine().state();
    let lines: String = state
        .features
        .iter()
        .map(|f| format!("Feature Name : {}\r\nState : {}\r\n\r\n", f.name, f.state.words()))
        .collect();
    drop(state);
    call.print(&format!(
        "Features listing for package : Microsoft-Windows-Foundation-Package\r\n\r\n{lines}{SUCCESS}"
    ));
    0
}

fn info(call: &Call<'_, '_>, feature: &Feature) -> u32 {
    // The names that Server Manager gives the feature, as a real Exchange 2019 server had them.
    let custom = if feature.name == IP_SECURITY {
        "ServerComponent\\DisplayName : IP and Domain Restrictions\r\nServerComponent\\Id : 170\r\n\
         ServerComponent\\UniqueName : Web-IP-Security\r\n"
    } else {
        "(No custom properties found)\r\n"
    };
    call.print(&format!(
        "Feature Information:\r\n\r\nFeature Name : {}\r\nDisplay Name : {}\r\nDescription : {}\r\n\
         Restart Required : Possible\r\nState : {}\r\n\r\nCustom Properties:\r\n\r\n{custom}\r\n{SUCCESS}",
        feature.name,
        feature.display_name,
        feature.description,
        feature.state.words(),
    ));
    0
}

/// The bar of a console; every state of it begins with a carriage return.
async fn progress(call: &Call<'_, '_>, up_to: u64) {
    for percent in [20, 40, 60, 80, 100] {
        if percent > up_to {
            break;
        }
        call.work(3000).await;
        let bar = "=".repeat(usize::try_from(percent * 26 / 100).unwrap_or(0));
        let rest = if percent == 100 { bar.as_str() } else { "" };
        call.print(&format!("\r[{bar:<26}{percent}.0%{rest:<26}] "));
    }
    call.print("\r\n");
}

async fn enable(call: &mut Call<'_, '_>, feature: &Feature, options: &Options) -> u32 {
    call.print("Enabling feature(s)\r\n");
    if feature.state == FeatureState::DisabledWithPayloadRemoved
        || call.faults().feature_install_fails.is_on()
    {
        progress(call, 60).await;
        call.print(&format!(
            "\r\nError: {SOURCE_MISSING:#x}\r\n\r\nThe source files could not be found.\r\nUse the \"Source\" option to \
             specify the location of the files that are required to restore the feature. For more information on \
             specifying a source location, see http://go.microsoft.com/fwlink/?LinkId=243077.\r\n\r\n{LOG}"
        ));
        return SOURCE_MISSING;
    }
    let pending = feature.state == FeatureState::EnablePending
        || (feature.state != FeatureState::Enabled && call.faults().feature_needs_reboot.is_on());
    progress(call, 100).await;
    let target = if pending {
        FeatureState::EnablePending
    } else {
        FeatureState::Enabled
    };
    set(call, feature, target);
    call.print(SUCCESS);
    if pending { restart(call, options).await } else { 0 }
}

async fn disable(call: &Call<'_, '_>, feature: &Feature) -> u32 {
    call.print("Disabling feature(s)\r\n");
    progress(call, 100).await;
    if feature.state != FeatureState::DisabledWithPayloadRemoved {
        set(call, feature, FeatureState::Disabled);
    }
    call.print(SUCCESS);
    0
}

fn set(call: &Call<'_, '_>, feature: &Feature, target: FeatureState) {
    let mut state = call.machine().state();
    let State {
        features,
        configuration,
        ..
    } = &mut *state;
    features.set(feature.name, target, configuration);
}

/// Without `/norestart` (or `/quiet`) dism asks, and waits for the answer as long as its input is open.
async fn restart(call: &mut Call<'_, '_>, options: &Options) -> u32 {
    if !options.no_restart && !options.quiet {
        call.print(
            "Restart Windows to complete this operation.\r\nDo you want to restart the computer now? (Y/N) ",
        );
        let yes = loop {
            match call
                .read_line()
                .await
                .map(|answer| answer.trim().to_ascii_lowercase())
                .as_deref()
            {
                Some("y") => break true,
                None | Some("n") => break false,
                Some(_) => {}
            }
        };
        if yes {
            call.machine().reboot().await;
        }
    }
    REBOOT_REQUIRED
}
