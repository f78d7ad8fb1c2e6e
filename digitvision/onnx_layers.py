"""Export a model as ONNX, with names for its layers: outputs and weights can be asked for later."""

# A layer whose output is always handed out makes every run slower: by 1% for one image, by 13% for
# a batch of 64. So the file hands out only what a prediction needs, and its metadata hold, under
# "layers", a fragment of ONNX that lists further outputs. ONNX files are protobuf messages, and two
# messages in a row are read as one: a file followed by its fragment hands out everything.

import base64
import warnings
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime

from digitvision.files import write_atomically
from digitvision.model import to_input

BEGIN, END = ("Conv", "MatMul", "MaxPool"), ("Relu", "MaxPool", "Softmax", "Sigmoid")  # of a layer


def export_onnx(
    model: keras.Model,  # input float32 (n, 28, 28, 1)
    path: str | Path,  # of the file to write, NAME.onnx
    images: np.ndarray,  # uint8 (n, 28, 28), to compare the outputs on
    tolerance: float = 1e-5,  # largest difference allowed in any output
) -> None:
    """Write a model as ONNX, after checking that its outputs are those of Keras.

    Raises ValueError, and writes nothing, if one differs by more than the tolerance."""
    ours = keras.tree.flatten(model.predict(to_input(images), batch_size=500, verbose=0))

    def write(part: Path) -> None:
        with warnings.catch_warnings():  # tf2onnx asks NumPy for a name that NumPy warns about
            warnings.simplefilter("ignore")
            model.export(part, format="onnx", verbose=False)
        name_layers(part)
        session = onnxruntime.InferenceSession(part)
        theirs = session.run(None, {session.get_inputs()[0].name: to_input(images)})
        largest = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
        if not largest <= tolerance:
            raise ValueError(f"{path} not written: its outputs differ from Keras by {largest:.1e}.")

    write_atomically(path, write)


def name_layers(path: str | Path) -> None:
    """Rename the outputs and weights of the layers in an ONNX file, and list them in its metadata.

    Convolutions become conv1, conv2, …, pools conv1_pool, …, dense layers dense, dense2, …, the
    last ones probabilities and digit_score; weights become conv1.weights and conv1.bias. A layer
    begins with an operation of BEGIN and ends with one of END. The file is overwritten."""
    model = onnx.load(path)
    names, layers = _name_values(model.graph), onnx.ModelProto()
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.initializer, *model.graph.output, *model.graph.value_info):
        value.name = names.get(value.name, value.name)
    ready = {output.name for output in model.graph.output}
    layers.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names.values() if name not in ready
    )
    fragment = base64.b64encode(layers.SerializeToString()).decode()
    onnx.helper.set_model_props(model, {"layers": fragment})
    onnx.save(model, path)


def _name_values(graph) -> dict[str, str]:
    "Map the current names of the layers' outputs and weights to new ones, in the layers' order."
    float32 = 1  # onnx.TensorProto.FLOAT
    arrays = {array.name for array in graph.initializer if array.data_type == float32}
    layer_of = {}  # output of a node → first operation of its layer, and the layer's arrays so far
    names, convolutions, dense = {}, 0, 0
    for node in graph.node:
        first, weights = next((layer_of[name] for name in node.input if name in layer_of), ("", []))
        if node.op_type in BEGIN:
            first, weights = node.op_type, []
        weights = weights + [name for name in node.input if name in arrays]
        layer_of |= dict.fromkeys(node.output, (first, weights))
        if node.op_type not in END:
            continue
        if node.op_type == "Relu" and first == "MatMul":
            dense += 1
            name = "dense" if dense == 1 else f"dense{dense}"
        elif node.op_type == "Relu":
            convolutions += 1
            name = f"conv{convolutions}"
        else:
            heads = {"Softmax": "probabilities", "Sigmoid": "digit_score"}
            name = heads.get(node.op_type, f"conv{convolutions}_pool")
        names[node.output[0]] = name
        names |= dict(zip(weights, (f"{name}.weights", f"{name}.bias"), strict=False))
    return names
