"""The appliance's alarms: raised and cleared by any of its services, told to the owner in one place."""
