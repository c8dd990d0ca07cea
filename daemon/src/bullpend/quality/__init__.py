"""What measured values say about a picture, and which picture of several is the best."""
