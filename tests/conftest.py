"""What pytest leaves out: the script that made the golden values needs JAX and PyTorch."""

collect_ignore = ["golden"]
