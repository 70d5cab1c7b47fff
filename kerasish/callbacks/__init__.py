"""`keras.callbacks`: what may look on, and step in, while a model is trained, evaluated or asked for predictions."""

from kerasish.callbacks import experimental
from kerasish.callbacks.averages import SwapEMAWeights
from kerasish.callbacks.backup import BackupAndRestore
from kerasish.callbacks.base import BaseLogger, Callback, History, LambdaCallback
from kerasish.callbacks.callback_list import CallbackList
from kerasish.callbacks.checkpoint import ModelCheckpoint
from kerasish.callbacks.csv_logger import CSVLogger
from kerasish.callbacks.early_stopping import EarlyStopping
from kerasish.callbacks.finite import TerminateOnNaN
from kerasish.callbacks.progress import ProgbarLogger
from kerasish.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from kerasish.callbacks.remote import RemoteMonitor
from kerasish.callbacks.sidecar_export import SidecarEvaluatorModelExport
from kerasish.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SidecarEvaluatorModelExport",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
    "experimental",
]
