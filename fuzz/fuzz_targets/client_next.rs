#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pollback_fuzz::run("client-next", input));
