"""Sets the times of all commits of a file an hour later, as if other ones had written it.
  other_commits.py FILE"""
import sys

import h5py

with h5py.File(sys.argv[1], "r+") as file:
    commits = file["Acquisition/commits"]
    rows = commits[:]
    rows["time"] += 3_600_000_000_000
    commits[:] = rows
print("{}")
