"""What the pages of all screens share."""
