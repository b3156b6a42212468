"""What every service of the appliance needs: readiness and watchdog, checked settings, files replaced in one step."""
