"""Rules of the statistics: nan-functions, order statistics, covariances."""
