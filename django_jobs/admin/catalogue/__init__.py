"""The catalogue of registered jobs."""
