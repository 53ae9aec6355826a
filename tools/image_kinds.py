"""Writes a small image of every kind, and beside each the pixels that Keras sees in it.

    venv/bin/pip install pillow numpy
    venv/bin/python tools/image_kinds.py tests/images

The pixels of `NAME` are in `NAME.rgb`, row by row: what Pillow's `convert("RGB")` gives, which is all that
`keras.utils.load_img` does. `tests/data_images.rs` compares them with the crate's.
"""

import argparse
import io
import pathlib
import struct
import zlib

import numpy
from PIL import Image

WIDTH, HEIGHT = 16, 12


def picture():
    x, y = numpy.meshgrid(numpy.arange(WIDTH), numpy.arange(HEIGHT))
    return numpy.stack([16 * x, 20 * y, x * y], axis=-1).astype(numpy.uint8)


def opacity():
    x, y = numpy.meshgrid(numpy.arange(WIDTH), numpy.arange(HEIGHT))
    return ((40 * x + 30 * y) % 256).astype(numpy.uint8)


def deep(values):
    """16 bits: the given values above, others below."""
    low = (7 * numpy.arange(values.size) % 256).reshape(values.shape)
    return (values.astype(numpy.uint16) << 8) | low.astype(numpy.uint16)


def deep_png(values):
    """A PNG of 16 bits a value; Pillow can't write most of them."""
    channels = values.shape[2] if values.ndim == 3 else 1
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def kinds():
    colour, alpha = picture(), opacity()
    rgb, rgba = Image.fromarray(colour), Image.fromarray(numpy.dstack([colour, alpha]))
    grey = rgb.convert("L")
    grey_alpha = Image.merge("LA", [grey, Image.fromarray(alpha)])
    palette = rgb.quantize(8)
    two_frames = {"save_all": True, "append_images": [Image.new("RGB", (WIDTH, HEIGHT), (9, 200, 3))], "duration": 100}
    rotated = Image.Exif()
    rotated[0x0112] = 6
    yield "rgb.png", encoded(rgb, "PNG")
    yield "alpha.png", encoded(rgba, "PNG")
    yield "grey.png", encoded(grey, "PNG")
    yield "grey_alpha.png", encoded(grey_alpha, "PNG")
    yield "palette.png", encoded(palette, "PNG")
    yield "palette_transparent.png", encoded(palette, "PNG", transparency=3)
    yield "bilevel.png", encoded(grey.convert("1"), "PNG")
    yield "rgb16.png", deep_png(deep(colour))
    yield "rgba16.png", deep_png(deep(numpy.dstack([colour, alpha])))
    yield "grey16.png", deep_png(deep(numpy.asarray(grey)))
    yield "grey_alpha16.png", deep_png(deep(numpy.asarray(grey_alpha)))
    yield "animated.png", encoded(rgb, "PNG", **two_frames)
    yield "animated.gif", encoded(rgb, "GIF", **two_frames)
    yield "transparent.gif", encoded(palette, "GIF", transparency=3)
    yield "rgb.bmp", encoded(rgb, "BMP")
    yield "lossless.webp", encoded(rgb, "WEBP", lossless=True)
    yield "alpha.webp", encoded(rgba, "WEBP", lossless=True, exact=True)
    yield "animated.webp", encoded(rgb, "WEBP", lossless=True, **two_frames)
    yield "lossy.webp", encoded(rgb, "WEBP", quality=90)
    yield "rgb.jpg", encoded(rgb, "JPEG", quality=90)
    yield "progressive.jpg", encoded(rgb, "JPEG", quality=90, progressive=True)
    yield "grey.jpg", encoded(grey, "JPEG", quality=90)
    yield "cmyk.jpg", encoded(rgb.convert("CMYK"), "JPEG", quality=90)
    yield "rotated.jpg", encoded(rgb, "JPEG", quality=90, exif=rotated)
    yield "png_named.jpg", encoded(rgb, "PNG")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in kinds():
        (folder / name).write_bytes(content)
        pixels = Image.open(io.BytesIO(content)).convert("RGB")
        (folder / f"{name}.rgb").write_bytes(pixels.tobytes())


if __name__ == "__main__":
    main()
