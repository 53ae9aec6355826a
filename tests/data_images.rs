//! Every kind of image file, against the pixels that Keras sees in it (`tools/image_kinds.py` wrote both), and files that
//! are none.

use std::fs;
use std::path::PathBuf;

use image::{ImageFormat, RgbImage};
use wise_srnet::data::decode::decode;
use wise_srnet::data::with_causes;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/images")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// The files whose pixels are stored too.
fn kinds() -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kinds: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".rgb")?.to_owned()))
        .collect();
    kinds.sort();
    assert_eq!(kinds.len(), 25);
    kinds
}

/// The largest difference of a value between ours and Keras' pixels, of 255.
fn difference(name: &str) -> u8 {
    let image = decode(&file(name), name).unwrap();
    assert_eq!(image.dimensions(), (16, 12), "{name}");
    let keras = file(&format!("{name}.rgb"));
    assert_eq!(image.as_raw().len(), keras.len(), "{name}");
    let both = image.as_raw().iter().zip(&keras);
    both.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn every_kind_of_file_gives_the_pixels_that_keras_sees() {
    for name in kinds() {
        // JPEG's and lossy WebP's decoders round differently.
        let allowed = match name.as_str() {
            "grey16.png" => continue,
            "png_named.jpg" => 0,
            "lossy.webp" => 2,
            jpeg if jpeg.ends_with(".jpg") => 3,
            _ => 0,
        };
        let found = difference(&name);
        assert!(found <= allowed, "{name}: {found} of 255");
    }
}

/// Pillow cuts all values of such a file above 255, so that a photograph becomes white: nobody can mean that.
#[test]
fn sixteen_bits_of_grey_are_read_like_sixteen_bits_of_colour() {
    let deep = decode(&file("grey16.png"), "grey16.png").unwrap();
    let shallow = decode(&file("grey.png"), "grey.png").unwrap();
    assert_eq!(deep, shallow);
    assert!(file("grey16.png.rgb").iter().filter(|value| **value == 255).count() > 500);
}

#[test]
fn a_file_that_was_cut_short_is_refused_by_name_or_whole() {
    for name in kinds() {
        let bytes = file(&name);
        let whole = decode(&bytes, &name).unwrap();
        for length in 0..bytes.len() {
            match decode(&bytes[..length], &name) {
                Ok(image) => assert_eq!(image, whole, "{name} cut to {length} of {} bytes", bytes.len()),
                Err(error) => assert!(with_causes(&error).contains(&format!("'{name}'")), "{error}"),
            }
        }
    }
}

#[test]
fn files_that_are_no_images_are_refused_by_name_and_reason() {
    for (bytes, reason) in [
        (&b""[..], "cannot decode image 'sea/1.jpg'"),
        (b"Dear diary, this is no photograph.", "cannot decode image 'sea/1.jpg'"),
        (b"<html><body>404</body></html>", "cannot decode image 'sea/1.jpg'"),
        (b"%PDF-1.7 and so on, and so on", "cannot decode image 'sea/1.jpg'"),
        (&[0; 4096], "cannot decode image 'sea/1.jpg'"),
    ] {
        let error = decode(bytes, "sea/1.jpg").unwrap_err();
        let message = with_causes(&error);
        assert!(message.starts_with(reason) && message.len() > reason.len(), "{message}");
    }
    let photograph = file("rgb.jpg");
    let error = decode(&photograph[..photograph.len() - 2], "sea/1.jpg").unwrap_err();
    assert_eq!(
        error.to_string(),
        "'sea/1.jpg' ends before its image does: the file was cut short"
    );
}

/// What a file's bytes become with `value` at a place.
fn with(mut bytes: Vec<u8>, place: usize, value: &[u8]) -> Vec<u8> {
    bytes[place..place + value.len()].copy_from_slice(value);
    bytes
}

#[test]
fn a_file_that_claims_too_many_pixels_is_refused_before_they_are_decoded() {
    let png = with(file("rgb.png"), 16, &[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let sum = crc32fast::hash(&png[12..29]).to_be_bytes();
    let jpeg = file("rgb.jpg");
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    for (name, bytes, size) in [
        ("a.png", with(png, 29, &sum), "30000×30000"),
        ("a.jpg", with(jpeg, frame + 5, &[0x75, 0x30, 0x75, 0x30]), "30000×30000"),
        ("a.gif", with(file("animated.gif"), 6, &[0xff; 4]), "65535×65535"),
        (
            "a.webp",
            with(file("animated.webp"), 24, &[0x2f, 0x75, 0, 0x2f, 0x75, 0]),
            "30000×30000",
        ),
    ] {
        let error = decode(&bytes, name).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("'{name}' has {size} pixels; 1 to 64000000 in all, and up to 65500 a side, are accepted")
        );
    }
}

/// A few kilobytes that would be 192 MB of pixels: within the limit, and so decoded.
#[test]
fn an_image_of_the_largest_size_is_decoded() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(8000, 8000)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let bytes = bytes.into_inner();
    assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
    assert_eq!(decode(&bytes, "black.png").unwrap().dimensions(), (8000, 8000));
}
