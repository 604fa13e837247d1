"""From vectors to numbers: neighbors, margins, mined pairs, metrics and their intervals."""
