"""Measure a network on what is hard: corrupted digits, and pictures that are not digits."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from digitvision.answers import predict, rounded
from digitvision.checkpoint import Checkpoint
from digitvision.data import Split
from digitvision.robustness import CORRUPTIONS, corrupt

Curves = dict[str, dict[str, dict[str, list[float]]]]  # corruption, model, straight/framed → values


def measure_robustness(
    checkpoints: Collection[Checkpoint],  # with different names
    split: Split,
    count: int = 500,  # images, at most
) -> Curves:  # one accuracy for each of CORRUPTIONS[name].strengths
    "Measure accuracy under every corruption, without (straight) and with preprocessing (framed)."
    part = Split(*(array[:count] for array in split))
    curves: Curves = {name: {c.name: {} for c in checkpoints} for name in CORRUPTIONS}
    for name, corruption in CORRUPTIONS.items():
        for strength in corruption.strengths:
            for path, changed in corrupt(part, name, strength).items():
                for checkpoint in checkpoints:
                    accuracy = float(predict(checkpoint, changed).correct.mean())
                    curves[name][checkpoint.name].setdefault(path, []).append(accuracy)
    return curves


def threshold_at_tpr(
    scores: np.ndarray,  # float (n,), digit scores of real digits
    accepted: float = 0.985,  # share of them to accept (the true-positive rate)
) -> float:
    "Return the score that at least a given share of real digits reaches."
    return float(np.quantile(scores, 1 - accepted, method="lower"))


def ood_metrics(
    checkpoint: Checkpoint,
    digits: np.ndarray,  # float (n,), scores of real digits, from `Checkpoint.predict`
    others: Mapping[str, np.ndarray],  # kind → uint8 (n, 28, 28), none of them a digit
) -> dict[str, Any]:
    """Measure how well the digit score separates digits from other pictures (OOD detection).

    Returns the "score" used ("confidence" for a network without one), the card's "threshold" (0:
    all are accepted), "threshold_if_985_pass" (98.5% of `digits`), the number of "digits", the
    share "digits_accepted", and under "kinds" for each kind: number of "images", "auroc", the
    shares "refused" and "refused_if_985_pass", and the share with "confidence_above_90" percent."""
    shipped = checkpoint.card.get("digit_threshold", 0.0)  # 0 refuses nothing
    fair, kinds = threshold_at_tpr(digits), {}
    for kind, images in others.items():
        probabilities, scores = checkpoint.predict(images)
        is_digit = np.arange(len(digits) + len(scores)) < len(digits)
        kinds[kind] = {
            "images": len(images),
            "auroc": rounded(roc_auc_score(is_digit, np.concatenate([digits, scores]))),
            "refused": rounded((scores < shipped).mean()),
            "refused_if_985_pass": rounded((scores < fair).mean()),
            "confidence_above_90": rounded((probabilities.max(axis=1) > 0.9).mean()),
        }
    return {
        "score": "digit_score" if checkpoint.has_score else "confidence",
        "threshold": shipped,
        "threshold_if_985_pass": round(fair, 5),
        "digits": len(digits),
        "digits_accepted": rounded((digits >= shipped).mean()),
        "kinds": kinds,
    }
