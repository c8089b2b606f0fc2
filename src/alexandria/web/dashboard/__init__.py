"""The dashboard: pages, forms and the live stream."""
