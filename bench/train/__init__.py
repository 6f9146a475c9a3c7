"""What training costs: loader, journal and the trunk."""
