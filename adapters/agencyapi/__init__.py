"""Agencies that implement our own small Agency API (docs/agency-api.md)."""
