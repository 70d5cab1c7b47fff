"""What every object of the library is: names, settings, configuration, ownership. Imports only TensorFlow and NumPy."""
