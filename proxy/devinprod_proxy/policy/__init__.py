"""WHAT IS ALLOWED: the folder that a security reviewer reads, whole, in an hour.

Pure: no files, sockets or clocks. ``model`` holds the rules as data, ``load`` reads them from
text, ``masks`` says what a masked value becomes, ``facts`` is what a statement was found to do,
and ``decide`` judges the facts.
"""
