"""Writes a small image of every kind, and beside each the pixels that Keras sees in it.

    sudo apt-get install libjpeg-turbo-progs
    venv/bin/pip install pillow numpy
    venv/bin/python tools/image_kinds.py tests/images

The pixels of `NAME` are in `NAME.rgb`, row by row: what Pillow's `convert("RGB")` gives, which is all that
`keras.utils.load_img` does. `tests/data_images.rs` compares them with the crate's.
"""

import argparse
import io
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy
from PIL import Image, ImageOps

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


def jpeg_of_scans(scans, *options):
    """A JPEG whose channels come in scans of their own; Pillow can't write one, cjpeg can."""
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder, "scans")
        script.write_text(scans)
        portable = encoded(Image.fromarray(picture()), "PPM")
        command = ["cjpeg", "-quality", "90", "-scans", script, *options]
        return subprocess.run(command, input=portable, stdout=subprocess.PIPE, check=True).stdout


COLOURS = bytes(range(20, 212))


def gif(screen, box, global_palette=COLOURS, local_palette=b"", transparent=None, interlaced=False):
    """A GIF of one frame, whose rows count up the indices of a palette of 64; what Pillow writes is always cropped."""
    (left, top, width, height), out = box, bytearray(b"GIF89a")
    flags = 0x85 if global_palette else 0
    out += struct.pack("<HHBBB", *screen, flags, 5, 0) + global_palette
    if transparent is not None:
        out += b"!\xf9\x04" + bytes([1, 0, 0, transparent, 0])
    out += b"," + struct.pack("<HHHHB", *box, (0x85 if local_palette else 0) | 0x40 * interlaced) + local_palette
    bits, count, codes = 0, 0, [64]
    for index in range(width * height):
        # The table is cleared before a code of eight bits could come.
        codes += [index % 64, 64] if index % 32 == 31 else [index % 64]
    for code in [*codes, 65]:
        bits, count = bits | code << count, count + 7
    data = bits.to_bytes(count // 8 + 1, "little")
    blocks = (data[start : start + 255] for start in range(0, len(data), 255))
    out += b"\x06" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0;"
    return bytes(out)


def tiff(values, photometric, order="<", planar=False, extra=()):
    """A TIFF without compression of any integers; Pillow can't write most of them."""
    channels = values.shape[2] if values.ndim == 3 else 1
    planes = numpy.moveaxis(values, 2, 0) if planar else values[None]
    planes = [plane.astype(values.dtype.newbyteorder(order)).tobytes() for plane in planes]
    tags = [
        (256, 4, [WIDTH]),
        (257, 4, [HEIGHT]),
        (258, 3, [8 * values.dtype.itemsize] * channels),
        (259, 3, [1]),
        (262, 3, [photometric]),
        (273, 4, None),
        (277, 3, [channels]),
        (278, 4, [HEIGHT]),
        (279, 4, [len(plane) for plane in planes]),
        (284, 3, [2 if planar else 1]),
        *([(338, 3, extra)] if extra else []),
    ]
    behind = 8 + 2 + 12 * len(tags) + 4
    offsets = [behind + sum(map(len, planes[:plane])) for plane in range(len(planes))]
    behind += sum(map(len, planes))
    entries, rest = b"", b""
    for tag, kind, numbers in tags:
        numbers = numbers or offsets
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(packed) > 4:
            packed, rest = struct.pack(f"{order}I", behind + len(rest)), rest + packed
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return header + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + b"".join(planes) + rest


# What undoes each of EXIF's eight turns.
INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def marked(number, image):
    """The image, and a note that it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = number
    return Image.open(io.BytesIO(encoded(image, "PNG", exif=exif)))


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
    yield "rgb_coded.jpg", encoded(rgb, "JPEG", quality=90, keep_rgb=True)
    yield "channel_scans.jpg", jpeg_of_scans("0;\n1;\n2;\n")
    yield "channel_scans_440.jpg", jpeg_of_scans("0;\n1;\n2;\n", "-sample", "1x2")
    yield "colours_first.jpg", jpeg_of_scans("1;\n2;\n0;\n", "-sample", "1x1", "-restart", "1")
    yield "wide_units.jpg", jpeg_of_scans("0 1 2;\n", "-sample", "4x2")
    yield "offset.gif", gif((16, 12), (3, 2, 9, 7))
    yield "offset_transparent.gif", gif((16, 12), (3, 2, 9, 7), transparent=7)
    yield "offset_local.gif", gif((16, 12), (0, 4, 16, 5), local_palette=COLOURS[::-1])
    yield "beyond_screen.gif", gif((10, 8), (4, 3, 12, 9), interlaced=True)
    yield "no_such_colour.gif", gif((16, 12), (1, 1, 15, 11), transparent=200)
    yield "rgb.tif", encoded(rgb, "TIFF", compression="tiff_lzw")
    yield "alpha.tiff", encoded(rgba, "TIFF", compression="tiff_adobe_deflate")
    yield "grey.tif", encoded(grey, "TIFF", compression="packbits")
    yield "grey_alpha.tif", tiff(numpy.asarray(grey_alpha), 1, extra=[2])
    yield "white_is_zero.tif", tiff(numpy.asarray(grey), 0)
    yield "bilevel.tif", encoded(grey.convert("1"), "TIFF", compression="group4")
    yield "cmyk.tif", encoded(rgb.convert("CMYK"), "TIFF")
    yield "rgb16.tif", tiff(deep(colour), 2, order=">")
    yield "rgba16.tif", tiff(deep(numpy.dstack([colour, alpha])), 2, extra=[2])
    yield "grey16.tif", tiff(deep(numpy.asarray(grey)), 1)
    yield "planar.tif", tiff(colour, 2, planar=True)
    yield "premultiplied.tif", tiff(numpy.dstack([colour // 255 * alpha[..., None] + colour // 3, alpha]), 2, extra=[1])
    yield "two_pages.tif", encoded(rgb, "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9), (9, 200, 3))])
    for number in range(1, 9):
        turned = Image.Exif()
        turned[0x0112] = number
        upright = ImageOps.exif_transpose(marked(INVERSE[number], rgb))
        yield f"orientation_{number}.jpg", encoded(upright, "JPEG", quality=95, subsampling=0, exif=turned)
    for form, ending, options in [("PNG", "png", {}), ("WEBP", "webp", {"lossless": True}), ("TIFF", "tif", {})]:
        yield f"orientation_6.{ending}", encoded(rgb.transpose(Image.Transpose.ROTATE_90), form, exif=rotated, **options)


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
