"""From alexa-ip-cam 1.x (Node.js) to an inventory: its three files read, never run."""
