"""Whether XLA pays for a run of training steps, foretold from the length of the run and the operations of a step.

It pays where a step consists of many small operations, whose dispatch costs more than their arithmetic: XLA makes one
program of them. It loses on convolutions, long chains of matrices and whatever has large products, where TensorFlow's
kernels use every core. Since compiled and plain arithmetic differ in the last bits, the choice follows from the program
alone and not from a clock: the same script makes the same choice, and the same numbers, each time it runs.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from kerasish.ops.bounds import source_of

_STEPS_TO_PAY = 2500
"""Steps by which a compilation (0.5-1 s) has won its time back where it saves dispatch alone, 0.2-0.4 ms a step."""
_NUMBERS_TO_HALVE = 5e5
"""Numbers of embeddings, read and changed in a step, that XLA saves as much time on as on dispatch."""
_STEPS_AT_ONCE = 50
"""Steps of an epoch from which on the start of a compiled program (1 ms) does not matter."""
_LARGEST_PRODUCT = 5e8
"""Multiplications of all matrix products of a step beyond which TensorFlow's kernels are faster."""
_SMALL = """
    Placeholder Const NoOp Identity IdentityN StopGradient PreventGradient ReadVariableOp AssignVariableOp
    AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp MatMul BiasAdd BiasAddGrad Relu ReluGrad Relu6
    Relu6Grad LeakyRelu LeakyReluGrad Elu EluGrad Selu SeluGrad Tanh TanhGrad Sigmoid SigmoidGrad Softplus
    SoftplusGrad Softmax LogSoftmax SoftmaxCrossEntropyWithLogits Add AddV2 AddN
    Sub Mul RealDiv Div DivNoNan MulNoNan Neg Reciprocal Square SquaredDifference Sqrt SqrtGrad Rsqrt RsqrtGrad Pow
    Exp Log Log1p Abs Sign Maximum Minimum ClipByValue Floor FloorDiv FloorMod Round Sum Mean Max Min Prod All Any
    ArgMax Cast Shape Size Rank Reshape ExpandDims Squeeze Transpose ConcatV2 Concat ConcatOffset ShapeN Split
    SplitV Pack Unpack Tile BroadcastTo BroadcastArgs BroadcastGradientArgs DynamicBroadcastGradientArgs Fill
    ZerosLike OnesLike Range StridedSlice StridedSliceGrad Slice Pad Select SelectV2 Equal NotEqual Less LessEqual
    Greater GreaterEqual LogicalAnd LogicalOr LogicalNot IsFinite IsNan OneHot L2Loss InvertPermutation
    DynamicStitch Bitcast Cos Erf Erfc Ceil StatelessRandomUniformV2 StatelessRandomUniformFullIntV2
    StatelessRandomNormalV2 StatelessRandomGetKeyCounter StatelessRandomGetAlg ResourceApplyAdam
    ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyRMSProp
    ResourceApplyCenteredRMSProp ResourceApplyAdagradV2 ResourceApplyAdaMax ResourceApplyFtrlV2
    ResourceApplyAdadelta
"""
_FIT = frozenset(_SMALL.split())
_GATHER = "ResourceGather"
_INDICES = {
    _GATHER: (
        "An embedding takes indices",
        "Make `input_dim` of the embedding larger, or correct the indices.",
    ),
    "SparseSoftmaxCrossEntropyWithLogits": (
        "A sparse categorical crossentropy takes labels",
        "Give the model's output a unit for each class, or correct the labels.",
    ),
}
"""Operations whose second input is made of indices, what to say of them, and what to do."""
_SUMS = ("UnsortedSegmentSum", "ResourceScatterSub")
"""How the gradients of the rows that an embedding gathered are summed for each row of its table."""
_LOOKUPS = frozenset([*_INDICES, *_SUMS])
"""They fit where their indices are an input of the step, which can be looked at before."""


def steps_at_stake(epochs: int, batches: int) -> int:
    """The steps of a run of so many epochs of so many batches that XLA could make faster: none in short epochs."""
    return epochs * batches if batches >= _STEPS_AT_ONCE else 0


