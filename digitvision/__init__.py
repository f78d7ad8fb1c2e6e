"""A course that builds a handwritten digit recognizer, and the library that grows out of it."""

import os

__version__ = "0.1.0"

# ONNX Runtime, from 1.29 on, stores a user id on disk and sends telemetry unless this is set
# before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
