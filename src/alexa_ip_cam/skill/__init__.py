"""The smart home skill: answers Alexa's directives from settings that travel with the code."""
