//! Any text is a config or an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(config) = trolley::config::Config::parse(text) {
        let _ = config.server.check();
    }
});
