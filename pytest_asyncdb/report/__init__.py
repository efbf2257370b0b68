"""Renderers: each turns a Result into text and decides nothing."""
