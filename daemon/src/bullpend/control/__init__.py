"""Live control: a picture is changed while it is made."""
