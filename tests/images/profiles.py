"""Minimal ICC profiles whose effect on a pixel can be told by hand."""

import struct

#: sRGB's colorants in the D50 profile connection space.
RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
WHITE = (0.9642, 1.0, 0.8249)


def _fixed(number: float) -> bytes:
    return struct.pack(">i", round(number * 65536))


def _xyz(point: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, point))


def _gamma(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(content))
        body += content
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, device, space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(map(_fixed, WHITE))
    return head.ljust(128, b"\0") + table + body


def swapped_rgb() -> bytes:
    """RGB whose red is sRGB's green and the other way round."""
    curve = _gamma(2.2)
    return _profile(
        b"mntr",
        b"RGB ",
        b"XYZ ",
        {
            b"wtpt": _xyz(WHITE),
            b"rXYZ": _xyz(GREEN),
            b"gXYZ": _xyz(RED),
            b"bXYZ": _xyz(BLUE),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


def linear_gray() -> bytes:
    """Grey whose numbers are proportional to light."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(WHITE), b"kTRC": _gamma(1.0)})


def black_cyan_cmyk() -> bytes:
    """CMYK whose cyan prints black and whose other inks print nothing."""
    ramp = bytes(range(256))
    nodes = b"".join(bytes([0 if node & 8 else 255, 128, 128]) for node in range(16))
    identity = b"".join(_fixed(float(row == column)) for row in range(3) for column in range(3))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + nodes + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(WHITE), b"A2B0": table, b"A2B1": table})
