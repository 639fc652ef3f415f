#!/bin/sh
# SPDX-License-Identifier: MIT
# safetensors_python.sh <safetensors_probe> <work directory>: files written by the library are read by the Python package
# safetensors, and what that writes is read by the library, with the same bits both ways. COSTATE_PYTHON names the
# interpreter; without the package the test is skipped.
set -eu
probe=$1
work=$2
python=${COSTATE_PYTHON:-python3}
if ! "$python" -c 'import numpy, safetensors.numpy' 2>/dev/null; then
    echo "SKIPPED: $python has no package safetensors (pip install safetensors numpy); COSTATE_PYTHON names another interpreter"
    exit 77
fi
rm -rf "$work"
mkdir -p "$work"
cd "$work"

"$probe" write tensors.safetensors model.safetensors
"$python" - <<'END'
import json
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

expected = {
    "u8": np.array([0, 127, 255], np.uint8),
    "f64": np.array([[0.1, -0.0, 5e-324], [1e300, 1 / 3, -2.0]]),
    "f32": np.array([0.1, -0.0, 1e-45], np.float32).reshape(1, 3, 1),
    "i64": np.array([-(2**63), 2**63 - 1, -2], np.int64),
    "i32": np.array([[-(2**31), 2**31 - 1], [-2, 258]], np.int32),
    "scalar": np.array(0.1),
    "none": np.zeros((0, 3)),
}
tensors = load_file("tensors.safetensors")
assert tensors.keys() == expected.keys(), tensors.keys()
for name, value in expected.items():
    read = tensors[name]
    assert read.dtype == value.dtype and read.shape == value.shape, name
    assert read.tobytes() == value.tobytes(), name


def metadata(path):
    with safe_open(path, "numpy") as file:
        return file.metadata()


assert metadata("tensors.safetensors") == {"key": 'va"l\\ue\n\t\u03b8', "empty": ""}

model = load_file("model.safetensors")
about = metadata("model.safetensors")
assert about["costate.format"] == "1" and about["seed"] == "1"
(net, plain) = json.loads(about["costate.nets"])
assert net["name"] == "net0" and net["n_in"] == 3 and net["accuracy"] == "accurate"
assert [layer["act"] for layer in net["layers"]] == ["tanh", "softplus", "identity"]
width = net["n_in"]
for k, layer in enumerate(net["layers"]):
    assert model[f"net0.layer{k}.weight"].shape == (layer["n_out"], width)
    assert (f"net0.layer{k}.bias" in model) == layer["bias"]
    width = layer["n_out"]
assert json.loads(about["costate.blocks"]) == {"theta": ["k_a", "V/F", '\u03b8 "3"'], "other": None}
assert json.loads(about["costate.states"]) == ["hare", "lynx"]
assert model["theta"].tolist() == [1 / 3, -1e-17, 2.5]

# The order of the metadata is Python's: whatever the library relies on must not be it.
save_file(tensors, "tensors2.safetensors", metadata("tensors.safetensors"))
save_file(model, "model2.safetensors", about)
END
"$probe" read tensors2.safetensors model2.safetensors
"$probe" read tensors.safetensors model.safetensors
