"""Rules of the functions that join arrays, take them apart, insert and delete."""
