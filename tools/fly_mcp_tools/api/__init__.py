"""Fly's calls as typed functions of a running `Call`: the words composites are written in."""
