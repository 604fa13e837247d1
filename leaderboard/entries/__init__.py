"""Result files as entries, and which of them a name means."""
