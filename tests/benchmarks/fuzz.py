"""Send picture files built at random to the app: no answer may be a 5xx.

`python -m benchmarks.fuzz 100000` sends that many, to the three routes that take pictures, prints
the counts as it goes on, and writes the table of docs/benchmarks.md. Every failure is printed with
the file as a data URL, so that it can be repeated."""

import base64
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator

from benchmarks.report import put
from digitvision.app import create_app
from support.picture_files import build

ROUTES = {"predict": 0.6, "batch": 0.35, "explain": 0.05}  # route: share of the inputs
BATCH = 8  # pictures
REPORT = 5000  # inputs between two reports


def ask(client, route: str, urls: list[str], preprocess: str) -> Iterator[tuple[int, str]]:
    "Yield the status and code (or ok) of the answer for each picture."
    if route == "batch":
        body = {"images": urls, "preprocess": preprocess}
        response = client.post("/api/predict/batch", json=body)
        if response.status_code != 200:
            yield response.status_code, response.json["error"]["code"]
            return
        for one in response.json["predictions"]:
            yield 200, one.get("error", {"code": "ok"})["code"]
        return
    for url in urls:
        body = {"image": url, "preprocess": preprocess}
        response = client.post(f"/api/{route}", json=body)
        yield response.status_code, response.json.get("error", {"code": "ok"})["code"]


def fuzz(count: int, seed: int = 0) -> Iterator[tuple[str, str, int, str, str]]:
    "Yield format, route, status, code and data URL of each of `count` inputs."
    rng, client = random.Random(seed), create_app().test_client()
    while count > 0:
        route = rng.choices(list(ROUTES), list(ROUTES.values()))[0]
        files = [build(rng) for _ in range(min(count, BATCH))]
        urls = [f"data:image/png;base64,{base64.b64encode(data).decode()}" for _, data in files]
        answers = list(ask(client, route, urls, rng.choice(("mnist", "mnist", "resize"))))
        if len(answers) < len(files):  # the batch as a whole was refused
            answers *= len(files)
        for (kind, _), url, (status, code) in zip(files, urls, answers, strict=True):
            failed = status >= 500 or code == "internal_error"
            yield kind, route, 500 if failed else status, code, url
        count -= len(files)


def main() -> None:
    "Send the inputs and write the table."
    warnings.filterwarnings("ignore", module="PIL")  # as the server does
    count, start = int(sys.argv[1]), time.perf_counter()
    answers = Counter()
    for number, (kind, route, status, code, url) in enumerate(fuzz(count), 1):
        answers[status, code] += 1
        if status >= 500:
            print(f"{kind} to {route}: {status} {url}", flush=True)
        if number % REPORT == 0:
            print(f"{number:,} in {time.perf_counter() - start:.0f} s: {dict(answers)}", flush=True)
    lines = [f"{count:,} files in {time.perf_counter() - start:.0f} s:", ""]
    lines += ["| status | code | inputs |", "|---|---|---|"]
    rows = [f"| {status} | {code} | {n:,} |" for (status, code), n in answers.most_common()]
    put("fuzz", lines + rows)


if __name__ == "__main__":
    main()
