"""Mining of the user's own text: two files, of any size, to pairs that translate each other."""
