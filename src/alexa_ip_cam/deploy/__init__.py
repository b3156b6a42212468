"""What the deployment of the skill keeps and does on the controller; nothing of it goes to Amazon with the skill."""
