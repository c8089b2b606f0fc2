"""Who may use the API and the dashboard: the secret, the session and the login."""
