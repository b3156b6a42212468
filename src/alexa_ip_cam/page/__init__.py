"""The page at the clips name: what every part of the appliance says of itself, as static files for a browser."""
