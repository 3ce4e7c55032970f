"""A process that decodes with pyvips: reads a path a line, and answers a line of JSON. Needs nothing but pyvips."""

import base64
import json
import sys

import pyvips


def read(path, long_side):
    """Return the upright size and the pixels, reduced to the long side, over white, in sRGB."""
    picture = pyvips.Image.new_from_file(path, fail_on="error").autorot()
    size = picture.width, picture.height
    if picture.interpretation in {"grey16", "rgb16"} and picture.format in {"float", "double"}:
        picture = picture.copy(interpretation="b-w" if picture.bands < 3 else "srgb") * 255
    if max(size) > long_side:
        scale = long_side / max(size)
        width, height = (max(1, round(side * scale)) for side in size)
        picture = picture.thumbnail_image(width, height=height, size="force", export_profile="srgb")
    elif picture.get_typeof("icc-profile-data"):
        picture = picture.icc_transform("srgb", embedded=True)
    picture = picture.colourspace("srgb")
    if picture.hasalpha():
        picture = picture.flatten(background=[255, 255, 255])
    picture = picture.cast("uchar")
    return {
        "size": size,
        "shown": (picture.width, picture.height),
        "pixels": base64.b64encode(picture.write_to_memory()).decode(),
    }


def main():
    long_side = int(sys.argv[1])
    print(json.dumps({"version": ".".join(str(pyvips.version(part)) for part in range(3))}), flush=True)
    for line in sys.stdin:
        try:
            answer = read(json.loads(line), long_side)
        except Exception as error:
            answer = {"refusal": " ".join(str(error).split())}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
