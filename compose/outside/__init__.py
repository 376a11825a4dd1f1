"""Local stand-ins for the services of others that the platform talks to."""
