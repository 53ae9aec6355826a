//! Every kind of image file, against the pixels that Keras sees in it (`tools/image_kinds.py` wrote both), and files that
//! are none.

use std::fs;
use std::path::PathBuf;

use image::{ImageFormat, RgbImage};
use wise_srnet::data::decode::{self, Orientation};
use wise_srnet::data::{DataError, with_causes};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/images")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// As Keras reads it: not turned.
fn decode(bytes: &[u8], name: &str) -> Result<RgbImage, DataError> {
    Ok(decode::decode(bytes, name)?.oriented(Orientation::Ignore))
}

/// The files whose pixels are stored too.
fn kinds() -> Vec<String> {
    let names = fs::read_dir(folder()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kinds: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".rgb")?.to_owned()))
        .collect();
    kinds.sort();
    assert_eq!(kinds.len(), 59);
    kinds
}

/// The largest difference of a value between ours and Keras' pixels, of 255.
fn difference(name: &str) -> u8 {
    let image = decode(&file(name), name).unwrap();
    // Some of those that ask for a turn are stored upright.
    let turned = [(16, 12), (12, 16)][usize::from(image.width() < image.height())];
    assert_eq!(image.dimensions(), turned, "{name}");
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
            "grey16.png" | "grey16.tif" => continue,
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
    let shallow = decode(&file("grey.png"), "grey.png").unwrap();
    for name in ["grey16.png", "grey16.tif"] {
        assert_eq!(decode(&file(name), name).unwrap(), shallow, "{name}");
        let white = file(&format!("{name}.rgb"))
            .iter()
            .filter(|value| **value == 255)
            .count();
        assert!(white > 500, "{name}: {white}");
    }
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
    let error = decode(&photograph[..photograph.len() - 20], "sea/1.jpg").unwrap_err();
    assert_eq!(
        error.to_string(),
        "'sea/1.jpg' ends before its image does: the file was cut short"
    );
}

/// As some cameras and broken transfers leave them; Pillow reads them too.
#[test]
fn a_jpeg_without_the_marker_of_its_end_is_read_if_its_pixels_are_all_there() {
    for name in [
        "rgb.jpg",
        "grey.jpg",
        "cmyk.jpg",
        "rgb_coded.jpg",
        "channel_scans.jpg",
        "colours_first.jpg",
    ] {
        let bytes = file(name);
        let whole = decode(&bytes, name).unwrap();
        let without_end = &bytes[..bytes.len() - 2];
        for tail in [&[][..], &[0xff], &[0; 300]] {
            let image = decode(&[without_end, tail].concat(), name);
            assert_eq!(image.unwrap(), whole, "{name} and {} bytes", tail.len());
        }
        // Preallocated and not filled: the zeros are no pixels.
        for cut in 6..bytes.len() / 3 {
            let partial = [&bytes[..bytes.len() - cut], &[0; 300]].concat();
            match decode(&partial, name) {
                Ok(image) => assert_eq!(image, whole, "{name} without {cut} bytes"),
                Err(error) => assert!(error.to_string().contains("ends before its image does"), "{error}"),
            }
        }
    }
    // Scans that make it sharper may be missing.
    let progressive = file("progressive.jpg");
    assert!(decode(&progressive[..progressive.len() - 2], "a.jpg").is_err());
}

/// libjpeg reads them; the decoder here would make something else of them.
#[test]
fn a_jpeg_that_would_be_decoded_wrong_is_refused_with_the_reason() {
    let scans = file("channel_scans.jpg");
    let frame = scans.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let uneven = with(with(scans, frame + 11, &[0x41]), frame + 14, &[0x21]);
    let message = with_causes(&decode(&uneven, "sea/1.jpg").unwrap_err());
    assert!(
        message.contains("'sea/1.jpg'") && message.contains("save it again"),
        "{message}"
    );

    let progressive = file("progressive.jpg");
    let last = progressive
        .windows(2)
        .rposition(|marker| marker == [0xff, 0xda])
        .unwrap();
    let scans = progressive.windows(2).filter(|marker| **marker == [0xff, 0xda]).count();
    let (before, scan) = progressive[..progressive.len() - 2].split_at(last);
    let of_scans = |all: usize| [before, &scan.repeat(all + 1 - scans), &[0xff, 0xd9]].concat();
    decode(&of_scans(100), "sea/1.jpg").unwrap();
    let message = with_causes(&decode(&of_scans(101), "sea/1.jpg").unwrap_err());
    assert!(
        message.contains("goes over its image 101 times; 100 are accepted"),
        "{message}"
    );
}

#[test]
fn photographs_are_turned_as_exif_says_where_that_is_wanted() {
    let upright = file("rgb.png.rgb");
    let turned = |name: &str| {
        let decoded = decode::decode(&file(name), name).unwrap();
        (decoded.asks_for_turn(), decoded.oriented(Orientation::Exif))
    };
    let jpegs = (1..=8).map(|number| (format!("orientation_{number}.jpg"), number > 1));
    let others = ["png", "webp"].map(|ending| (format!("orientation_6.{ending}"), true));
    // A TIFF's turn is part of its pixels for Pillow too.
    let tiff = ("orientation_6.tif".to_owned(), false);
    for (name, asks) in jpegs.chain(others).chain([tiff]) {
        let (asked, image) = turned(&name);
        assert_eq!(asked, asks, "{name}");
        assert_eq!(image.dimensions(), (16, 12), "{name}");
        let both = image.as_raw().iter().zip(&upright);
        // Far less than from pixel to pixel, so that no other turn would pass.
        let worst = both.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= if name.ends_with(".jpg") { 12 } else { 0 }, "{name}: {worst}");
    }
}

#[test]
fn a_tiff_that_cannot_be_read_right_is_refused_with_the_reason() {
    let tiff = file("rgb.tif");
    for (tag, value, reason) in [
        (COMPRESSION, 7, "ModernJPEG"),
        (COMPRESSION, 34_925, "34925"),
        (PHOTOMETRIC, 3, "RGBPalette"),
        (PHOTOMETRIC, 8, "CIELab"),
    ] {
        let error = decode(&with_tag(tiff.clone(), tag, value), "sea/1.tif").unwrap_err();
        let message = with_causes(&error);
        assert!(message.contains("'sea/1.tif'"), "{message}");
        assert!(
            message.contains(reason) && message.contains("Save it as PNG"),
            "{message}"
        );
    }
}

#[test]
fn a_gif_without_a_palette_is_refused_with_the_reason() {
    let mut gif = file("offset.gif");
    // Its palette of 64 colours stands behind the screen's 13 bytes, of which one says so.
    gif[10] &= 0x7f;
    gif.drain(13..13 + 3 * 64);
    let message = with_causes(&decode(&gif, "sea/1.gif").unwrap_err());
    assert!(
        message.contains("'sea/1.gif'") && message.contains("no color table"),
        "{message}"
    );
}

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const ROWS_A_STRIP: u16 = 278;

/// What a TIFF's bytes become with `value` for a tag of one short number.
fn with_tag(bytes: Vec<u8>, tag: u16, value: u16) -> Vec<u8> {
    const SHORT: u16 = 3;
    let entry = [tag.to_le_bytes(), SHORT.to_le_bytes()].concat();
    let place = bytes.windows(4).position(|bytes| bytes == entry).unwrap() + 8;
    with(bytes, place, &value.to_le_bytes())
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
            "a.tif",
            [WIDTH, HEIGHT, ROWS_A_STRIP]
                .into_iter()
                .fold(file("rgb.tif"), |bytes, tag| with_tag(bytes, tag, 30_000)),
            "30000×30000",
        ),
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
