"""What is done with a platform from day to day: runs are started and followed, and what serves is traced back.

``clients`` knows no backend: each has a module ``client`` beside its engine, which is loaded when a ref names it.
"""
