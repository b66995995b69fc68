"""`exposedapp doctor`: finds out where the way from this machine to an app breaks."""
