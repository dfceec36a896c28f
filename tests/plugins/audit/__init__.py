"""A plugin that uses every seam: it marks, watches and filters jobs, and stores them sealed."""
