"""Payment gateways: where a citizen pays, and what they tell us of it. Source: docs/outcomes.md section 12."""
