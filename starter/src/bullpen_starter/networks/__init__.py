"""Definitions of the small networks, without the scripts that train them: a runtime loads shipped weights with these.

Only torch, safetensors, numpy and Pillow are needed here; nothing is imported from the renderer.
"""
