"""What stands between the city and a driver. It knows calls; it knows nothing of citizens or agencies."""
