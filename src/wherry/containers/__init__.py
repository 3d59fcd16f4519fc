"""Container engines: finding one, having an image, running a command in it, and getting the files back."""
