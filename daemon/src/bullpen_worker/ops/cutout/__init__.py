"""Taking the background away."""
