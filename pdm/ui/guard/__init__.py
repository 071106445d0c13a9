"""What protects the server: uploads, the gate for painting, hosts and headers, limits. No tab, and no model code."""
