"""Layers that go along a sequence with a state, the cells they are made of, and what is put around them."""

from __future__ import annotations

from kerasish.layers.recurrent.any_cell import AbstractRNNCell, StackedRNNCells
from kerasish.layers.recurrent.bidirectional import Bidirectional
from kerasish.layers.recurrent.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from kerasish.layers.recurrent.gru import GRU, GRUCell
from kerasish.layers.recurrent.lstm import LSTM, LSTMCell
from kerasish.layers.recurrent.rnn import RNN
from kerasish.layers.recurrent.simple_rnn import SimpleRNN, SimpleRNNCell
from kerasish.layers.recurrent.time_distributed import TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AbstractRNNCell",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]
