"""Dimensions: who, what, where and when."""
