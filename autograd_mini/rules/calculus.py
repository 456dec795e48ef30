"""Rules of differences, integrals, polynomials, convolutions and interpolation."""
