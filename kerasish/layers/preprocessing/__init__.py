"""Layers that turn what is found in files into what networks compute with; `adapt` learns from examples."""
