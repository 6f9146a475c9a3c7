"""Result files of trackers: our own, and those that other toolkits write.

A folder of results holds one folder or zip per tracker. `folder` finds the trackers in it and the
file of each sequence, by the benchmark's names; `formats` reads a file, one module per format.
"""
