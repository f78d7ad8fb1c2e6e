import os

# ONNX Runtime from 1.29 on keeps a file on each user and calls home; it asks this as it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
__version__ = "0.1.0"
