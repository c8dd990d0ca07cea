"""How pictures were made, as their own files tell it: read, kept beside the asset, handed out."""
