"""What a site adds to its own pages: jobs of an object, and a job run on selected ones."""
