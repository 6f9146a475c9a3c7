"""Faults from outside, in numbers: damaged files, wrong options, kills, full disks, networks."""
