"""Whether a model reads: a digit whose answer is known, read as every other."""

from PIL import Image

from digitvision.inference import Recognizer

SEVEN = Image.new("L", (280, 280))  # as a pen writes it: a bar above, and a leaning stem
SEVEN.paste(255, (88, 60, 190, 78))
for row in range(78, 230):
    SEVEN.paste(255, (170 - row * 60 // 230, row, 190 - row * 60 // 230, row + 1))


def reads(recognizer: Recognizer) -> bool:
    "Whether the model reads the seven."
    return recognizer.predict(SEVEN).digit == 7
