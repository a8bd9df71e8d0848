"""Gives a channel other units in its own attribute, as another program might, and leaves channel_summary alone.
  change_units.py FILE COMPONENT UNITS"""
import sys

import h5py

path, component, units = sys.argv[1:]


def change(name, item):
    if isinstance(item, h5py.Dataset) and name.endswith("/" + component):
        item.attrs["units"] = units


with h5py.File(path, "r+") as file:
    file.visititems(change)
print("{}")
