"""Send picture files built at random to the app: no answer may be a 5xx.

`python -m benchmarks.fuzz 100000` sends that many, to the three routes that take pictures, and
writes the table of docs/benchmarks.md. Every failure is printed with the file as a data URL, so
that it can be repeated."""

import base64
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator

from benchmarks.report import put
from digitvision.app import create_app
from support.picture_files import build

ROUTES = {"predict": 0.6, "predict/batch": 0.35, "explain": 0.05}  # route: share of the inputs


def fuzz(count: int, seed: int = 0) -> Iterator[tuple[str, str, int, str, str]]:
    "Yield format, route, status, code (or ok) and data URL of each of `count` inputs."
    rng, client = random.Random(seed), create_app().test_client()
    for _ in range(count):
        kind, data = build(rng)
        url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        route = rng.choices(list(ROUTES), list(ROUTES.values()))[0]
        picture = {"images": [url]} if route == "predict/batch" else {"image": url}
        body = picture | {"preprocess": rng.choice(("mnist", "mnist", "resize"))}
        response = client.post(f"/api/{route}", json=body)
        (answer,) = response.json.get("predictions", [response.json])
        code = answer.get("error", {"code": "ok"})["code"]
        yield kind, route, 500 if code == "internal_error" else response.status_code, code, url


def main() -> None:
    "Send the inputs and write the table."
    warnings.filterwarnings("ignore", module="PIL")  # as the server does
    answers = Counter()
    for kind, route, status, code, url in fuzz(int(sys.argv[1])):
        answers[status, code] += 1
        if status >= 500:
            print(f"{kind} to {route}: {status} {url}", flush=True)
    lines = [f"{answers.total():,} files:", "", "| status | code | inputs |", "|---|---|---|"]
    rows = [f"| {status} | {code} | {n:,} |" for (status, code), n in answers.most_common()]
    put("fuzz", lines + rows)


if __name__ == "__main__":
    main()
