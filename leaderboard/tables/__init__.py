"""What the tables say, whatever they are written in."""
