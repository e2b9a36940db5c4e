#!/usr/bin/env python3
"""Writes images.json: what Pillow and NumPy make of pictures and triggers.

Made with Python 3.11.7, Pillow 13.0.0 (libjpeg-turbo), NumPy 2.4.6. Run it in this folder:
python3 generate_images.py. Tests read the result; they never run this script.
"""
import base64
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image


def text(data):
    return base64.b64encode(bytes(data)).decode()


def formula(width, height):
    """The picture that the tests compute as well: one value per column, row and channel."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 37 + y * 91 + c * 53 + x * y * 7) % 256).astype(np.uint8)


def smooth(width, height):
    """A picture that JPEG keeps most of."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return (127 + 120 * np.sin(x / 3 + c) * np.cos(y / 4 - c)).astype(np.uint8)


def resized(width, height, new_width, new_height):
    picture = Image.fromarray(formula(width, height))
    result = picture.resize((new_width, new_height), Image.Resampling.BILINEAR)
    return {"from": [width, height], "to": [new_width, new_height], "pixels": text(result.tobytes())}


def decoded(name, data):
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return {"name": name, "size": list(picture.size), "file": text(data), "pixels": text(picture.tobytes())}


def saved(name, picture, file_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return decoded(name, buffer.getvalue())


def raw_png(width, height, depth, color, rows, interlace=0):
    """A PNG that Pillow cannot write, from rows that carry their filter byte."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"gAMA", struct.pack(">I", 45455))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


# Eight values of 16 bits, big-endian, to both sides of 255.
WIDE = struct.pack(">8H", 0, 1, 200, 255, 256, 300, 1000, 65535)


def png_files():
    small = formula(7, 5)
    rgb = Image.fromarray(small)
    alpha = Image.fromarray(np.dstack([small, small[:, :, 0]]))
    grey = rgb.convert("L")
    palette = rgb.quantize(8)
    wide = ((small.astype(np.uint16) << 8) + 200).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    woven = b"".join(b"\0" + small[y, x0::dx].tobytes()
                     for x0, y0, dx, dy in passes for y in range(y0, 5, dy) if small[y, x0::dx].size)
    return [saved("rgb", rgb, "PNG"), saved("rgba", alpha, "PNG"), saved("grey", grey, "PNG"),
            saved("grey_alpha", alpha.convert("LA"), "PNG"), saved("one_bit", rgb.convert("1"), "PNG"),
            saved("palette", palette, "PNG"), saved("palette_transparent", palette, "PNG", transparency=2),
            saved("grey_transparent", grey, "PNG", transparency=int(np.array(grey)[0, 0])),
            decoded("rgb_16", raw_png(7, 5, 16, 2, rows)), decoded("interlaced", raw_png(7, 5, 8, 2, woven, 1)),
            decoded("grey_2_bits", raw_png(4, 2, 2, 0, b"\0\x1b\0\xe4")),
            decoded("grey_16", raw_png(4, 2, 16, 0, b"\0" + WIDE[:8] + b"\0" + WIDE[8:])),
            decoded("grey_alpha_16", raw_png(2, 2, 16, 4, b"\0" + WIDE[:8] + b"\0" + WIDE[8:]))]


def cmyk(width, height):
    """Inks from 0 to 255, black ones too."""
    inks = np.concatenate([formula(width, height), formula(width, height)[:, ::-1, :1]], axis=2)
    return Image.fromarray(inks, "CMYK")


def jpeg_files():
    picture = Image.fromarray(smooth(19, 17))
    return [saved("420", picture, "JPEG", quality=75, subsampling=2), saved("422", picture, "JPEG", quality=60, subsampling=1),
            saved("444", picture, "JPEG", quality=90, subsampling=0), saved("grey", picture.convert("L"), "JPEG"),
            saved("progressive", picture, "JPEG", progressive=True), saved("cmyk", cmyk(19, 17), "JPEG", quality=90)]


def ppm_files():
    data = [("p6", b"P6 # comment\n2 1\n255\n" + bytes([1, 2, 3, 250, 251, 252])),
            ("p6_small_range", b"P6\n2 1\n100\n" + bytes([0, 1, 50, 99, 100, 33])),
            ("p6_16", b"P6\n1 1\n65535\n" + struct.pack(">HHH", 0, 32896, 65535)),
            ("p3", b"P3\n#c\n1 2 15\n0 7 15\n1 2 3\n"), ("p1", b"P1 4 1\n0 1\n01\n"), ("p2", b"P2 3 1 15 0 7 15\n"),
            ("p2_16", b"P2 4 1 1000 0 1 500 1000\n"), ("p4", b"P4\n10 2\n\x55\x80\x0f\x40"), ("p5", b"P5 2 1 255\n\x07\xfe"),
            ("p5_small_range", b"P5 3 1 100\n\x00\x32\x64"), ("p5_16", b"P5 8 1 65535\n" + WIDE),
            ("p5_1000", b"P5 4 1 1000\n" + struct.pack(">4H", 0, 1, 4, 1000))]
    return [decoded(name, body) for name, body in data]


def raw_bmp(width, height, bits, packing, pixels, extra=b"", colors=0, old=False):
    """A bitmap that Pillow cannot write; `extra` holds masks or the palette."""
    if old:
        header = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, len(pixels), 0, 0, colors, 0)
    start = 14 + len(header) + len(extra)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + extra + pixels


def bmp_files():
    rgb = Image.fromarray(formula(7, 5))
    alpha = Image.fromarray(np.dstack([formula(7, 5), formula(7, 5)[:, :, 0]]))
    palette = bytes((7 * i * (c + 1)) % 256 if c < 3 else 0 for i in range(16) for c in range(4))
    words = struct.pack("<8H", 0x1234, 0x7FFF, 0xFFFF, 0, 0x4321, 0x5A5A, 0xA5A5, 0)
    runs = bytes([3, 1, 0, 3, 4, 5, 6, 0, 0, 0, 2, 2, 0, 2, 1, 0, 1, 7, 0, 0, 6, 3, 0, 0, 0, 1])
    nibbles = bytes([3, 0x12, 0, 3, 0x45, 0x60, 0, 0, 5, 0x78, 0, 0, 0, 1])
    return [saved("rgb", rgb, "BMP"), saved("rgba", alpha, "BMP"), saved("grey", rgb.convert("L"), "BMP"),
            saved("one_bit", rgb.convert("1"), "BMP"), saved("palette", rgb.quantize(8), "BMP"),
            decoded("555", raw_bmp(3, 2, 16, 0, words)),
            decoded("565", raw_bmp(3, 2, 16, 3, words, struct.pack("<3I", 0xF800, 0x7E0, 0x1F))),
            decoded("four_bits", raw_bmp(5, 2, 4, 0, bytes([0x12, 0x34, 0x50, 0, 0x67, 0x89, 0xA0, 0]), palette, 16)),
            decoded("top_down", raw_bmp(1, -2, 24, 0, bytes([1, 2, 3, 0, 4, 5, 6, 0]))),
            decoded("os2", raw_bmp(1, 2, 24, 0, bytes([1, 2, 3, 0, 4, 5, 6, 0]), old=True)),
            decoded("runs", raw_bmp(6, 3, 8, 1, runs, palette, 16)), decoded("runs_of_4_bits", raw_bmp(6, 2, 4, 2, nibbles, palette, 16))]


def webp_files():
    rgb = Image.fromarray(smooth(19, 17))
    alpha = Image.fromarray(np.dstack([smooth(19, 17), smooth(19, 17)[:, :, 0]]))
    return [saved("lossy", rgb, "WEBP", quality=70), saved("lossless", rgb, "WEBP", lossless=True),
            saved("alpha", alpha, "WEBP", lossless=True, exact=True), saved("lossy_alpha", alpha, "WEBP", quality=70),
            saved("animated", rgb, "WEBP", lossless=True, save_all=True, append_images=[rgb.rotate(180)])]


def raw_gif(screen, left, top, background, control=b""):
    """A GIF whose only picture, of 2x2 in colours 1, 2, 3, 0, does not fill its screen."""
    colors = bytes(range(10, 22))
    # Clear, the four colours, end; codes grow from 3 bits to 4 after the third colour.
    codes = sum(code << 3 * place for place, code in enumerate([4, 1, 2, 3])) | 0 << 12 | 5 << 16
    return (b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, background, 0) + colors + control
            + b"," + struct.pack("<HHHHB", left, top, 2, 2, 0) + b"\2\3" + struct.pack("<I", codes)[:3] + b"\0;")


def gif_files():
    rgb = Image.fromarray(smooth(19, 17))
    large = Image.fromarray(formula(64, 48)).convert("L")
    control = b"!\xf9\4" + struct.pack("<BHB", 1, 0, 2) + b"\0!\xfe\3abc\0"
    return [saved("palette", rgb.quantize(8), "GIF"), saved("grey", large, "GIF", interlace=0),
            saved("interlaced", large, "GIF", interlace=1), saved("transparent", rgb.quantize(8), "GIF", transparency=2),
            saved("animated", rgb.quantize(8), "GIF", save_all=True, append_images=[rgb.rotate(180).quantize(8)]),
            decoded("small", raw_gif((4, 3), 1, 1, 3)), decoded("small_transparent", raw_gif((4, 3), 1, 0, 1, control)),
            decoded("beyond", raw_gif((2, 2), 1, 2, 1))]


def raw_tiff(width, height, tags, blocks, big=False):
    """A TIFF that Pillow cannot write: `tags` of short values, `blocks` the strips or tiles."""
    e = ">" if big else "<"
    values = {256: [width], 257: [height], 259: [1], **tags}
    is_tiled = 322 in values
    values[324 if is_tiled else 273] = [0] * len(blocks)
    values[325 if is_tiled else 279] = [len(block) for block in blocks]
    start = 8 + 2 + 12 * len(values) + 4
    body, entries, place = b"", b"", start
    for block in blocks:
        values[324 if is_tiled else 273][blocks.index(block)] = place + len(body)
        body += block + b"\0" * (len(block) % 2)
    for tag in sorted(values):
        kind, code = ("H", 3) if tag not in (273, 324) else ("I", 4)
        data = struct.pack(e + kind * len(values[tag]), *values[tag])
        if len(data) > 4:
            data, body = struct.pack(e + "I", place + len(body)), body + data
        entries += struct.pack(e + "HHI", tag, code, len(values[tag])) + data.ljust(4, b"\0")
    return (b"MM\0*" if big else b"II*\0") + struct.pack(e + "IH", 8, len(values)) + entries + b"\0" * 4 + body


def tiff_files():
    small = formula(7, 5)
    rgb = Image.fromarray(small)
    alpha = Image.fromarray(np.dstack([small, small[:, :, 0]]))
    wide = small.astype(np.uint16) * 251 + 77
    grey = np.frombuffer(WIDE, ">u2").reshape(2, 4)
    whole = {258: [8, 8, 8], 262: [2], 277: [3], 278: [5]}
    tiles = [np.pad(formula(20, 17), ((0, 15), (0, 12), (0, 0)))[y:y + 16, x:x + 16].tobytes() for y in (0, 16) for x in (0, 16)]
    tags = {"rgb": {}, "lzw": {"compression": "tiff_lzw"}, "deflate": {"compression": "tiff_adobe_deflate"},
            "packbits": {"compression": "packbits"}}
    return ([saved(name, rgb, "TIFF", **options) for name, options in tags.items()]
            + [saved("jpeg", Image.fromarray(smooth(19, 17)), "TIFF", compression="jpeg"),
               saved("rgba", alpha, "TIFF"), saved("grey", rgb.convert("L"), "TIFF"), saved("one_bit", rgb.convert("1"), "TIFF"),
               saved("group4", rgb.convert("1"), "TIFF", compression="group4"), saved("palette", rgb.quantize(8), "TIFF"),
               saved("cmyk", cmyk(7, 5), "TIFF"), saved("grey_16", Image.fromarray(grey.astype(np.uint16)), "TIFF"),
               saved("grey_32", Image.fromarray(np.array([[0, 1, 200, 255, 300, -4]], np.int32)), "TIFF"),
               saved("grey_float", Image.fromarray(np.array([[0, 1.7, 200.5, 255.6, 300, -4]], np.float32)), "TIFF"),
               decoded("big_endian", raw_tiff(7, 5, whole, [small.tobytes()], big=True)),
               decoded("rgb_16", raw_tiff(7, 5, {**whole, 258: [16] * 3}, [wide.tobytes()])),
               decoded("rgb_16_big_endian", raw_tiff(7, 5, {**whole, 258: [16] * 3}, [wide.astype(">u2").tobytes()], big=True)),
               decoded("grey_16_big_endian", raw_tiff(4, 2, {258: [16], 262: [1], 277: [1], 278: [2]}, [WIDE], big=True)),
               decoded("inverted", raw_tiff(4, 2, {258: [8], 262: [0], 277: [1], 278: [2]}, [bytes(range(0, 240, 30))])),
               decoded("planes", raw_tiff(7, 5, {**whole, 284: [2]}, [small[:, :, c].tobytes() for c in range(3)])),
               decoded("tiles", raw_tiff(20, 17, {258: [8, 8, 8], 262: [2], 277: [3], 322: [16], 323: [16]}, tiles)),
               decoded("multiplied", raw_tiff(7, 5, {258: [8] * 4, 262: [2], 277: [4], 278: [5], 338: [1]}, [np.array(alpha).tobytes()]))]
            + [decoded(f"orientation_{turn}", raw_tiff(7, 5, {**whole, 274: [turn]}, [small.tobytes()])) for turn in range(2, 9)])


def blended(alpha):
    """Every third byte value with every third: rows are image values, columns trigger values."""
    image = np.arange(0, 256, 3, dtype=np.uint8)[:, None]
    trigger = np.arange(0, 256, 3).astype(np.float32)[None, :]
    mixed = ((1 - alpha) * image + alpha * trigger).astype(np.float32)
    return {"alpha": alpha, "pixels": text(np.clip(mixed, 0, 255).astype(np.uint8).tobytes())}


def sinusoidal(delta, frequency, width):
    """Row y of the picture has the value 3 y everywhere."""
    image = np.arange(0, 256, 3, dtype=np.float32)[:, None].repeat(width, axis=1)
    wave = np.zeros_like(image)
    for column in range(width):
        wave[:, column] = delta * np.sin(2 * np.pi * column * frequency / width)
    mixed = np.clip(np.uint32(image) + wave, 0, 255).astype(np.uint8)
    return {"delta": delta, "frequency": frequency, "width": width, "pixels": text(mixed.tobytes())}


golden = {
    "resize": [resized(61, 47, 32, 32), resized(20, 9, 32, 32), resized(32, 50, 32, 32), resized(5, 5, 3, 4),
               resized(300, 7, 10, 7), resized(1, 1, 4, 4), resized(31, 33, 32, 32), resized(3, 60, 8, 8),
               resized(19, 29, 12, 9), resized(26, 32, 15, 14), resized(40, 12, 42, 13)],
    "png": png_files(), "jpeg": jpeg_files(), "ppm": ppm_files(),
    "bmp": bmp_files(), "webp": webp_files(), "gif": gif_files(), "tiff": tiff_files(),
    "blended": [blended(alpha) for alpha in (0.2, 0.1, 1 / 3)],
    "sinusoidal": [sinusoidal(40, 6, 32), sinusoidal(20, 5, 28)],
}
with open("images.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
