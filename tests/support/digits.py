"""The digits 0 to 9 as a pen writes them on a 280 × 280 canvas, stroke by stroke."""

import numpy as np

from digitvision.preprocess import Strokes

POINTS = {  # x,y of each point; a slash separates strokes
    0: "150,60 120,66 98,92 88,130 90,168 104,202 132,218 162,212 186,186 194,148 190,108 "
    "174,74 150,60",
    1: "142,60 141,100 140,140 139,180 138,220",
    2: "92,100 102,74 130,60 162,66 178,90 172,120 148,152 118,184 92,214 130,212 168,212 "
    "196,214",
    3: "94,78 122,60 156,62 178,82 172,110 146,128 124,132 152,136 182,154 188,184 168,210 "
    "134,220 100,210 86,196",
    4: "122,60 112,92 100,124 90,152 130,152 170,150 200,148 / 168,84 166,120 164,160 160,222",
    5: "110,64 106,96 102,130 130,120 160,126 182,150 182,182 160,210 126,218 94,206 / 110,64 "
    "140,62 182,60",
    6: "166,58 136,78 112,112 98,152 100,190 122,216 154,216 178,194 178,164 156,144 128,148 "
    "104,170",
    7: "88,70 120,68 152,66 190,68 172,106 152,146 136,184 124,222",
    8: "172,82 150,62 120,64 102,86 112,112 140,134 172,158 182,188 164,214 132,220 104,206 "
    "98,178 118,152 146,132 168,108 172,82",
    9: "176,96 160,68 128,62 102,82 98,112 116,136 148,136 170,116 177,96 174,136 168,178 "
    "158,222",
}  # fmt: skip
DIGITS: dict[int, Strokes] = {
    digit: [[tuple(map(int, p.split(","))) for p in stroke.split()] for stroke in text.split("/")]
    for digit, text in POINTS.items()
}


def placed(strokes: Strokes, scale: float, left: float, top: float) -> Strokes:
    "Return the strokes scaled, then moved."
    return [[(x * scale + left, y * scale + top) for x, y in stroke] for stroke in strokes]


def smooth(strokes: Strokes, times: int = 3) -> Strokes:
    "Return the strokes with their corners cut (Chaikin's algorithm), as a hand draws them."
    curves = [np.array(stroke, float) for stroke in strokes]
    for _ in range(times):
        curves = [
            np.stack([0.75 * c[:-1] + 0.25 * c[1:], 0.25 * c[:-1] + 0.75 * c[1:]], 1).reshape(-1, 2)
            for c in curves
        ]
    return [curve.tolist() for curve in curves]