def steps_to_pay(graph: tf.Graph, rows: int) -> float:
    """The number of steps that win back what it costs to have XLA compile; infinite where no step becomes faster.

    An embedding that is trained brings that forward: as TensorFlow runs it, the words of a batch, their gradients and
    the sum of these for each word of the table are made one after the other, and with the table they are much to read
    and write.

    Args:
        graph: the traced step.
        rows: rows of a batch.
    """
    if not _is_fit(graph, rows):
        return math.inf
    operations = graph.get_operations()
    if not any(operation.type in _SUMS for operation in operations):
        return _STEPS_TO_PAY
    made = [one.outputs[0].shape for one in operations if one.type in (_GATHER, *_SUMS) and one.outputs]
    numbers = sum(math.prod(size or rows for size in shape) for shape in made if shape.rank)
    return _STEPS_TO_PAY / (1 + numbers / _NUMBERS_TO_HALVE)


def _is_fit(graph: tf.Graph, rows: int) -> bool:
    operations = graph.get_operations()
    known = {id(graph.inputs[place].op) for place in _tables(graph)}
    for operation in operations:
        if operation.type in _LOOKUPS and id(source_of(operation.inputs[1])) in known:
            continue
        if operation.type not in _FIT and not _gathers_sizes(operation):
            return False
    products = sum(_weights_of(operation) for operation in operations if operation.type == "MatMul")
    return 0 < rows * products <= _LARGEST_PRODUCT


def check_indices(graph: tf.Graph, columns: Any) -> None:
    """Looks at the columns that a step takes for indices of tables, as embeddings do, and for numbers of classes.

    TensorFlow's kernels refuse an index that is out of range; XLA takes another row, and says nothing.

    Raises:
        ValueError: for an index outside its table, or a label outside the classes.
    """
    parts = tf.nest.flatten(columns, expand_composites=True)
    given = [part for part in parts if part is not None]
    for place, (rows, what, fix) in _tables(graph).items():
        indices = given[place]
        if not tf.reduce_all(tf.logical_and(indices > -1, indices < rows)):
            smallest, largest = float(tf.reduce_min(indices)), float(tf.reduce_max(indices))
            raise ValueError(
                f"{what} from 0 to {rows - 1}. "
                f"Received: {what.rpartition(' ')[2]} from {smallest:g} to {largest:g} in column {place} of the data\n"
                f"{fix}"
            )


def _tables(graph: tf.Graph) -> dict[int, tuple[int, str, str]]:
    """Which inputs of a traced step are indices, how many there may be at most, who takes them, and what helps."""
    inputs = graph.inputs[: len(graph.inputs) - len(graph.captures)]
    places = {id(tensor.op): i for i, tensor in enumerate(inputs)}
    variables = {id(variable.handle): variable for variable in graph.variables}
    owners = {id(inner.op): variables.get(id(outer)) for outer, inner in graph.captures}
    found: dict[int, tuple[int, str, str]] = {}
    for operation in graph.get_operations():
        known = _INDICES.get(operation.type)
        place = None if known is None else places.get(id(source_of(operation.inputs[1])))
        if known is None or place is None or operation.type == _GATHER and operation.get_attr("batch_dims"):
            continue
        table = owners.get(id(operation.inputs[0].op)) if operation.type == _GATHER else operation.inputs[0]
        rows = None if table is None else table.shape[0 if operation.type == _GATHER else -1]
        if rows is not None:
            found[place] = min((rows, *known), found.get(place, (rows, *known)))
    return found


def _gathers_sizes(operation: Any) -> bool:
    """Whether the operation picks sizes of a shape, as gradients of reductions do, with indices that are in range."""
    return operation.type == "GatherV2" and operation.inputs[0].op.type == "Shape"


def _weights_of(product: Any) -> float:
    """The size of the matrix among the operands and the result that has no axis of rows, or too much if all have."""
    shapes = [tensor.shape for tensor in (*product.inputs, *product.outputs)]
    known = [math.prod(shape) for shape in shapes if shape.is_fully_defined()]
    return max(known, default=math.inf)
