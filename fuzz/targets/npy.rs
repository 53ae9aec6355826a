#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wise_srnet_fuzz::readers::npy(input));
