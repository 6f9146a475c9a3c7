"""Changes of a crop's pixels: windows, colour and blur, other backgrounds."""
