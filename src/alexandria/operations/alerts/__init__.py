"""Detects incidents and reports them by webhook."""
