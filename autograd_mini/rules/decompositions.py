"""Rules of `numpy.linalg`: solving, inverting, and taking matrices apart."""
