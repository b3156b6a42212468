"""Proves that port 443 serves what an Echo takes, plans the certificate's renewal, and notes how renewals end."""
