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
            decoded("grey_2_bits", raw_png(4, 2, 2, 0, b"\0\x1b\0\xe4"))]


def jpeg_files():
    picture = Image.fromarray(smooth(19, 17))
    return [saved("420", picture, "JPEG", quality=75, subsampling=2), saved("422", picture, "JPEG", quality=60, subsampling=1),
            saved("444", picture, "JPEG", quality=90, subsampling=0), saved("grey", picture.convert("L"), "JPEG"),
            saved("progressive", picture, "JPEG", progressive=True)]


def ppm_files():
    data = [("p6", b"P6 # comment\n2 1\n255\n" + bytes([1, 2, 3, 250, 251, 252])),
            ("p6_small_range", b"P6\n2 1\n100\n" + bytes([0, 1, 50, 99, 100, 33])),
            ("p6_16", b"P6\n1 1\n65535\n" + struct.pack(">HHH", 0, 32896, 65535)),
            ("p3", b"P3\n#c\n1 2 15\n0 7 15\n1 2 3\n")]
    return [decoded(name, body) for name, body in data]


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
               resized(300, 7, 10, 7), resized(1, 1, 4, 4)],
    "png": png_files(), "jpeg": jpeg_files(), "ppm": ppm_files(),
    "blended": [blended(alpha) for alpha in (0.2, 0.1, 1 / 3)],
    "sinusoidal": [sinusoidal(40, 6, 32), sinusoidal(20, 5, 28)],
}
with open("images.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
