"""Prints which decoders read a picture, as it is and as a camera sees it. `every` installs the Python that runs this:

    python decoders.py          reads lines with the path of a picture and a text; prints lines with the names of the readers
"""

import subprocess
import sys

import cv2
import zxingcpp

cv2.setNumThreads(1)
OPENCV = cv2.QRCodeDetector()


def by_camera(picture):
    """Makes a picture three times as large, out of focus, and small again: neighbouring pixels are smeared."""
    large = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    return cv2.resize(cv2.GaussianBlur(large, (0, 0), 6), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)


def from_away(picture):
    """Returns what the same camera sees from twice as far, where a drawing twice as large fits into its view."""
    return by_camera(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def zbarimg(picture):
    encoded = cv2.imencode(".pgm", picture)[1].tobytes()
    done = subprocess.run(["zbarimg", "--nodbus", "-q", "--raw", "-"], input=encoded, capture_output=True)
    return done.stdout.decode().splitlines()


def opencv(picture):
    try:
        return [OPENCV.detectAndDecode(picture)[0]]
    except cv2.error:
        return []


def zxing(picture):
    # A code that is inverted on the screen must count as not read: most decoders do not look for it.
    return [code.text for code in zxingcpp.read_barcodes(picture, try_invert=False)]


DECODERS = {"zbarimg": zbarimg, "OpenCV": opencv, "zxing-cpp": zxing}

if __name__ == "__main__":
    for line in sys.stdin:
        path, expected = line.split()
        picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        seen = {"screen": picture, "camera": by_camera(picture), "away": from_away(picture)}
        print(*[f"{name}/{how}" for how, one in seen.items() for name, read in DECODERS.items() if expected in read(one)], flush=True)
