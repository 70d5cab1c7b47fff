"""Model: layers with everything that fit, evaluate and predict need.

Longer than most files because it is the public face of training: each method checks its arguments, opens the source of
batches, builds the callbacks and calls the loop. The step that a user can override is ten lines (`train_step`).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import tensorflow as tf

from kerasish import optimizers
from kerasish.callbacks import CallbackList, History
from kerasish.callbacks.finite import FiniteWatch
from kerasish.core.forks import refuse_fork
from kerasish.core.naming import unique_name
from kerasish.core.shapes import shapes_of
from kerasish.core.tracking import unique
from kerasish.data_sources.arrays import one_block, single_batch, split
from kerasish.data_sources.source import Source, open_source, unpack_x_y_sample_weight
from kerasish.graph import scratch
from kerasish.graph.symbolic_tensor import SymbolicTensor
from kerasish.layers.base import LAYERS, masks_of
from kerasish.layers.endpoints import AddLoss, AddMetric
from kerasish.models.functional import Network, rebuild
from kerasish.models.older_names import OlderNames
from kerasish.models.persistence import Persistent, from_arguments
from kerasish.models.structure import Structured
from kerasish.models.summary import Summarized
from kerasish.training import checks, loop, replicas
from kerasish.training.objective import CompiledLoss, CompiledMetrics
from kerasish.training.outputs import Outputs
from kerasish.training.program import MetricResults, Program, is_untouched
from kerasish.training.turns import TRACING, Run, Turns

_STATE = ("optimizer", "loss", "compiled_loss", "compiled_metrics", "history", "_compile_arguments", "_programs")


@LAYERS.register()
class Model(Structured, Summarized, OlderNames, Persistent):
    """Layers that can be trained.

    Made from symbolic tensors, `Model(inputs, outputs)`, or by a subclass that defines `call`.

    Args:
        inputs: a symbolic tensor, or a list or dict of them.
        outputs: likewise.
        name: the model's name.
        trainable: whether its weights are trained.

    Raises:
        ValueError: if outputs do not follow from the inputs.
    """

    __config_module__ = "keras"
    _family_base = True
    _config_excluded: tuple[str, ...] = ("inputs", "outputs")
    _own_weights_first = False
    _programs: dict[str, Program]
    _known_outputs: Any
    compiled_metrics: Any
    history: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        functional = cls is Model and (args or "inputs" in kwargs or "outputs" in kwargs)
        instance = super().__new__(Functional if functional else cls, *args, **kwargs)
        state: dict[str, Any] = {"_network": None, "_programs": {}, "optimizer": None, "loss": None,
                 "compiled_loss": None, "history": None,
                 "compiled_metrics": None, "stop_training": False, "steps_per_execution": 1, "_run_eagerly": None,
                 "_jit_compile": "auto", "_compile_arguments": None, "_known_outputs": None,
                 "_turns": Turns(), "_strategy": replicas.present_strategy(),
                 "_checked": ((None,), None)}  # fmt: skip
        instance.__dict__.update(state)
        return instance

    def __init__(self, *args: Any, inputs: Any = None, outputs: Any = None, **kwargs: Any):
        if args and inputs is None:
            inputs, *rest = args
            outputs = rest[0] if rest and outputs is None else outputs
            if rest[1:]:
                kwargs["name"] = rest[1]
        if (inputs is None) != (outputs is None):
            raise ValueError(f"A model needs both `inputs` and `outputs`, or neither. Received: {inputs=}, {outputs=}")
        if type(self) is Functional and kwargs.get("name") is None:
            kwargs["name"] = unique_name("model")
        super().__init__(**{"autocast": False, **kwargs})
        if inputs is not None:
            self._connect(Network(inputs, outputs))

    def _connect(self, network: Network) -> None:
        object.__setattr__(self, "_network", network)
        object.__setattr__(self, "_known_outputs", None)
        self.built = True
        if not self.trainable:
            self.trainable = False

    # Structure.

    def _own(self, name: str, value: Any) -> None:
        if "_name" not in self.__dict__:
            raise RuntimeError(f"`{type(self).__name__}.__init__` must call `super().__init__()` before `self.{name}`.")
        if name not in _STATE and name != "_network":
            super()._own(name, value)

    def _children(self) -> list[Any]:
        own = super()._children()
        return unique([*self._network.layers, *own]) if self._network is not None else own

    def _weight_holders(self) -> list[Any]:
        return self._children()

    @property
    def weights(self) -> list[tf.Variable]:
        """All variables, layer by layer."""
        return unique([v for child in self._children() for v in child.variables] + self._owned_weights())

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs for the inputs; subclasses define it, a functional model has its own.

        Raises:
            NotImplementedError: for a subclass without.
        """
        if self._network is None:
            raise NotImplementedError(
                f"{type(self).__name__} must define `call(self, inputs)`, or be made from symbolic tensors."
            )
        if mask is not None:
            for tensor, one in zip(self._network.in_order(inputs), tf.nest.flatten(mask), strict=False):
                tensor._keras_mask = one
        return self._network.run(inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks of the outputs for the inputs; None for a subclass that does not define it."""
        return None if self._network is None else masks_of(self.call(inputs, mask=mask))

    def _mark(self, inputs: Any, mask: Any, outputs: Any) -> None:
        """The layers of a network have marked its outputs; a subclass that defines `compute_mask` is asked."""
        if self._network is None and type(self).compute_mask is not Model.compute_mask:
            super()._mark(inputs, mask, outputs)

    def build(self, input_shape: Any) -> None:
        """Creates the weights by calling the model symbolically on inputs of that shape."""
        if self._network is None and type(self).call is not Model.call:
            self.built = True
            self.compute_output_shape(input_shape)
        self._build_input_shape = input_shape
        self.built = True

    def _maybe_build(self, inputs: Any) -> None:
        """A subclass's layers build themselves when they are called; only its own `build` is called here."""
        if self._network is not None and self._build_input_shape is None:
            self._build_input_shape = shapes_of(inputs)
        if not self.built:
            if type(self).build is not Model.build:
                super()._maybe_build(inputs)
            self.built = True

    def _add_symbolic_loss(self, loss: SymbolicTensor) -> None:
        if self._network is None:
            return super()._add_symbolic_loss(loss)
        self._network.append(tf.nest.flatten(AddLoss()(loss)))

    def _add_symbolic_metric(self, value: SymbolicTensor, name: str | None, aggregation: str | None) -> None:
        if self._network is None:
            return super()._add_symbolic_metric(value, name, aggregation)
        self._network.append(tf.nest.flatten(AddMetric(aggregation, name)(value)))

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are joined; for a subclass its plain constructor arguments."""
        if self._network is None:
            return super().get_config()
        return {"name": self.name, "trainable": self.trainable, **self._network.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model of a configuration, with fresh weights."""
        if not {"layers", "input_layers", "output_layers"} <= set(config):
            return from_arguments(cls, config)
        inputs, outputs, layers = rebuild(config, LAYERS, custom_objects)
        own = {"name": config.get("name"), "trainable": config.get("trainable", True)}
        model: Any = cls(inputs=inputs, outputs=outputs, **own)
        known = {id(layer) for layer in model.layers}
        for layer in layers:
            if isinstance(layer, (AddLoss, AddMetric)) and id(layer) not in known:
                model._network.append(tf.nest.flatten(layer._inbound_nodes[-1].outputs))
        return model

    # Compiling.

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
        weighted_metrics: Any = None, run_eagerly: bool | None = None, steps_per_execution: int | None = None,
        jit_compile: bool | None = None, pss_evaluation_shards: int = 0, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Sets what training minimizes, how, and what it reports; every name is resolved here.

        Args:
            optimizer: an optimizer, its name or configuration.
            loss: a loss, name or function, or a list or dict of them by output; None for an output without.
            metrics: metrics, names or functions; lists of lists or dicts by output.
            loss_weights: numbers by output.
            weighted_metrics: metrics that take the sample weights into account.
            run_eagerly: run every step as plain Python.
            steps_per_execution: batches in one execution; chosen by the library if None.
            jit_compile: True: XLA compiles the steps; False: never; None or "auto": a long run of small steps.
            pss_evaluation_shards: accepted for compatibility.

        Raises:
            ValueError: for unknown names, with the nearest ones.
            TypeError: for unknown keywords.
        """
        kwargs.pop("experimental_run_tf_function", None)
        kwargs.pop("sample_weight_mode", None)  # weights of time steps are told by their shape
        if set(kwargs) - {"target_tensors"} or any(kwargs.values()):
            raise TypeError(f"compile takes no keyword argument {', '.join(map(repr, kwargs))}.")
        outputs = None if self._network is None else Outputs.of(self._network.outputs, self._network.output_names)
        with replicas.scope_of(self._strategy):
            state = {
                "optimizer": optimizers.loss_scale.for_policy(optimizers.get(optimizer), self.dtype_policy),
                "loss": loss, "compiled_loss": CompiledLoss(loss, loss_weights, outputs, checks.has_own_step(self)),
                "compiled_metrics": CompiledMetrics(metrics, weighted_metrics, outputs), "_run_eagerly": run_eagerly,
                "steps_per_execution": checks.steps_per_execution(steps_per_execution),
                "_jit_compile": checks.compilation(jit_compile), "_programs": {},
            }  # fmt: skip
        replicas.check(self._strategy, state["optimizer"])
        for name, value in state.items():
            setattr(self, name, value)
        self._compile_arguments = {"optimizer": self.optimizer, "loss": loss, "metrics": metrics,
                                   "loss_weights": loss_weights,
                                   "weighted_metrics": weighted_metrics}  # fmt: skip

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python."""
        return tf.config.functions_run_eagerly() if self._run_eagerly is None else self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = value
        self._programs = {}

    @property
    def jit_compile(self) -> bool | None:
        """Whether XLA compiles the steps; None where the library decides."""
        return None if self._jit_compile == "auto" else self._jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool | None) -> None:
        self._jit_compile = checks.compilation(value)
        self._programs = {}

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self.compiled_loss is not None

    @property
    def metrics(self) -> list[Any]:
        """The metrics of losses and outputs, then those of the layers."""
        of_outputs = [*self.compiled_loss.metrics, *self.compiled_metrics.metrics] if self.compiled else []
        return unique([*of_outputs, *super().metrics])

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics, in the order in which `evaluate` returns them."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts every metric afresh."""
        for metric in self.metrics:
            metric.reset_state()

    def reset_states(self) -> None:
        """Forgets what stateful layers carry from batch to batch."""
        for layer in self.layers:
            if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
                layer.reset_states()

    # One step.

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch; returns what is to be reported."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = scratch.converted(self.compute_loss)(x, y, y_pred, sample_weight)
        self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
        return scratch.converted(self.compute_metrics)(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch; returns what is to be reported."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        scratch.converted(self.compute_loss)(x, y, y_pred, sample_weight)
        return scratch.converted(self.compute_metrics)(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> tf.Tensor:
        """The total loss of a batch: those of the outputs and those within the model."""
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Updates the outputs' metrics with a batch and returns all results."""
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> MetricResults:
        """The present results of all metrics by name."""
        return MetricResults.of(self.metrics)

    def program(self, kind: str) -> Program:
        """The compiled steps of a kind, `"train"`, `"test"` or `"predict"`; kept until the model is compiled again."""
        with TRACING:
            if kind not in self._programs:
                with replicas.scope_of(self._strategy):
                    self._programs[kind] = self._new_program(kind)
            return self._programs[kind]

    def _new_program(self, kind: str) -> Program:
        method = f"{kind}_step"
        options: dict[str, Any] = {}
        if kind == "train" and self.built and scratch.is_library_method(self, method):
            self.optimizer.build(self.trainable_variables)  # a trace that makes variables is repeated
            options["around"] = getattr(self.optimizer, "many_steps", nullcontext)

        def step(batch: Any) -> Any:
            try:
                return scratch.converted(getattr(self, method))(batch)
            finally:
                if not tf.executing_eagerly():
                    self._clear_losses()

        collect, jit_compile = kind == "predict", self._jit_compile
        run: Any = step
        if self._strategy is not None:
            options["around"] = partial(replicas.within, self._strategy, options.get("around", nullcontext))
            run = replicas.on_replicas(self._strategy, step, collect, self.get_metrics_result, is_untouched)
            options["one_by_one"] = self._strategy.num_replicas_in_sync > 1
            jit_compile = False if jit_compile == "auto" else jit_compile
        return Program(
            run, self.get_metrics_result, collect=collect, eager=self.run_eagerly,
            jit_compile=jit_compile, revision=lambda: getattr(self.optimizer, "revision", None),
            reset=self.reset_metrics, variables=self._changed_by_steps, **options,
        )  # fmt: skip

    def _changed_by_steps(self) -> list[tf.Variable]:
        of_optimizer = [] if self.optimizer is None else self.optimizer.variables
        return [*self.variables, *of_optimizer, *(v for metric in self.metrics for v in metric.variables)]

    def train_step_graph(self) -> Any:
        """The graph of the traced training step, or None before training."""
        program = self._programs.get("train")
        return program.graph if program is not None else None

    # Loops.

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: Any = 1,
        max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
    ) -> History:  # fmt: skip
        """Trains the model and returns the `History` of what every epoch reported.

        Args:
            x: arrays, tensors, frames, lists or dicts of them; a `tf.data.Dataset`, a generator or a `Sequence`.
            y: targets; left out where `x` gives them.
            batch_size: rows in a batch, 32 if None.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 or "auto" a progress bar, 2 a line per epoch.
            callbacks: callbacks.
            validation_split: part of the rows, from the end, to validate on.
            validation_data: what to validate on after an epoch, `(x, y)`, `(x, y, sample_weight)` or a source.
            shuffle: whether rows (for a `Sequence`: batches) come in a new order in every epoch; "batch" keeps batches.
            class_weight: `{class: weight}`, for several outputs `{output: {class: weight}}`; others weigh 1.
            sample_weight: a weight for each row.
            initial_epoch: number of epochs done before.
            steps_per_epoch: batches in an epoch, all there are if None.
            validation_steps: batches to validate on.
            validation_batch_size: rows in them, `batch_size` if None.
            validation_freq: validate every so many epochs, or after the epochs of this collection (from 1).
            max_queue_size: batches that workers prepare ahead.
            workers: how many threads prepare the batches of a `Sequence`.
            use_multiprocessing: whether processes do so instead, each with a copy of the `Sequence`.

        Raises:
            RuntimeError: before `compile`.
            ValueError, TypeError: for data that does not fit, before anything is trained.
        """
        self._check_compiled("fit")
        checks.check_epochs(epochs, initial_epoch, validation_freq)
        if validation_split:
            (x, y, sample_weight), held_out = split(x, y, sample_weight, validation_split)
            validation_data = validation_data if validation_data is not None else held_out
        drawing: dict[str, Any] = {"workers": workers, "max_queue_size": max_queue_size}
        drawing["use_multiprocessing"] = use_multiprocessing
        source = self._open(x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, steps=steps_per_epoch,
                            epochs=max(epochs - initial_epoch, 1), first_epoch=initial_epoch, class_weight=class_weight,
                            steps_argument="steps_per_epoch", **drawing)  # fmt: skip
        validation = None
        if validation_data is not None:
            given = validation_data if isinstance(validation_data, (tuple, list)) else (validation_data,)
            validation = self._open(*given, batch_size=checks.batch_size(validation_batch_size, batch_size),
                                    steps=validation_steps,
                                    argument="validation_data", steps_argument="validation_steps",
                                    **drawing)  # fmt: skip
        verbose = checks.verbosity(verbose, auto=1)
        listed = CallbackList(
            [callbacks, FiniteWatch()], add_history=True, add_progbar=verbose != 0, model=self, verbose=verbose,
            epochs=epochs, **_described(source), validation_samples=validation and validation.samples,
            validation_steps=validation and validation.batches, do_validation=validation is not None,
            metrics=self.metrics_names,
        )  # fmt: skip
        try:
            checks.check_monitors(self, listed, validation is not None)
            loop.fit(self, source, listed, epochs=epochs, initial_epoch=initial_epoch, validation=validation,
                     validation_freq=validation_freq, watched=verbose == 1)  # fmt: skip
        finally:
            listed.close()
            source.close()
            if validation is not None:
                validation.close()
        return self.history

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
        sample_weight: Any = None, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False, return_dict: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """The loss, or the list (dict if `return_dict`) of loss and metrics; arguments as for `fit`."""
        checks.refuse_keywords("evaluate", kwargs)
        self._check_compiled("evaluate")
        source = self._open(x, y, sample_weight, batch_size=batch_size, steps=steps, workers=workers,
                            use_multiprocessing=use_multiprocessing, max_queue_size=max_queue_size)  # fmt: skip
        verbose = checks.verbosity(verbose, auto=1)
        listed = CallbackList(callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1,
                              **_described(source), metrics=self.metrics_names)  # fmt: skip
        try:
            logs = loop.evaluate(self, self.program("test"), source, listed, verbose == 1)
        finally:
            listed.close()
            source.close()
        return self._reported(logs or {}, return_dict, self.program("test"))

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
        callbacks: Any = None,        max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """The outputs for all inputs as NumPy arrays; silent unless `verbose` is 1."""
        refuse_fork()
        source = open_source(x, batch_size=batch_size, steps=steps, workers=workers, input_names=self.input_names,
                             use_multiprocessing=use_multiprocessing, max_queue_size=max_queue_size)  # fmt: skip
        if self._network is not None:
            checks.check_inputs(self._network.flat_inputs, source.element_spec)
            checks.check_fixed_batch(self, source)
        verbose = checks.verbosity(verbose, auto=0)
        listed = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, **_described(source)
        )
        try:
            return loop.predict(self, self.program("predict"), source, listed, verbose == 1)
        finally:
            listed.close()
            source.close()

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Trains on one batch and returns the loss, or loss and metrics."""
        self._check_compiled("train_on_batch")
        return self._on_batch(
            "train", single_batch(x, y, sample_weight, class_weight=class_weight, output_names=self.output_names),
            reset_metrics, return_dict,
        )  # fmt: skip

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
    ) -> Any:
        """The loss, or loss and metrics, of one batch."""
        self._check_compiled("test_on_batch")
        return self._on_batch("test", single_batch(x, y, sample_weight), reset_metrics, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch as NumPy arrays."""
        refuse_fork()
        _, outputs = self.program("predict").run(one_block(single_batch(x)))
        return tf.nest.map_structure(lambda value: value.numpy() if isinstance(value, tf.Tensor) else value, outputs)

    def _on_batch(self, kind: str, batch: Any, reset_metrics: bool, return_dict: bool) -> Any:
        block = one_block(batch, fresh=reset_metrics)
        self._check_element(block.specs[0], batch)
        run, program = Run(), self.program(kind)
        with self._turns.turn(run, self):
            _, logs = program.run(block)
        run.over = True
        found = {name: value.numpy() for name, value in logs.items()}
        found = {name: float(value) if value.ndim == 0 else value for name, value in found.items()}
        return self._reported(found, return_dict, program)

    def _reported(self, logs: Mapping[str, Any], return_dict: bool, program: Program) -> Any:
        """The logs as a dict, or as a list in the order of `metrics_names`, a single one as itself."""
        if return_dict:
            return dict(logs)
        if program.names is None or program.names.keys() != logs.keys():
            program.names = {**{name: None for name in self.metrics_names if name in logs}, **dict.fromkeys(logs)}
        values = [logs[name] for name in program.names]
        return values[0] if len(values) == 1 else values

    # Checks.

    def _open(self, x: Any, y: Any = None, sample_weight: Any = None, *, argument: str = "x", **options: Any) -> Source:
        """A source of batches that was compared with what the model and its losses take."""
        checks.check_given(x, argument)
        source = open_source(x, y, sample_weight, argument=argument, input_names=self.input_names,
                             output_names=self.output_names, **options)  # fmt: skip
        self._check_element(source.element_spec, getattr(source, "columns", None), argument)
        checks.check_fixed_batch(self, source)
        return source

    def _check_element(self, element: Any, columns: Any, argument: str = "x") -> None:
        """Compares types and shapes, once for all batches of the same types in a row, and the labels each time."""
        checked, outputs = self._checked
        asked = (element, self.compiled_loss, self.compiled_metrics, self._network)
        if not all(map(operator.is_, checked, asked)):
            outputs = self._check_types(element, columns, argument)
            object.__setattr__(self, "_checked", (asked, outputs))
        if outputs is not None and columns is not None:
            checks.check_labels(self.compiled_loss, outputs, columns, _targets(argument))

    def _check_types(self, element: Any, columns: Any, argument: str) -> Any:
        """The types of the outputs, None where the user's own step decides what targets are."""
        of_validation = argument == "validation_data"
        if self._network is not None:
            checks.check_inputs(self._network.flat_inputs, element, f"{argument}[0]" if of_validation else argument)
        overridden = not all(
            scratch.is_library_method(self, name) for name in ("train_step", "test_step", "compute_loss")
        )
        if overridden or (self._network is None and type(self).call is Model.call):
            return None
        with TRACING, replicas.scope_of(self._strategy):
            outputs = self._output_specs(element)
            checks.check_targets(self.compiled_loss, outputs, element, _targets(argument), columns)
            self.compiled_metrics.build(unpack_x_y_sample_weight(element)[1], outputs)
        return outputs

    def _output_specs(self, element: Any) -> Any:
        """Specifications of the outputs for a batch; builds the layers of a model that has not seen inputs yet."""
        if self._network is not None:
            return tf.nest.map_structure(lambda tensor: tensor.type_spec, self._network.outputs)
        x = unpack_x_y_sample_weight(element)[0]
        if self._known_outputs is None or self._known_outputs[0] != str(x):
            inputs = tf.nest.map_structure(SymbolicTensor, x)
            self._maybe_build(inputs)
            self._known_outputs = (str(x), _Holder(self._infer((inputs,), {"training": True})[0]))
        return self._known_outputs[1].value

    def _check_compiled(self, method: str) -> None:
        refuse_fork()
        if not self.compiled:
            raise RuntimeError(f"The model must be compiled before `{method}`. Call model.compile(optimizer, loss).")


@LAYERS.register()
class Functional(Model):
    """A model made from symbolic tensors: what `Model(inputs, outputs)` returns."""

    __config_module__ = "tf_keras.src.engine.functional"


class _Holder:
    """Keeps a structure from being taken for something the model owns."""

    def __init__(self, value: Any):
        self.value = value


def _described(source: Source) -> dict[str, Any]:
    return {"steps": source.batches, "samples": source.samples, "batch_size": source.batch_size, "unit": source.unit}


def _targets(argument: str) -> str:
    """What the targets beside the inputs of that name are called."""
    return f"{argument}[1]" if argument == "validation_data" else "y"
